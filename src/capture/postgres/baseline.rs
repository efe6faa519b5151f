//! The rows that are there when tracking begins; and the database's clock.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::catalogue::{describe, rows};
use super::image::{image, record_id, redacted};
use super::install::run;
use super::name::literal;
use crate::audit::{Code, Error, Result};
use crate::capture::table::Hidden;
use crate::store::failed;

/// A row of the table in scope of the statement.
const ROW: &str = "afterimage_row";

/// Records each row as it is, as one entry; how many. The statement is the database's own: no row passes through here.
/// It prints values as the triggers do, whatever the session's settings, which stay so until the transaction's end.
pub(crate) async fn baseline(
    connection: &impl ConnectionTrait,
    name: &str,
    hidden: &Hidden,
    values: [Value; 6],
) -> Result<u64> {
    let relation = describe(connection, name).await?;
    let table = &relation.table;
    // With row_security on, rows that a policy hides would be left out silently.
    for setting in ["search_path = pg_catalog, pg_temp", "row_security = off"].iter().chain(&relation.settings) {
        run(connection, &format!("SET LOCAL {setting}")).await?;
    }
    // The rows of a table that inherits from this one are its own; those of partitions are this one's.
    let only = if table.partitioned { "" } else { "ONLY " };
    let sql = format!(
        "INSERT INTO afterimage.log (action, table_name, record_id, new_values, redacted, source, user_id, username, \
         ip_address, recorded_by, description, metadata) \
         SELECT 'READ', {}, {}, {}, {}, 'API', $1, $2, $3, $4, $5, $6::json FROM {only}{} AS {ROW}",
        literal(&table.name),
        record_id(table, ROW),
        image(table, hidden, ROW),
        redacted(table, hidden).unwrap_or_else(|| "NULL::json".to_owned()),
        table.sql_name,
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let done = connection.execute_raw(statement).await.map_err(|error| unreadable(name, failed(error)))?;
    Ok(done.rows_affected())
}

/// Says what would mend it where the owner's role may not read every row.
fn unreadable(name: &str, error: Error) -> Error {
    match error.code() {
        Code::Forbidden => Error::forbidden(format!(
            "a baseline reads every row of {name}: the database role that tracks tables needs SELECT on it, and \
             BYPASSRLS where row-level security is forced upon it"
        ))
        .caused_by(error),
        _ => error,
    }
}

/// The clock, as the triggers read it.
pub(crate) async fn now(connection: &impl ConnectionTrait) -> Result<DateTime<Utc>> {
    let found = rows(connection, "SELECT clock_timestamp()", []).await?;
    let row = found.first().ok_or_else(|| Error::internal("the database says nothing"))?;
    row.try_get_by_index(0).map_err(failed)
}
