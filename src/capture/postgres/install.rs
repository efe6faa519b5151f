//! Putting the triggers on a table, taking them off, and telling whether they are what they should be.

use sea_orm::{ConnectionTrait, DbErr};

use super::catalogue::{Relation, describe, rows};
use super::name::{self, identifier, literal};
use super::triggers::{TRUNCATE, Trigger, triggers};
use super::writer;
use crate::audit::{Code, Error, Result};
use crate::capture::table::{Choice, Health, Table};
use crate::store::{Tracked, failed};

/// The role that owns the capture functions, where the set-up made it: it may write the log, and nothing else.
const CAPTURE_ROLE: &str = "afterimage_capture";

pub(super) async fn run(connection: &impl ConnectionTrait, sql: &str) -> Result<()> {
    connection.execute_unprepared(sql).await.map(drop).map_err(refused)
}

/// Says what would mend it where the owner's role lacks a right.
fn refused(error: DbErr) -> Error {
    let shown = failed(error);
    match shown.code() {
        Code::Forbidden => Error::forbidden(
            "the database role that tracks tables must own the table, or be a member of the role that does; \
             start the server with `--owner-database-url`, or run `afterimage track` as such a role",
        )
        .caused_by(shown),
        _ => shown,
    }
}

/// Keeps others from writing the table, and from altering it.
pub(crate) async fn hold(connection: &impl ConnectionTrait, table: &Table) -> Result<()> {
    run(connection, &format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", table.sql_name)).await
}

/// Installs the triggers on the table, in place of those that are there.
pub(crate) async fn install(connection: &impl ConnectionTrait, name: &str, choice: &Choice) -> Result<Table> {
    let relation = describe(connection, name).await?;
    let table = &relation.table.sql_name;
    hold(connection, &relation.table).await?;
    let role = capture_role(connection).await?;
    if let Some(role) = &role {
        run(connection, &format!("GRANT CREATE ON SCHEMA afterimage TO {role}")).await?;
    }
    // What was tracked by itself and then became a partition has triggers of the names that it is to have from the root.
    drop_triggers(connection, relation.table.relation, false).await?;
    for trigger in triggers(&relation, choice) {
        install_trigger(connection, &relation, &trigger, role.as_deref()).await?;
    }
    if let Some(role) = &role {
        run(connection, &format!("REVOKE CREATE ON SCHEMA afterimage FROM {role}")).await?;
    }
    run(connection, &refuse_truncate(table, "")).await?;
    for partition in &relation.partitions {
        run(connection, &refuse_truncate(partition, "'partition'")).await?;
    }
    writer::install(connection, &relation).await?;
    Ok(relation.table)
}

async fn install_trigger(
    connection: &impl ConnectionTrait,
    relation: &Relation,
    trigger: &Trigger,
    role: Option<&str>,
) -> Result<()> {
    let (table, name) = (&relation.table.sql_name, identifier(trigger.name));
    let Trigger { function, event, body, .. } = trigger;
    let settings: String = relation.settings.iter().map(|setting| format!(" SET {setting}")).collect();
    run(connection, &format!("DROP TRIGGER IF EXISTS {name} ON {table}")).await?;
    run(
        connection,
        &format!(
            "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
             SET search_path = pg_catalog, pg_temp{settings} AS {}",
            literal(body)
        ),
    )
    .await?;
    // Whoever may call it could put it on a table of his own and forge entries.
    run(connection, &format!("REVOKE ALL ON FUNCTION {function}() FROM PUBLIC")).await?;
    if let Some(role) = role {
        run(connection, &format!("ALTER FUNCTION {function}() OWNER TO {role}")).await?;
    }
    run(connection, &format!("CREATE TRIGGER {name} {event} EXECUTE FUNCTION {function}()")).await?;
    run(connection, &format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")).await
}

fn refuse_truncate(table: &str, argument: &str) -> String {
    let name = identifier(TRUNCATE);
    format!(
        "DROP TRIGGER IF EXISTS {name} ON {table}; \
         CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT \
         EXECUTE FUNCTION afterimage.refuse_truncate({argument}); \
         ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
    )
}

/// The role that shall own the functions: none in the simple set-up, where the installing role does. Roles belong to the
/// whole cluster: where it was made for another database, and has no rights in this one, its functions would fail every
/// write.
async fn capture_role(connection: &impl ConnectionTrait) -> Result<Option<String>> {
    let sql = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1 AND pg_has_role(oid, 'MEMBER') \
                  AND has_schema_privilege(oid, 'afterimage', 'USAGE') \
                  AND has_table_privilege(oid, 'afterimage.log', 'INSERT')";
    let found = rows(connection, sql, [CAPTURE_ROLE.into()]).await?;
    Ok((!found.is_empty()).then(|| identifier(CAPTURE_ROLE)))
}

/// Takes our triggers off the partitions of a relation, and off itself as well. Those that a partition has from its root
/// go with the root's; so does the one that refuses TRUNCATE, which has an argument there.
async fn drop_triggers(connection: &impl ConnectionTrait, relation: Option<i64>, itself: bool) -> Result<()> {
    let sql = "SELECT pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname) \
                 FROM pg_catalog.pg_partition_tree($1::oid::regclass) tree \
                 RIGHT JOIN pg_catalog.pg_class c ON c.oid = tree.relid \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid \
                WHERE (CASE c.oid WHEN $1::oid THEN $2 ELSE tree.relid IS NOT NULL END) \
                  AND t.tgname ~ '^(!|~~~)afterimage_' AND t.tgparentid = 0 \
                  AND (t.tgnargs = 0 OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class p \
                                                     WHERE p.oid = $1::oid AND p.relispartition))";
    for row in rows(connection, sql, [relation.into(), itself.into()]).await? {
        run(connection, &row.try_get_by_index::<String>(0).map_err(failed)?).await?;
    }
    Ok(())
}

/// Takes the triggers off a table whose name has passed to another, so that its changes are not filed as the other's;
/// unless the name that it has now is tracked as well. In a database that was restored from a dump, the number may be that
/// of a table which has nothing to do with it.
pub(crate) async fn leave(connection: &impl ConnectionTrait, former: &Tracked, tracked: &[String]) -> Result<()> {
    let captures = "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c \
                      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                     WHERE c.oid = $1::oid AND EXISTS ( \
                         SELECT 1 FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid \
                          WHERE t.tgrelid = c.oid AND p.pronamespace = 'afterimage'::regnamespace \
                            AND pg_catalog.starts_with(p.proname, 'capture_' || $1 || '_'))";
    let found = rows(connection, captures, [former.relation.into()]).await?;
    let Some(found) = found.first() else { return Ok(()) };
    let (schema, name): (String, String) =
        (found.try_get_by_index(0).map_err(failed)?, found.try_get_by_index(1).map_err(failed)?);
    let name = name::filed(&schema, &name);
    if tracked.contains(&name) {
        return Ok(());
    }
    remove(connection, former).await.map_err(|error| error.about(&format!("the former {:?}", former.table_name)))
}

/// Takes the triggers and their functions off, as far as they are there.
pub(crate) async fn remove(connection: &impl ConnectionTrait, tracked: &Tracked) -> Result<()> {
    let relation = tracked.relation.unwrap_or_default();
    drop_triggers(connection, Some(relation), true).await?;
    for kind in ["insert", "update", "delete", "move", "leave"] {
        run(connection, &format!("DROP FUNCTION IF EXISTS afterimage.capture_{relation}_{kind}()")).await?;
    }
    writer::remove_unused(connection).await
}

/// Whether the triggers in the database are those that this server would install today.
pub(crate) async fn health(connection: &impl ConnectionTrait, tracked: &Tracked, choice: &Choice) -> Result<Health> {
    let relation = match describe(connection, &tracked.table_name).await {
        Ok(relation) => relation,
        Err(error) if matches!(error.code(), Code::NotFound | Code::BadUserInput) => {
            // The table may be there under another name, with its triggers, which file its entries under the old one.
            let renamed = "SELECT 1 FROM pg_catalog.pg_class WHERE oid = $1::oid";
            let found = rows(connection, renamed, [tracked.relation.unwrap_or_default().into()]).await?;
            return Ok(if found.is_empty() { Health::Missing } else { Health::Outdated });
        }
        Err(error) => return Err(error),
    };
    let sql = "SELECT t.tgname::text, t.tgenabled::text, (t.tgtype & 1) = 1, p.prosrc, t.tgrelid = $1::oid \
                 FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid \
                WHERE t.tgname ~ '^(!|~~~)afterimage_' \
                  AND t.tgrelid IN (SELECT $1::oid UNION SELECT relid FROM pg_catalog.pg_partition_tree($1::oid))";
    let mut installed = Vec::new();
    let mut of_partitions = Vec::new();
    for row in rows(connection, sql, [relation.table.relation.into()]).await? {
        let found: (String, String, bool, String) = (
            row.try_get_by_index(0).map_err(failed)?,
            row.try_get_by_index(1).map_err(failed)?,
            row.try_get_by_index(2).map_err(failed)?,
            row.try_get_by_index(3).map_err(failed)?,
        );
        if row.try_get_by_index(4).map_err(failed)? {
            installed.push(found);
        } else {
            of_partitions.push(found.1);
        }
    }
    let expected = triggers(&relation, choice);
    let found = |name: &str| installed.iter().find(|(installed, ..)| installed == name);
    let names = expected.iter().map(|trigger| trigger.name).chain([TRUNCATE]);
    let mut health = Health::Ok;
    for name in names {
        match found(name) {
            None => return Ok(Health::Missing),
            Some((_, enabled, ..)) if enabled != "A" => health = Health::Disabled,
            Some(_) => {}
        }
    }
    let passed_by = |trigger: &Trigger| {
        relation.passed_by && trigger.each_row && found(trigger.name).is_some_and(|(_, _, each_row, _)| !each_row)
    };
    if of_partitions.iter().any(|enabled| enabled != "A") || expected.iter().any(passed_by) {
        health = Health::Disabled;
    }
    // A partition gets the row triggers from its root; that which refuses TRUNCATE is each table's own.
    let missing = of_partitions.len() != relation.partitions.len() * (expected.len() + 1);
    let changed = expected.iter().any(|trigger| {
        found(trigger.name).is_some_and(|(_, _, each_row, body)| *each_row != trigger.each_row || *body != trigger.body)
    });
    let current = !missing && !changed && !relation.preceded && writer::is_current(connection, &relation).await?;
    Ok(if health == Health::Ok && !current { Health::Outdated } else { health })
}
