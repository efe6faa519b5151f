//! Reading a row of the user's as images write it, without a lock.

use sea_orm::{DbBackend, DbErr, RuntimeErr, Statement, Value};
use sqlx::postgres::PgDatabaseError;

use super::image::{record_id as record_id_of, value_text_anywhere};
use super::name::identifier;
use crate::audit::Error;
use crate::capture::table::{Column, Table, key_parts};

/// Said before rows are read, within the transaction that reads them: what capture pins for its functions. Rows that a
/// policy hides must not be missed in silence: where the role may not see all, this makes it an error.
pub(crate) const SETTINGS: &str = "\
    SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1; \
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL lc_monetary = 'C'; \
    SET LOCAL quote_all_identifiers = off; SET LOCAL row_security = off";

/// The table's own rows: those of tables that inherit from it are theirs.
pub(crate) fn own(table: &Table) -> String {
    if table.partitioned { table.sql_name.clone() } else { format!("ONLY {}", table.sql_name) }
}

/// The row of this id: found by the key's own type, so that its index serves, and held against the id's text.
pub(crate) fn is_row(table: &Table, alias: &str, record_id: &str, values: &mut Vec<Value>) -> String {
    let Some(parts) = key_parts(table, record_id) else { return "false".to_owned() };
    let mut conditions = Vec::new();
    for (key, part) in table.primary_key.iter().zip(parts) {
        let type_name = table.column(key).map_or("text", |column| column.type_name.as_str());
        values.push(part.into());
        conditions.push(format!("{alias}.{} = ${}::text::{type_name}", identifier(key), values.len()));
    }
    values.push(record_id.into());
    conditions.push(format!("{} = ${}", record_id_of(table, alias), values.len()));
    conditions.join(" AND ")
}

/// Asks for these columns of a row, as an image writes them.
pub(crate) fn row(table: &Table, columns: &[&Column], record_id: &str) -> Statement {
    let mut values = Vec::new();
    let condition = is_row(table, "t", record_id, &mut values);
    let columns: Vec<String> = columns.iter().map(|column| value_text_anywhere(column, "t")).collect();
    let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
    let sql = format!("SELECT {columns} FROM {} AS t WHERE {condition}", own(table));
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// What a failure to read a row means.
pub(crate) enum Unread {
    /// There can be no such row: its id is no value of the key's type.
    NoSuchRow,
    /// The server may not read it.
    Refused(Error),
}

/// What a failure to read a row means; none where it says nothing about the row.
pub(crate) fn unread(table: &Table, error: &DbErr) -> Option<Unread> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return None;
    };
    let sqlx::Error::Database(refusal) = &**cause else { return None };
    let refusal = refusal.try_downcast_ref::<PgDatabaseError>()?;
    match refusal.code() {
        "42501" => Some(Unread::Refused(Error::forbidden(format!(
            "the server's database role may not read {:?} ({}); as the table's owner, GRANT USAGE on its schema and \
             GRANT SELECT ON {} to that role; where a policy hides rows from it, ALTER ROLE … BYPASSRLS as a superuser",
            table.name,
            refusal.message(),
            table.sql_name
        )))),
        // A text that the key's type does not take, or its domain's check, or that names no object.
        "23514" | "23502" | "42P01" | "42704" | "42883" | "3F000" => Some(Unread::NoSuchRow),
        code if code.starts_with("22") => Some(Unread::NoSuchRow),
        _ => None,
    }
}
