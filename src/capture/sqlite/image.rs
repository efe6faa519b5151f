//! SQL expressions that write values, rows and keys as text.
//!
//! An `alias` is whatever names the row in scope, ready for SQL: `NEW`, `OLD`, or a quoted table name.
//!
//! Two things cannot be told apart by any function of SQLite's and so are not: `-0.0` from `0.0`, and TEXT that is not
//! valid UTF-8 from TEXT that is; the latter stands in the image byte for byte.
//! In a database that is encoded in UTF-16, the hex of TEXT that holds a NUL is that of the UTF-16 bytes.

use super::names::{identifier, json_string, literal};
use crate::capture::{Column, Form, Hidden, Table};

/// How many expressions are joined without brackets. SQLite knows 2000 columns at most, which makes 50 such chains.
const CHAIN: usize = 40;

/// What ends each of several images that are one text. JSON text has no three quotation marks in a row.
pub const PART: &str = "\"\"\"";

/// The JSON text of one value of a live row. It is never SQL's NULL: that is written `null`.
pub fn value_of(column: &Column, alias: &str) -> String {
    let x = of(column, alias);
    escaped(&dynamic(&x, &Affinity::of(&column.type_name)))
}

/// The JSON object of a whole live row, in column order. Ignored and redacted columns are left out, unless
/// `include_hidden` asks for them: what is made with them must not leave the server.
pub fn image_of(table: &Table, hidden: &Hidden, alias: &str, include_hidden: bool) -> String {
    escaped(&unescaped_image_of(table, hidden, alias, include_hidden))
}

/// The same with control characters as they are: [`super::entry`] escapes them.
pub fn unescaped_image_of(table: &Table, hidden: &Hidden, alias: &str, include_hidden: bool) -> String {
    let shown =
        |column: &&Column| include_hidden || !(hidden.is_ignored(&column.name) || hidden.is_redacted(&column.name));
    let mut parts = Vec::new();
    for column in table.columns.iter().filter(shown) {
        let before = if parts.is_empty() { "{" } else { "," };
        parts.push(format!(
            "{} || {}",
            literal(&format!("{before}{}:", json_string(&column.name))),
            value(column, &of(column, alias))
        ));
    }
    if parts.is_empty() {
        return "'{}'".to_owned();
    }
    parts.push("'}'".to_owned());
    joined(&parts, "||")
}

/// The JSON objects of the recorded columns that an UPDATE changes, as they were and as they are, each ended by [`PART`]
/// and with control characters as they are. Where the condition `present` holds, the whole new row follows as a third.
///
/// Each is a row of one subquery, so that what writes a value is compiled once for all of them.
pub fn unescaped_changes_of(table: &Table, hidden: &Hidden, present: Option<&str>) -> String {
    let columns: Vec<_> = recorded(table, hidden).collect();
    let whole = if present.is_some() { "whole OR " } else { "" };
    let parts: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let name = literal(&format!(",{}:", json_string(&column.name)));
            let value = value(column, &format!("c{place}"));
            format!("CASE WHEN {whole}{} THEN {name} || {value} ELSE '' END", changed(column))
        })
        .collect();
    let row = |alias: &str, whole: &str| {
        let values = columns
            .iter()
            .enumerate()
            .map(|(place, column)| format!("{alias}.{} AS c{place}", identifier(&column.name)));
        let whole = present.map(|_| format!("{whole} AS whole"));
        let values: Vec<_> = whole.into_iter().chain(values).collect();
        format!("SELECT {}", if values.is_empty() { "NULL".to_owned() } else { values.join(", ") })
    };
    let image = match parts.as_slice() {
        [] => "'{}'".to_owned(),
        parts => format!("'{{' || substr({}, 2) || '}}'", joined(parts, "||")),
    };
    let third = present.map(|when| format!(" UNION ALL {} WHERE {when}", row("NEW", "1"))).unwrap_or_default();
    let rows = format!("{} UNION ALL {}{third}", row("OLD", "0"), row("NEW", "0"));
    format!("(SELECT group_concat({image} || {}, '') FROM ({rows}))", literal(PART))
}

