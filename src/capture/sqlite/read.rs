//! Reading a row of the user's as images write it.

use sea_orm::{DbBackend, Statement, Value};

use super::image::{record_id_of, value_of};
use super::names::identifier;
use crate::capture::table::{Column, Table, key_parts};

/// The row of this id: what its key may be is looked up in the index, and then held against the id's text.
pub(crate) fn is_row(table: &Table, alias: &str, record_id: &str, values: &mut Vec<Value>) -> String {
    let Some(parts) = key_parts(table, record_id) else { return "FALSE".to_owned() };
    let mut conditions = Vec::new();
    for (key, part) in table.primary_key.iter().zip(parts) {
        // The text may stand for a text, a number, or bytes in hexadecimal, be they a BLOB or a text that holds NUL.
        let (whole, real) = (part.parse::<i64>().ok(), part.parse::<f64>().ok());
        let bytes = bytes_of(&part);
        values.extend([part.into(), whole.into(), real.into(), bytes.clone().into(), bytes.into()]);
        conditions.push(format!("{alias}.{} IN (?, ?, ?, ?, CAST(? AS TEXT))", identifier(key)));
    }
    values.push(record_id.into());
    conditions.push(format!("{} = ?", record_id_of(table, alias)));
    conditions.join(" AND ")
}

/// Asks for these columns of a row, as an image writes them.
pub(crate) fn row(table: &Table, columns: &[&Column], record_id: &str) -> Statement {
    let mut values = Vec::new();
    let condition = is_row(table, "t", record_id, &mut values);
    let columns: Vec<String> = columns.iter().map(|column| value_of(column, "t")).collect();
    let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
    let sql = format!("SELECT {columns} FROM {} AS t WHERE {condition}", table.sql_name);
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

/// The bytes that a text in hexadecimal stands for; none where it is no such text.
pub(crate) fn bytes_of(hexadecimal: &str) -> Option<Vec<u8>> {
    if !hexadecimal.is_ascii() || !hexadecimal.len().is_multiple_of(2) {
        return None;
    }
    let byte = |place: usize| u8::from_str_radix(hexadecimal.get(place..place + 2)?, 16).ok();
    (0..hexadecimal.len()).step_by(2).map(byte).collect()
}
