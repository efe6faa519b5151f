//! The one place that chooses between the two ways of capturing.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};

use super::table::{Choice, Column, Health, Reference, Table};
use super::{postgres, sqlite};
use crate::audit::{Error, Result};
use crate::store::{Kind, ReadTransaction, Tracked, failed};
use afterimage_entity::text::Text;

/// The tables that could be tracked, of one schema or of all.
pub(crate) async fn list(kind: Kind, connection: &impl ConnectionTrait, schema: Option<&str>) -> Result<Vec<String>> {
    match kind {
        Kind::Postgres => postgres::list(connection, schema).await,
        Kind::Sqlite if schema.is_some() => Err(Error::bad_input("SQLite knows no schemas; use `--all`")),
        Kind::Sqlite => sqlite::list(connection).await,
    }
}

/// The name under which a table's entries are filed.
pub(super) fn filed(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Postgres => postgres::name::parse(name)
            .map_or_else(|| name.to_owned(), |(schema, table)| postgres::name::filed(&schema, &table)),
        Kind::Sqlite => name.to_owned(),
    }
}

/// What the catalogue says of a table.
pub(crate) async fn describe(kind: Kind, connection: &impl ConnectionTrait, name: &str) -> Result<Table> {
    match kind {
        Kind::Postgres => Ok(postgres::describe(connection, name).await?.table),
        Kind::Sqlite => sqlite::describe(connection, name).await,
    }
}

/// The table as it is from here to the end of the transaction: nobody alters it meanwhile.
pub(super) async fn hold(kind: Kind, connection: &impl ConnectionTrait, table: Table) -> Result<Table> {
    match kind {
        Kind::Postgres => {
            postgres::hold(connection, &table).await?;
            describe(kind, connection, &table.name).await
        }
        // It has one lock, which the transaction holds already.
        Kind::Sqlite => Ok(table),
    }
}

/// The foreign keys that point at a table.
pub(crate) async fn references(kind: Kind, connection: &impl ConnectionTrait, table: &Table) -> Result<Vec<Reference>> {
    match kind {
        Kind::Postgres => postgres::references(connection, table).await,
        Kind::Sqlite => sqlite::references(connection, table).await,
    }
}

/// The values of these columns of a row, as an image writes them, without a lock; none where there is no such row. On
/// PostgreSQL the settings of the transaction are changed, to its end, so that values read as the log writes them.
pub(crate) async fn read_row(
    kind: Kind,
    transaction: &ReadTransaction,
    table: &Table,
    columns: &[&Column],
    record_id: &str,
) -> Result<Option<Vec<String>>> {
    let read = match kind {
        Kind::Postgres => {
            transaction.execute_unprepared(postgres::read::SETTINGS).await.map_err(failed)?;
            // An id that is no value of the key's type is an error there, which must not end the transaction.
            let attempt = transaction.attempt().await.map_err(failed)?;
            match attempt.query_one_raw(postgres::read::row(table, columns, record_id)).await {
                Ok(read) => attempt.commit().await.map(|()| read).map_err(failed)?,
                Err(error) => {
                    attempt.rollback().await.map_err(failed)?;
                    return match postgres::read::unread(table, &error) {
                        Some(postgres::read::Unread::NoSuchRow) => Ok(None),
                        Some(postgres::read::Unread::Refused(refusal)) => Err(refusal.caused_by(error)),
                        None => Err(failed(error)),
                    };
                }
            }
        }
        Kind::Sqlite => {
            let statement = sqlite::read::row(table, columns, record_id);
            transaction.query_one_raw(statement).await.map_err(failed)?
        }
    };
    let Some(row) = read else { return Ok(None) };
    let values = (0..columns.len()).map(|place| row.try_get_by_index::<Text>(place).map(String::from));
    values.collect::<Result<Vec<String>, _>>().map(Some).map_err(failed)
}

/// Waits for locks briefly: others must be able to go on.
pub(super) async fn be_brief(kind: Kind, connection: &impl ConnectionTrait) -> Result<()> {
    match kind {
        Kind::Postgres => {
            connection.execute_unprepared("SET LOCAL lock_timeout = '500ms'").await.map(drop).map_err(failed)
        }
        // It has one lock, which the transaction holds already.
        Kind::Sqlite => Ok(()),
    }
}

/// Installs the triggers.
pub(super) async fn install(
    kind: Kind,
    connection: &impl ConnectionTrait,
    table: &Table,
    choice: &Choice,
) -> Result<()> {
    match kind {
        Kind::Postgres => postgres::install(connection, &table.name, choice).await.map(drop),
        Kind::Sqlite => sqlite::install(connection, table, choice).await,
    }
}

/// Records the rows that are there; how many. What is bound: user, name, address, subject of the token, description,
/// metadata. Call it after [`install`], in the same transaction: each row is then either among these or yet to come.
pub(super) async fn baseline(
    kind: Kind,
    connection: &impl ConnectionTrait,
    table: &Table,
    choice: &Choice,
    values: [Value; 6],
) -> Result<u64> {
    match kind {
        Kind::Postgres => postgres::baseline(connection, &table.name, &choice.hidden, values).await,
        Kind::Sqlite => sqlite::baseline(connection, table, &choice.hidden, values).await,
    }
}

/// The database's own clock, as the entries have it.
pub(super) async fn now(kind: Kind, connection: &impl ConnectionTrait) -> Result<DateTime<Utc>> {
    match kind {
        Kind::Postgres => postgres::now(connection).await,
        Kind::Sqlite => sqlite::now(connection).await,
    }
}

/// A number that changes whenever anyone changes the schema, where the server itself may mend the triggers then.
pub(super) async fn schema_version(kind: Kind, connection: &impl ConnectionTrait) -> Result<Option<i64>> {
    match kind {
        // The server's role owns no table of the user's there, and the triggers survive what happens to their tables.
        Kind::Postgres => Ok(None),
        Kind::Sqlite => sqlite::schema_version(connection).await.map(Some),
    }
}

/// Takes the triggers off.
pub(super) async fn remove(kind: Kind, connection: &impl ConnectionTrait, tracked: &Tracked) -> Result<()> {
    match kind {
        Kind::Postgres => postgres::remove(connection, tracked).await,
        Kind::Sqlite => sqlite::remove(connection, &tracked.table_name).await,
    }
}

/// Takes the triggers off a table whose name has passed to another, unless the one that it has now is among the tracked.
pub(super) async fn leave(
    kind: Kind,
    connection: &impl ConnectionTrait,
    former: &Tracked,
    tracked: &[String],
) -> Result<()> {
    match kind {
        Kind::Postgres => postgres::leave(connection, former, tracked).await,
        // Triggers are known by their names there, and are replaced with those of the new table.
        Kind::Sqlite => Ok(()),
    }
}

/// Whether the triggers are those that this server would install.
pub(crate) async fn health(
    kind: Kind,
    connection: &impl ConnectionTrait,
    tracked: &Tracked,
    choice: &Choice,
) -> Result<Health> {
    match kind {
        Kind::Postgres => postgres::health(connection, tracked, choice).await,
        Kind::Sqlite => sqlite::health(connection, &tracked.table_name, choice).await,
    }
}
