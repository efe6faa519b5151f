//! The rows that are there when tracking begins; and what the database says of its clock and its schema.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::failed;
use super::image::{image_of, record_id_of};
use super::names::literal;
use super::triggers::redacted;
use crate::audit::{Error, Result};
use crate::capture::{Hidden, Table};

/// A row of the table in scope of the statement; no table of the user's can be called so.
const ROW: &str = "afterimage_row";

/// Records each row as it is, as one entry; how many. The statement is the database's own: no row passes through here.
pub async fn baseline(conn: &impl ConnectionTrait, table: &Table, hidden: &Hidden, values: [Value; 6]) -> Result<u64> {
    let sql = format!(
        "INSERT INTO afterimage_log (tx, action, table_name, record_id, new_values, redacted, source, user_id, username, \
         ip_address, recorded_by, description, metadata) \
         SELECT (SELECT 's' || max(id) FROM afterimage_server_context), 'READ', {}, {}, {}, {}, 'API', ?, ?, ?, ?, ?, ? \
         FROM main.{} AS {ROW}",
        literal(&table.name),
        record_id_of(table, ROW),
        image_of(table, hidden, ROW, false),
        redacted(table, hidden).unwrap_or_else(|| "NULL".to_owned()),
        table.sql_name,
    );
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
    conn.execute_raw(statement).await.map(|done| done.rows_affected()).map_err(failed)
}

/// The clock, in the log's own format.
pub async fn now(conn: &impl ConnectionTrait) -> Result<DateTime<Utc>> {
    let text: String = one(conn, "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')").await?;
    DateTime::parse_from_rfc3339(&text).map(|instant| instant.to_utc()).map_err(Error::internal)
}

/// The number that every change of the schema raises.
pub async fn schema_version(conn: &impl ConnectionTrait) -> Result<i64> {
    one(conn, "PRAGMA main.schema_version").await
}

async fn one<T: sea_orm::TryGetable>(conn: &impl ConnectionTrait, sql: &str) -> Result<T> {
    let row = conn.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.map_err(failed)?;
    let row: QueryResult = row.ok_or_else(|| Error::internal("the database says nothing"))?;
    row.try_get_by_index(0).map_err(failed)
}
