//! Putting the triggers in, taking them out, and whether they are those of today.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::keys::shape;
use super::moving::notes_of;
use super::names::{catalogued, identifier, same};
use super::triggers::{EVENTS, trigger_name, triggers};
use super::{describe, entry, failed};
use crate::audit::{Code, Result};
use crate::capture::{Choice, Health, Table};

/// A trigger in the database.
struct Installed {
    name: String,
    /// The table that it is on.
    table: String,
    sql: String,
    /// Its place in the catalogue: SQLite fires the last first.
    place: i64,
}

impl Installed {
    fn is_ours(&self) -> bool {
        self.name.to_ascii_lowercase().starts_with("afterimage_")
    }
}

/// Creates the triggers of the table anew, after all others. Call it within a writing transaction, so that no write is
/// missed in between.
pub async fn install(conn: &impl ConnectionTrait, table: &Table, choice: &Choice) -> Result<()> {
    let shape = shape(conn, table).await?;
    remove_from(conn, &table.name).await?;
    entry::install(conn).await?;
    for trigger in triggers(table, &shape, choice) {
        conn.execute_unprepared(&trigger.sql).await.map_err(failed)?;
    }
    entry::remove_unused(conn).await
}

/// Drops the triggers of a table, also where it bears another name by now, and forgets what was stashed of it. It is no
/// error when there are none. Call it within a writing transaction.
pub async fn remove(conn: &impl ConnectionTrait, table_name: &str) -> Result<()> {
    remove_from(conn, table_name).await?;
    entry::remove_unused(conn).await
}

async fn remove_from(conn: &impl ConnectionTrait, table_name: &str) -> Result<()> {
    let name = catalogued(table_name);
    let names = names_of(&name);
    for trigger in installed(conn, &name).await? {
        let named = names.iter().any(|name| same(name, &trigger.name));
        if named || (trigger.is_ours() && same(&trigger.table, &name)) {
            let sql = format!("DROP TRIGGER main.{}", identifier(&trigger.name));
            conn.execute_unprepared(&sql).await.map_err(failed)?;
        }
    }
    let clear = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "DELETE FROM afterimage_stash WHERE table_name IN (?, ?)",
        [table_name.into(), notes_of(table_name).into()],
    );
    conn.execute_raw(clear).await.map_err(failed).map(drop)
}

/// Whether the triggers in the database are those that [`install`] would create now. A trigger of the user's that is
/// younger than ours fires before ours, and its changes of a new row would be logged before the row's CREATE: that is
/// OUTDATED too, and mended by installing again.
pub async fn health(conn: &impl ConnectionTrait, tracked_name: &str, choice: &Choice) -> Result<Health> {
    let installed = installed(conn, &catalogued(tracked_name)).await?;
    let table = match describe(conn, tracked_name).await {
        Ok(table) => table,
        Err(error) if error.code() == Code::NotFound => {
            // After a RENAME the triggers are still there, and file their entries under the old name.
            let names = names_of(&catalogued(tracked_name));
            let renamed = installed.iter().any(|trigger| names.iter().any(|name| same(name, &trigger.name)));
            return Ok(if renamed { Health::Outdated } else { Health::Missing });
        }
        Err(error) if error.code() == Code::BadUserInput => return Ok(Health::Outdated),
        Err(error) => return Err(error),
    };
    let name = catalogued(&table.name);
    let shape = match shape(conn, &table).await {
        Ok(shape) => shape,
        Err(error) if error.code() == Code::BadUserInput => return Ok(Health::Outdated),
        Err(error) => return Err(error),
    };
    let here: Vec<_> = installed.iter().filter(|trigger| same(&trigger.table, &name)).collect();
    let mut oldest = i64::MAX;
    let mut health = if entry::is_installed(conn).await? { Health::Ok } else { Health::Outdated };
    let expected = triggers(&table, &shape, choice);
    for trigger in &expected {
        let Some(found) = here.iter().find(|found| same(&found.name, &trigger.name)) else {
            return Ok(Health::Missing);
        };
        oldest = oldest.min(found.place);
        if found.sql != trigger.sql {
            health = Health::Outdated;
        }
    }
    let foreign = |found: &&&Installed| !expected.iter().any(|trigger| same(&found.name, &trigger.name));
    if here.iter().filter(foreign).any(|found| found.place > oldest || found.is_ours()) {
        health = Health::Outdated;
    }
    Ok(health)
}

fn names_of(table: &str) -> Vec<String> {
    EVENTS.iter().map(|event| trigger_name(table, event)).collect()
}

/// The triggers on a table of this name, and those that bear the names of its own, wherever they are.
async fn installed(conn: &impl ConnectionTrait, table: &str) -> Result<Vec<Installed>> {
    let names = names_of(table);
    let marks = vec!["?"; names.len()].join(", ");
    let sql = format!(
        "SELECT name, tbl_name, sql, rowid FROM main.sqlite_master \
         WHERE type = 'trigger' AND (tbl_name = ? COLLATE NOCASE OR name COLLATE NOCASE IN ({marks}))"
    );
    let values = std::iter::once(table.to_owned()).chain(names).map(Into::into);
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
    conn.query_all_raw(statement)
        .await
        .map_err(failed)?
        .iter()
        .map(|row| {
            Ok(Installed {
                name: row.try_get_by_index(0).map_err(failed)?,
                table: row.try_get_by_index(1).map_err(failed)?,
                sql: row.try_get_by_index(2).map_err(failed)?,
                place: row.try_get_by_index(3).map_err(failed)?,
            })
        })
        .collect()
}
