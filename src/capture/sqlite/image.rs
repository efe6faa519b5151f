//! SQL expressions that write values, rows and keys as text.
//!
//! An `alias` is whatever names the row in scope, ready for SQL: `NEW`, `OLD`, or a quoted table name.
//!
//! Two things cannot be told apart by any function of SQLite's and so are not: `-0.0` from `0.0`, and TEXT that is not
//! valid UTF-8 from TEXT that is; the latter stands in the image byte for byte.

use super::names::{identifier, json_string, literal};
use crate::capture::{Column, Hidden, Table};

/// The JSON text of one value of a live row. It is never SQL's NULL: that is written `null`.
pub fn value_of(column: &Column, alias: &str) -> String {
    escaped(&value(column, alias))
}

/// The JSON object of a whole live row, in column order. Ignored and redacted columns are left out, unless
/// `include_hidden` asks for them: what is made with them must not leave the server.
pub fn image_of(table: &Table, hidden: &Hidden, alias: &str, include_hidden: bool) -> String {
    let shown = |column: &&Column| {
        include_hidden || !(hidden.is_ignored(&column.name) || hidden.is_redacted(&column.name))
    };
    let mut parts = Vec::new();
    for column in table.columns.iter().filter(shown) {
        let before = if parts.is_empty() { "{" } else { "," };
        parts.push(format!("{} || {}", literal(&format!("{before}{}:", json_string(&column.name))), value(column, alias)));
    }
    if parts.is_empty() {
        return "'{}'".to_owned();
    }
    parts.push("'}'".to_owned());
    escaped(&balanced(&parts, "||"))
}

/// The JSON object of the recorded columns that an UPDATE changes, as they are in `alias`.
pub fn changes_of(table: &Table, hidden: &Hidden, alias: &str) -> String {
    let parts: Vec<_> = recorded(table, hidden)
        .map(|column| {
            let name = literal(&format!(",{}:", json_string(&column.name)));
            format!("CASE WHEN {} THEN {name} || {} ELSE '' END", changed(column), value(column, alias))
        })
        .collect();
    if parts.is_empty() {
        return "'{}'".to_owned();
    }
    escaped(&format!("'{{' || substr({}, 2) || '}}'", balanced(&parts, "||")))
}

/// The record id of the row: the key as text, a composite one as a JSON array of strings, NULL where a part is NULL. A
/// part of a composite key that is TEXT with a NUL in it is written in hex, as a BLOB is.
pub fn record_id_of(table: &Table, alias: &str) -> String {
    let parts: Vec<_> = table
        .primary_key
        .iter()
        .map(|key| format!("{alias}.{}", identifier(key)))
        .collect();
    if let [part] = parts.as_slice() {
        return key_text(part, part);
    }
    let strings: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(place, part)| {
            // replace() cannot look for NUL.
            let text = format!(
                "CASE instr({part}, char(0)) WHEN 0 THEN replace(replace({part}, '\\', '\\\\'), '\"', '\\\"') \
                 ELSE lower(hex({part})) END"
            );
            format!("'{}\"' || {} || '\"'", if place == 0 { '[' } else { ',' }, key_text(part, &text))
        })
        .chain(["']'".to_owned()])
        .collect();
    escaped(&balanced(&strings, "||"))
}

/// Whether the UPDATE changes a byte of the column: its collation may call different texts equal, and 1 equals 1.0.
pub fn changed(column: &Column) -> String {
    let name = identifier(&column.name);
    format!("(OLD.{name} IS NOT NEW.{name} COLLATE BINARY OR typeof(OLD.{name}) <> typeof(NEW.{name}))")
}

/// The columns whose values stand in the images.
pub fn recorded<'a>(table: &'a Table, hidden: &'a Hidden) -> impl Iterator<Item = &'a Column> {
    table.columns.iter().filter(|column| !(hidden.is_ignored(&column.name) || hidden.is_redacted(&column.name)))
}

/// Joins the expressions by a binary operator as a tree that is as low as can be: a plain chain over many columns would
/// be deeper than SQLite allows. Each expression must be one that needs no brackets beside the operator.
pub fn balanced(parts: &[String], operator: &str) -> String {
    match parts {
        [] => "''".to_owned(),
        [only] => only.clone(),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            format!("({} {operator} {})", balanced(left, operator), balanced(right, operator))
        }
    }
}

