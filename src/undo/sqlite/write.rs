//! Where a step becomes a statement.

use sea_orm::{Statement, Value};

use super::statement;
use crate::audit::{FieldChange, Json};
use crate::capture::sqlite::identifier;
use crate::capture::sqlite::read::{bytes_of, is_row};
use crate::undo::plan::{Change, Step};

/// The statement that carries a step out, and how many rows it must touch. ABORT, whatever the table's own constraints
/// say: an undo replaces nothing.
pub(super) fn perform(step: &Step) -> (Statement, usize) {
    let table = &step.known.table;
    let columns = step.values().iter().filter_map(|given| Some((step.known.column(given.place)?, given.text.as_str())));
    let (columns, images): (Vec<_>, Vec<&str>) = columns.unzip();
    let names: Vec<String> = columns.iter().map(|column| identifier(&column.name)).collect();
    let places: Vec<&str> = images.iter().map(|image| place(image)).collect();
    let mut values: Vec<Value> = images.iter().map(|image| value(image)).collect();
    match step.change {
        Change::Insert(_) => {
            let (names, places) = (names.join(", "), places.join(", "));
            let sql = format!("INSERT OR ABORT INTO {} ({names}) VALUES ({places})", table.sql_name);
            (statement(sql, values), 1)
        }
        Change::Update(_) => {
            let set: Vec<String> = names.iter().zip(places).map(|(name, place)| format!("{name} = {place}")).collect();
            let condition = is_row(table, "t", &step.record_id, &mut values);
            let sql = format!("UPDATE OR ABORT {} AS t SET {} WHERE {condition}", table.sql_name, set.join(", "));
            // A key may have been changed back already, by a foreign key's ON UPDATE.
            (statement(sql, values), usize::from(step.becomes.is_none()))
        }
        Change::Delete => {
            let condition = is_row(table, "t", &step.record_id, &mut values);
            // It may be gone by the time that it is its turn: a cascade comes back to where it began.
            (statement(format!("DELETE FROM {} AS t WHERE {condition}", table.sql_name), values), 0)
        }
    }
}

/// A value as an image writes it, as SQLite stores it.
pub(super) fn value(image: &str) -> Value {
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
pub(super) fn place(image: &str) -> &'static str {
    if image.starts_with("{\"$text\"") { "CAST(? AS TEXT)" } else { "?" }
}

/// The same, so that SQLite knows which class of value comes.
pub(super) fn place_of_class(image: &str) -> &'static str {
    match image.as_bytes().first() {
        Some(b'"') => "CAST(? AS TEXT)",
        Some(b'{') => place(image),
        _ => "CAST(? AS NUMERIC)",
    }
}
