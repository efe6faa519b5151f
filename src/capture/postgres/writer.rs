//! The function through which an undo writes the tables of one owner, with that owner's rights: those of whoever runs
//! the server would be lent to every trigger of the tables. `SET ROLE` would not do: a trigger's `RESET ROLE` takes it back.

use sea_orm::ConnectionTrait;

use super::catalogue::{Relation, rows};
use super::install::run;
use super::name::{identifier, literal};
use crate::audit::Result;
use crate::store::failed;

const BODY: &str = include_str!("writer.sql");
/// Lets the server's roles call the function: those that may say what an undo reverses.
const GRANT: &str = "DO $$ DECLARE runtime text; BEGIN \
      FOR runtime IN SELECT DISTINCT r.rolname FROM pg_class c, aclexplode(c.relacl) a \
                       JOIN pg_roles r ON r.oid = a.grantee \
                      WHERE c.oid = 'afterimage.server_undo'::regclass AND a.privilege_type = 'INSERT' \
      LOOP EXECUTE format('GRANT EXECUTE ON FUNCTION {function} TO %I', runtime); END LOOP; \
    END $$";

/// The name of the owner's function.
pub(crate) fn name(owner: i64) -> String {
    format!("afterimage.write_as_{owner}")
}

fn owner(relation: &Relation) -> i64 {
    relation.table.owner.unwrap_or_default()
}

fn body(relation: &Relation) -> String {
    BODY.replace("{search_path}", &literal(&relation.search_path))
}

/// Creates the function of the table's owner anew.
pub(super) async fn install(connection: &impl ConnectionTrait, relation: &Relation) -> Result<()> {
    let function = format!("{}(json)", name(owner(relation)));
    run(
        connection,
        &format!(
            "CREATE OR REPLACE FUNCTION {}(statements json) RETURNS bigint[] LANGUAGE plpgsql SECURITY DEFINER \
             SET search_path = pg_catalog, pg_temp SET row_security = off AS {}",
            name(owner(relation)),
            literal(&body(relation))
        ),
    )
    .await?;
    run(connection, &format!("REVOKE ALL ON FUNCTION {function} FROM PUBLIC")).await?;
    run(connection, &GRANT.replace("{function}", &function)).await?;
    give(connection, relation, &function).await
}

/// Makes the function the table's owner's, who must be allowed to own something here for that moment.
async fn give(connection: &impl ConnectionTrait, relation: &Relation, function: &str) -> Result<()> {
    let sql = "SELECT pg_catalog.pg_get_userbyid($1::oid)::text, \
                      $1::oid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user), \
                      pg_catalog.has_schema_privilege($1::oid, 'afterimage', 'CREATE')";
    let found = rows(connection, sql, [owner(relation).into()]).await?;
    for row in found {
        let owner = identifier(&row.try_get_by_index::<String>(0).map_err(failed)?);
        let (own, may): (bool, bool) =
            (row.try_get_by_index(1).map_err(failed)?, row.try_get_by_index(2).map_err(failed)?);
        if own {
            continue;
        }
        if !may {
            run(connection, &format!("GRANT CREATE ON SCHEMA afterimage TO {owner}")).await?;
        }
        run(connection, &format!("ALTER FUNCTION {function} OWNER TO {owner}")).await?;
        if !may {
            run(connection, &format!("REVOKE CREATE ON SCHEMA afterimage FROM {owner}")).await?;
        }
    }
    Ok(())
}

/// Drops the functions of owners who have no tracked table any more.
pub(super) async fn remove_unused(connection: &impl ConnectionTrait) -> Result<()> {
    let sql = "SELECT pg_catalog.format('DROP FUNCTION %s', p.oid::pg_catalog.regprocedure) FROM pg_catalog.pg_proc p \
                WHERE p.pronamespace = 'afterimage'::pg_catalog.regnamespace AND p.proname LIKE 'write\\_as\\_%' \
                  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid \
                       WHERE t.tgname = '!afterimage_update' AND p.proname = 'write_as_' || c.relowner)";
    for row in rows(connection, sql, []).await? {
        run(connection, &row.try_get_by_index::<String>(0).map_err(failed)?).await?;
    }
    Ok(())
}

/// Whether the function is there, the owner's, and the one that would be installed today.
pub(super) async fn is_current(connection: &impl ConnectionTrait, relation: &Relation) -> Result<bool> {
    let sql = "SELECT p.prosrc FROM pg_catalog.pg_proc p \
                WHERE p.oid = pg_catalog.to_regprocedure($1) AND p.proowner = $2::oid AND p.prosecdef";
    let function = format!("{}(json)", name(owner(relation)));
    let found = rows(connection, sql, [function.into(), owner(relation).into()]).await?;
    match found.first() {
        Some(row) => Ok(row.try_get_by_index::<String>(0).map_err(failed)? == body(relation)),
        None => Ok(false),
    }
}