/// The record id of the row: the key as text, a composite one as a JSON array of strings, NULL where a part is NULL. A
/// part of a composite key that is TEXT with a NUL in it is written in hex, as a BLOB is.
pub fn record_id_of(table: &Table, alias: &str) -> String {
    let parts: Vec<_> = table
        .primary_key
        .iter()
        .map(|key| {
            let affinity = Affinity::of(table.column(key).map_or("", |column| &column.type_name));
            (format!("{alias}.{}", identifier(key)), affinity)
        })
        .collect();
    if let [(part, affinity)] = parts.as_slice() {
        if table.primary_key.first().and_then(|key| table.column(key)).is_some_and(is_row_number) {
            return format!("CAST({part} AS TEXT)");
        }
        return key_text(part, part, affinity);
    }
    let strings: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(place, (part, affinity))| {
            // replace() cannot look for NUL.
            let text = format!(
                "CASE instr({part}, char(0)) WHEN 0 THEN replace(replace({part}, '\\', '\\\\'), '\"', '\\\"') \
                 ELSE lower(hex({part})) END"
            );
            format!("'{}\"' || {} || '\"'", if place == 0 { '[' } else { ',' }, key_text(part, &text, affinity))
        })
        .chain(["']'".to_owned()])
        .collect();
    escaped(&joined(&strings, "||"))
}

/// Whether the UPDATE changes a byte of the column: its collation may call different texts equal, and 1 equals 1.0.
pub fn changed(column: &Column) -> String {
    let name = identifier(&column.name);
    if is_row_number(column) {
        return format!("(OLD.{name} <> NEW.{name})");
    }
    format!("(OLD.{name} IS NOT NEW.{name} COLLATE BINARY OR typeof(OLD.{name}) <> typeof(NEW.{name}))")
}

/// The columns whose values stand in the images.
pub fn recorded<'a>(table: &'a Table, hidden: &'a Hidden) -> impl Iterator<Item = &'a Column> {
    table.columns.iter().filter(|column| !(hidden.is_ignored(&column.name) || hidden.is_redacted(&column.name)))
}

/// Joins the expressions by a binary operator. Over many columns a plain chain would be a deeper tree than SQLite allows,
/// and one that brackets its halves, and those theirs, deeper than the parser of older versions follows: hence chains
/// of chains. Each expression must be one that needs no brackets beside the operator.
pub fn joined(parts: &[String], operator: &str) -> String {
    let between = format!(" {operator} ");
    if parts.len() <= CHAIN {
        return parts.join(&between);
    }
    let chains: Vec<_> = parts.chunks(CHAIN).map(|chain| format!("({})", chain.join(&between))).collect();
    chains.join(&between)
}

/// Whether the column is the row's number, which SQLite keeps a whole number and never NULL.
pub fn is_row_number(column: &Column) -> bool {
    column.form == Form::RowNumber
}

/// The JSON text of a column's value, in which control characters still stand as they are; escaping follows, once for all.
fn value(column: &Column, x: &str) -> String {
    // `||` makes text of it.
    if is_row_number(column) { x.to_owned() } else { dynamic(x, &Affinity::of(&column.type_name)) }
}

/// The column of the row.
fn of(column: &Column, alias: &str) -> String {
    format!("{alias}.{}", identifier(&column.name))
}

/// The same of a value that may be of any class.
fn dynamic(x: &str, affinity: &Affinity) -> String {
    let text = format!("'\"' || replace(replace({x}, '\\', '\\\\'), '\"', '\\\"') || '\"'");
    let hex = |kind: &str| format!("'{{\"${kind}\":\"' || lower(hex({x})) || '\"}}'");
    // Numbers become text here; all text comes before every BLOB.
    if let Affinity::Text = affinity {
        return format!(
            "CASE WHEN {x} < x'' THEN CASE instr({x}, char(0)) WHEN 0 THEN {text} ELSE {} END \
             WHEN {x} IS NULL THEN 'null' ELSE {} END",
            hex("text"),
            hex("blob")
        );
    }
    let real = affinity.real(x, "'{\"$real\":\"Inf\"}'", "'{\"$real\":\"-Inf\"}'");
    format!(
        "CASE typeof({x}) WHEN 'integer' THEN CAST({x} AS TEXT) WHEN 'null' THEN 'null' WHEN 'text' THEN \
         CASE instr({x}, char(0)) WHEN 0 THEN {text} ELSE {} END WHEN 'blob' THEN {} ELSE {real} END",
        hex("text"),
        hex("blob")
    )
}

/// A part of a key as text, given how to write it where it is text.
fn key_text(x: &str, text: &str, affinity: &Affinity) -> String {
    let real = affinity.real(x, "'Inf'", "'-Inf'");
    format!(
        "CASE typeof({x}) WHEN 'integer' THEN CAST({x} AS TEXT) WHEN 'text' THEN {text} \
         WHEN 'blob' THEN lower(hex({x})) WHEN 'real' THEN {real} END"
    )
}

