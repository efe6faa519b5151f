//! The user's rows on SQLite.

use sea_orm::{DbBackend, DbErr, RuntimeErr, Statement, Value};

use super::rows::{Assignment, Dml, key_parts};
use crate::audit::{Error, FieldChange, Json};
use crate::capture::sqlite::{catalogued, identifier, record_id_of, value_of};
use crate::capture::{Column, Reference, Table};

pub(super) struct Sqlite;

fn statement(sql: String, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

/// The row of this id: what its key may be is looked up in the index, and then held against the id's text.
fn is_row(table: &Table, alias: &str, record_id: &str, values: &mut Vec<Value>) -> String {
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

fn bytes_of(hexadecimal: &str) -> Option<Vec<u8>> {
    if !hexadecimal.is_ascii() || !hexadecimal.len().is_multiple_of(2) {
        return None;
    }
    let byte = |place: usize| u8::from_str_radix(hexadecimal.get(place..place + 2)?, 16).ok();
    (0..hexadecimal.len()).step_by(2).map(byte).collect()
}

/// A value as an image writes it, as SQLite stores it.
fn value(image: &str) -> Value {
    let change = FieldChange::of("", Some(image), None);
    let text = change.old_text;
    match image.as_bytes().first() {
        Some(b'n') => Value::String(None),
        Some(b'"') => text.into(),
        Some(b'{') => marked(image, text),
        _ => match image.parse::<i64>() {
            Ok(whole) if !image.contains(['.', 'e', 'E']) => whole.into(),
            _ => image.parse::<f64>().ok().into(),
        },
    }
}

fn marked(image: &str, text: Option<String>) -> Value {
    let text = text.unwrap_or_default();
    let mark = Json::parse(image).and_then(|json| Some(json.fields()?.first()?.0.to_string()));
    match mark.as_deref() {
        Some("$blob") => bytes_of(&text).into(),
        Some("$real") if text == "Inf" => f64::INFINITY.into(),
        Some("$real") => f64::NEG_INFINITY.into(),
        Some("$text") => bytes_of(&text).into(),
        _ => image.into(),
    }
}

/// Where the value is bound. A text that JSON cannot hold, which may be no UTF-8 at all, comes as its bytes.
fn place(image: &str) -> &'static str {
    if image.starts_with("{\"$text\"") { "CAST(? AS TEXT)" } else { "?" }
}

impl Dml for Sqlite {
    fn prepare(&self) -> &'static [&'static str] {
        // Rows that refer to each other go one by one, and only what is left at the end counts.
        &["PRAGMA defer_foreign_keys = ON"]
    }

    fn read(&self, table: &Table, columns: &[&Column], record_id: &str) -> Statement {
        let mut values = Vec::new();
        let condition = is_row(table, "t", record_id, &mut values);
        let columns: Vec<String> = columns.iter().map(|column| value_of(column, "t")).collect();
        let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        statement(format!("SELECT {columns} FROM {} AS t WHERE {condition}", table.sql_name), values)
    }

    fn is_exact(&self, value: &str) -> bool {
        // What was no UTF-8 is read with this character in its place.
        !value.contains(char::REPLACEMENT_CHARACTER)
    }

    fn update(&self, table: &Table, assignments: &[Assignment<'_>], record_id: &str) -> Statement {
        let mut values: Vec<Value> = assignments.iter().map(|(_, image)| value(image)).collect();
        let set: Vec<String> = assignments
            .iter()
            .map(|(column, image)| format!("{} = {}", identifier(&column.name), place(image)))
            .collect();
        let condition = is_row(table, "t", record_id, &mut values);
        // ABORT, whatever the table's own constraints say: an undo replaces nothing.
        let sql = format!("UPDATE OR ABORT {} AS t SET {} WHERE {condition}", table.sql_name, set.join(", "));
        statement(sql, values)
    }

    fn delete(&self, table: &Table, record_id: &str) -> Statement {
        let mut values = Vec::new();
        let condition = is_row(table, "t", record_id, &mut values);
        statement(format!("DELETE FROM {} AS t WHERE {condition}", table.sql_name), values)
    }

    fn delete_together(&self, _rows: &[(&Table, &str)]) -> Option<Statement> {
        None
    }

    fn insert(&self, table: &Table, assignments: &[Assignment<'_>]) -> Statement {
        let values: Vec<Value> = assignments.iter().map(|(_, image)| value(image)).collect();
        let columns: Vec<String> = assignments.iter().map(|(column, _)| identifier(&column.name)).collect();
        let places: Vec<&str> = assignments.iter().map(|(_, image)| place(image)).collect();
        let (columns, places) = (columns.join(", "), places.join(", "));
        let sql = format!("INSERT OR ABORT INTO {} ({columns}) VALUES ({places})", table.sql_name);
        statement(sql, values)
    }

    fn children(
        &self,
        reference: &Reference,
        child: &Table,
        parent: &Table,
        record_id: &str,
        limit: usize,
    ) -> Statement {
        let mut values = Vec::new();
        let from = pointing(reference, parent, record_id, &mut values);
        statement(format!("SELECT {} {from} ORDER BY 1 LIMIT {limit}", record_id_of(child, "c")), values)
    }

    fn is_referenced(&self, reference: &Reference, parent: &Table, record_id: &str) -> Statement {
        let mut values = Vec::new();
        let from = pointing(reference, parent, record_id, &mut values);
        statement(format!("SELECT 1 {from} LIMIT 1"), values)
    }

    fn foreign_keys(&self, table: &Table) -> Option<Statement> {
        // A clause that names no column of the parent means its key.
        let sql = "SELECT f.id, f.\"table\", f.\"from\", coalesce(f.\"to\", \
                   (SELECT name FROM pragma_table_info(f.\"table\", 'main') WHERE pk = f.seq + 1)) \
                   FROM pragma_foreign_key_list(?, 'main') AS f ORDER BY f.id, f.seq";
        Some(statement(sql.to_owned(), vec![catalogued(&table.name).into()]))
    }

    fn dangling(&self, table: &Table, parent: &str, columns: &[(String, String)], record_id: &str) -> Statement {
        let mut values = Vec::new();
        let list = |text: fn(&(String, String)) -> String, between: &str| {
            columns.iter().map(text).collect::<Vec<_>>().join(between)
        };
        let shown = list(|(from, _)| format!("quote(t.{})", identifier(from)), " || ', ' || ");
        let given = list(|(from, _)| format!("t.{} IS NOT NULL", identifier(from)), " AND ");
        let same = list(|(from, to)| format!("p.{} = t.{}", identifier(to), identifier(from)), " AND ");
        let condition = is_row(table, "t", record_id, &mut values);
        let sql = format!(
            "SELECT {shown} FROM {} AS t WHERE {condition} AND {given} \
             AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {same})",
            table.sql_name,
            identifier(parent)
        );
        statement(sql, values)
    }

    fn transaction_id(&self) -> &'static str {
        "SELECT 's' || max(id) FROM afterimage_server_context"
    }

    fn check_constraints(&self) -> Option<&'static str> {
        None
    }

    fn refusal(&self, error: &DbErr) -> Option<Error> {
        let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
            return None;
        };
        let sqlx::Error::Database(refusal) = &**cause else { return None };
        let code: i64 = refusal.code()?.parse().ok()?;
        let message = refusal.message();
        match code {
            // SQLITE_CONSTRAINT_FOREIGNKEY and _TRIGGER, by which RESTRICT speaks up.
            787 => Some(Error::conflict("a foreign key stands in the way: a row that this one refers to is missing")),
            1811 if message.contains("FOREIGN KEY") => {
                Some(Error::conflict("a foreign key stands in the way: rows that must stay refer to the row"))
            }
            // _NOTNULL
            1299 => Some(Error::not_undoable(format!(
                "a column must have a value, and the log has none for it ({message})"
            ))),
            // _UNIQUE, _PRIMARYKEY, _ROWID
            2067 | 1555 | 2579 => {
                Some(Error::conflict(format!("another row has taken a unique value since ({message})")))
            }
            // Any other constraint, a type that a STRICT table refuses, or an error that a trigger raised.
            code if code & 0xff == 19 || code & 0xff == 20 => {
                Some(Error::conflict(format!("the database refuses the change ({message})")))
            }
            _ => None,
        }
    }
}

/// FROM and WHERE of the rows `c` that point at the row `p`.
fn pointing(reference: &Reference, parent: &Table, record_id: &str, values: &mut Vec<Value>) -> String {
    let joined: Vec<String> = reference
        .columns
        .iter()
        .map(|(child, parent)| format!("p.{} = c.{}", identifier(parent), identifier(child)))
        .collect();
    let condition = is_row(parent, "p", record_id, values);
    format!(
        "FROM {} AS p JOIN {} AS c ON {} WHERE {condition}",
        parent.sql_name,
        reference.child_sql_name,
        joined.join(" AND ")
    )
}