/// The JSON text of a value in which control characters still stand as they are; [`escaped`] follows, once for all.
fn value(column: &Column, alias: &str) -> String {
    let x = format!("{alias}.{}", identifier(&column.name));
    let text = format!(
        "CASE instr({x}, char(0)) WHEN 0 THEN '\"' || replace(replace({x}, '\\', '\\\\'), '\"', '\\\"') || '\"' \
         ELSE '{{\"$text\":\"' || lower(hex({x})) || '\"}}' END"
    );
    let blob = format!("'{{\"$blob\":\"' || lower(hex({x})) || '\"}}'");
    let number = if holds_text(&column.type_name) {
        format!("quote({x})")
    } else {
        let real = real(&x, "'{\"$real\":\"Inf\"}'", "'{\"$real\":\"-Inf\"}'");
        format!("CASE typeof({x}) WHEN 'integer' THEN CAST({x} AS TEXT) ELSE {real} END")
    };
    format!("CASE typeof({x}) WHEN 'null' THEN 'null' WHEN 'text' THEN {text} WHEN 'blob' THEN {blob} ELSE {number} END")
}

/// A part of a key as text, given how to write it where it is text.
fn key_text(x: &str, text: &str) -> String {
    let real = real(x, "'Inf'", "'-Inf'");
    format!(
        "CASE typeof({x}) WHEN 'integer' THEN CAST({x} AS TEXT) WHEN 'text' THEN {text} \
         WHEN 'blob' THEN lower(hex({x})) WHEN 'real' THEN {real} END"
    )
}

/// The shortest of the texts that SQLite can print and that bring the number back.
///
/// That 15 digits do is not judged by SQLite's own CAST, which errs by a bit in places on every version: the digits as
/// an integer, times or divided by a power of ten that a REAL holds exactly, are the number or are not. 17 digits bring
/// back every number between 1e-30 and 1e40, tried on 3.31, 3.40 and 3.51; far outside (beyond 1e100 or below 1e-100),
/// what 3.51 prints may be a bit off, and only its own CAST undoes that.
fn real(x: &str, infinity: &str, minus_infinity: &str) -> String {
    format!(
        "CASE {x} WHEN 9e999 THEN {infinity} WHEN -9e999 THEN {minus_infinity} ELSE \
         (SELECT CASE WHEN CASE WHEN k BETWEEN -22 AND 0 THEN m / CAST('1e' || -k AS REAL) \
         WHEN k BETWEEN 1 AND 22 THEN m * CAST('1e' || k AS REAL) END = {x} THEN t \
         WHEN CAST(u AS REAL) = {x} THEN u ELSE quote({x}) END \
         FROM (SELECT t, u, CAST(replace(d, '.', '') AS INTEGER) AS m, \
         CAST(substr(t, length(d) + 2) AS INTEGER) - length(d) + instr(d, '.') AS k \
         FROM (SELECT t, u, substr(t, 1, instr(t || 'e', 'e') - 1) AS d \
         FROM (SELECT printf('%!.15g', {x}) AS t, printf('%!.17g', {x}) AS u)))) END"
    )
}

/// Writes the control characters of JSON text as JSON wants them. They stand inside strings alone, so that this may be
/// done to a whole image at once; where there are none, as nearly always, it costs one look.
fn escaped(json: &str) -> String {
    let mut replaced = "j".to_owned();
    for code in 1..32_u8 {
        let text = match code {
            8 => "\\b".to_owned(),
            9 => "\\t".to_owned(),
            10 => "\\n".to_owned(),
            12 => "\\f".to_owned(),
            13 => "\\r".to_owned(),
            _ => format!("\\u{code:04x}"),
        };
        replaced = format!("replace({replaced}, char({code}), '{text}')");
    }
    format!(
        "(SELECT CASE WHEN j GLOB '*[' || char(1) || '-' || char(31) || ']*' THEN {replaced} ELSE j END \
         FROM (SELECT {json} AS j))"
    )
}

/// Whether the declared type gives the column TEXT affinity, so that a number stored there becomes text.
fn holds_text(type_name: &str) -> bool {
    let name = type_name.to_ascii_uppercase();
    !name.contains("INT") && ["CHAR", "CLOB", "TEXT"].iter().any(|part| name.contains(part))
}