/// The shortest of the texts that SQLite can print and that bring the number back.
///
/// That 15 digits do is not judged by SQLite's own CAST, which errs by a bit in places on every version: the digits as
/// an integer, times or divided by a power of ten that a REAL holds exactly, are the number or are not. 17 digits bring
/// back every number on 3.31 and 3.40, and on 3.51 every one between 1e-30 and 1e40 (tried with 100,000 and more); further
/// out, what 3.51 prints may be a bit off, and then only its own CAST leads back.
///
/// The digits are first taken for those of a number without an exponent, which nearly all are; with one they lead
/// nowhere near the number.
fn real(x: &str, infinity: &str, minus_infinity: &str) -> String {
    let long = format!("printf('%!.17g', {x})");
    // The LIMIT keeps SQLite from writing out what `m` and `k` are wherever they are used.
    format!(
        "(SELECT CASE WHEN CAST(replace(t, '.', '') AS INTEGER) / CAST('1e' || (length(t) - instr(t, '.')) AS REAL) = {x} \
         THEN t ELSE (SELECT CASE WHEN {x} = 9e999 THEN {infinity} WHEN {x} = -9e999 THEN {minus_infinity} \
         WHEN CASE WHEN k BETWEEN -22 AND 0 THEN m / CAST('1e' || -k AS REAL) \
         WHEN k BETWEEN 1 AND 22 THEN m * CAST('1e' || k AS REAL) END = {x} THEN t \
         WHEN CAST({long} AS REAL) = {x} THEN {long} ELSE quote({x}) END \
         FROM (SELECT CAST(replace(substr(t, 1, e - 1), '.', '') AS INTEGER) AS m, \
         CAST(substr(t, e + 1) AS INTEGER) + instr(t, '.') - e + 1 AS k \
         FROM (SELECT instr(t || 'e', 'e') AS e) LIMIT 1)) END FROM (SELECT printf('%!.15g', {x}) AS t))"
    )
}

/// Writes the control characters of JSON text as JSON wants them. They stand inside strings alone, so that this may be
/// done to a whole image at once; where there are none, as nearly always, it costs one look.
///
/// The parser of older versions of SQLite gives up at a stack of 100, which 31 calls within each other fill: hence a few
/// calls a subquery.
fn escaped(json: &str) -> String {
    format!("(SELECT {} FROM (SELECT {json} AS j))", controls_escaped(&[]))
}

/// The same for the text in a column `j`, in which those of these codes have been escaped.
pub fn controls_escaped(done: &[u8]) -> String {
    let codes: Vec<u8> = (1..32).filter(|code| !done.contains(code)).collect();
    let calls = |codes: &[u8]| {
        codes.iter().fold("j".to_owned(), |text, &code| {
            let escape = match code {
                8 => "\\b".to_owned(),
                9 => "\\t".to_owned(),
                10 => "\\n".to_owned(),
                12 => "\\f".to_owned(),
                13 => "\\r".to_owned(),
                _ => format!("\\u{code:04x}"),
            };
            format!("replace({text}, char({code}), '{escape}')")
        })
    };
    let replaced = codes
        .chunks(8)
        .map(calls)
        .reduce(|inner, outer| format!("(SELECT {outer} FROM (SELECT {inner} AS j))"))
        .unwrap_or_default();
    format!("CASE WHEN j GLOB '*[' || char(1) || '-' || char(31) || ']*' THEN {replaced} ELSE j END")
}

/// What SQLite turns values into when they are stored in a column, as far as that spares text: each trigger is parsed
/// whenever a connection is opened.
enum Affinity {
    /// Numbers become text.
    Text,
    /// A REAL is a stray, and need not be written with the fewest digits.
    Integer,
    /// Anything may be in it.
    Other,
}

impl Affinity {
    /// SQLite's own rule for a declared type.
    fn of(type_name: &str) -> Self {
        let name = type_name.to_ascii_uppercase();
        if name.contains("INT") {
            Affinity::Integer
        } else if ["CHAR", "CLOB", "TEXT"].iter().any(|part| name.contains(part)) {
            Affinity::Text
        } else {
            Affinity::Other
        }
    }

    /// A REAL as text: the shortest, where a column is meant for such, else what takes least to say.
    fn real(&self, x: &str, infinity: &str, minus_infinity: &str) -> String {
        match self {
            Affinity::Other => real(x, infinity, minus_infinity),
            Affinity::Text | Affinity::Integer => format!(
                "CASE WHEN {x} = 9e999 THEN {infinity} WHEN {x} = -9e999 THEN {minus_infinity} \
                 WHEN CAST(printf('%!.17g', {x}) AS REAL) = {x} THEN printf('%!.17g', {x}) ELSE quote({x}) END"
            ),
        }
    }
}
