//! SQL expressions for the values of a row, as its image writes them.
//!
//! They call no cast and no operator of the user's: a cast of theirs to JSON or text would run with the rights of the
//! capture functions. `concat` prints any value with its type's own output function.

use super::name::{identifier, literal};
use crate::capture::table::{Column, Form, Hidden, Table};

/// A document that would be taken for something else: JSON's null (for SQL's), or one of our marks; one whose white space
/// around it would be lost; or one with escapes that PostgreSQL's JSON functions cannot read, so that nobody could search
/// the log any more. Escaped, so that it means the same whatever the session's `standard_conforming_strings`.
const AMBIGUOUS_DOCUMENT: &str =
    r#"E'^\\s|\\s$|^null$|^\\{\\s*"\\$json"|(?:^|[^\\\\])(?:\\\\\\\\)*\\\\u(?:0000|[dD][89abcdefABCDEF])'"#;

fn document(value: &str) -> String {
    format!(
        "CASE WHEN {value}::text ~ {AMBIGUOUS_DOCUMENT} \
         THEN json_build_object('$json', {value}::text) ELSE to_json({value}) END"
    )
}

/// Whether a binary document may be ambiguous: most can be told to be plain without looking at their text. In that there is
/// neither white space around it nor an escape that could not be read: PostgreSQL has read and written it itself.
fn may_need_mark(value: &str) -> String {
    format!("jsonb_exists({value}, '$json') OR jsonb_typeof({value}) = 'null'")
}

/// A collation to which only the same bytes are equal.
const BY_BYTES: &str = "COLLATE pg_catalog.\"default\"";

/// Whether an array begins elsewhere than at its first element.
fn begins_elsewhere(value: &str) -> String {
    format!("left(concat({value}) {BY_BYTES}, 1) = '['")
}

/// One column's value in the row `row`, as something that the database's conversion to JSON writes exactly.
pub(crate) fn value(column: &Column, row: &str) -> String {
    let value = format!("{row}.{}", identifier(&column.name));
    match column.form {
        Form::Json | Form::Dynamic | Form::RowNumber => value,
        // JSON knows no array that begins elsewhere than at its first element.
        Form::Array => {
            let begins_elsewhere = begins_elsewhere(&value);
            format!("CASE WHEN {begins_elsewhere} THEN to_json(concat({value})) ELSE to_json({value}) END")
        }
        Form::Document => document(&value),
        Form::BinaryDocument => {
            format!("CASE WHEN {} THEN {} ELSE to_json({value}) END", may_need_mark(&value), document(&value))
        }
        // DISTINCT FROM NULL, since a composite of nulls IS NULL.
        Form::Text => format!("CASE WHEN {value} IS DISTINCT FROM NULL THEN concat({value}) END"),
    }
}

/// One column's value as JSON text; `null` for SQL's null.
pub(crate) fn value_text(column: &Column, row: &str) -> String {
    format!("coalesce(to_json({})::text, 'null')", value(column, row))
}

/// The same in a session of any `search_path`: that of capture makes `regclass` and its like name their schemas.
pub(crate) fn value_text_anywhere(column: &Column, row: &str) -> String {
    let value = format!("{row}.{}", identifier(&column.name));
    let as_text = match column.form {
        Form::Text => {
            return format!(
                "CASE WHEN {value} IS DISTINCT FROM NULL THEN afterimage.printed({value}, true)::text ELSE 'null' END"
            );
        }
        Form::Json | Form::Dynamic | Form::RowNumber => "false".to_owned(),
        Form::Array => begins_elsewhere(&value),
        Form::Document | Form::BinaryDocument => return value_text(column, row),
    };
    format!("coalesce(afterimage.printed({value}, {as_text})::text, 'null')")
}

/// The image of a whole row, as JSON; without what is hidden, unless that is asked for.
pub(crate) fn image(table: &Table, hidden: &Hidden, row: &str) -> String {
    format!("(SELECT row_to_json(image.*) FROM ({}) AS image)", selected(table, hidden, row))
}

/// The image of a whole row of the table `rows`, without a list of its columns, which each statement would have to set up;
/// none where some are hidden, or written otherwise than PostgreSQL does. Marks are put in afterwards, where they are
/// needed.
pub(super) fn plain_image(table: &Table, hidden: &Hidden, rows: &str) -> Option<String> {
    let is_plain = |column: &Column| matches!(column.form, Form::Json | Form::BinaryDocument);
    if recorded(table, hidden).filter(|column| is_plain(column)).count() != table.columns.len() {
        return None;
    }
    let image = format!("row_to_json({rows}.*)");
    let documents = table.columns.iter().filter(|column| column.form == Form::BinaryDocument);
    let (names, values): (Vec<String>, Vec<String>) =
        documents.map(|column| (literal(&column.name), format!("{rows}.{}", identifier(&column.name)))).unzip();
    if names.is_empty() {
        return Some(image);
    }
    let may_need_mark: Vec<String> = values.iter().map(|value| may_need_mark(value)).collect();
    Some(format!(
        "CASE WHEN {} THEN afterimage.marked({image}, ARRAY[{}], ARRAY[{}]::jsonb[]) ELSE {image} END",
        may_need_mark.join(" OR "),
        names.join(", "),
        values.join(", ")
    ))
}

/// The recorded columns of a row, to select: the image is made of what is selected.
pub(super) fn selected(table: &Table, hidden: &Hidden, row: &str) -> String {
    let columns =
        recorded(table, hidden).map(|column| format!("{} AS {}", value(column, row), identifier(&column.name)));
    format!("SELECT {}", columns.collect::<Vec<_>>().join(", "))
}

/// The record id of a row. It is compared by bytes wherever it goes: the collation of the key's column, to which two ids
/// may be equal, would follow it into every comparison, hash and function. The database's own is that of our columns.
pub(crate) fn record_id(table: &Table, row: &str) -> String {
    let parts: Vec<String> = table.primary_key.iter().map(|key| format!("concat({row}.{})", identifier(key))).collect();
    match parts.as_slice() {
        [single] => format!("{single} {BY_BYTES}"),
        parts => {
            let parts: Vec<String> = parts.iter().map(|part| format!("to_json({part})::text")).collect();
            format!("'[' || {} || ']'", parts.join(" || ',' || "))
        }
    }
}

/// The redacted columns of a whole row, each with the number of recorded fields before it; none where there is none.
pub(super) fn redacted(table: &Table, hidden: &Hidden) -> Option<String> {
    let mut places = serde_json::Map::new();
    let mut before = 0;
    for column in &table.columns {
        if hidden.is_redacted(&column.name) {
            places.insert(column.name.clone(), before.into());
        } else if !hidden.is_ignored(&column.name) {
            before += 1;
        }
    }
    (!places.is_empty()).then(|| format!("{}::json", literal(&serde_json::Value::from(places).to_string())))
}

/// The columns whose values are recorded.
pub(super) fn recorded<'a>(table: &'a Table, hidden: &'a Hidden) -> impl Iterator<Item = &'a Column> {
    table.columns.iter().filter(|column| !hidden.is_redacted(&column.name) && !hidden.is_ignored(&column.name))
}
