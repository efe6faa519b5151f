//! Names and literals on their way into SQL and JSON.

/// The name as an SQL identifier. Triggers cannot name the schema of the table that they belong to, so tables are not
/// qualified anywhere: they are those of the main database.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The text as an SQL string.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The text as a JSON string.
pub fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The name under which the entries of a table are filed: bare, but in double quotes where it holds a dot or a double
/// quote.
pub fn filed(name: &str) -> String {
    if name.contains(['.', '"']) { identifier(name) } else { name.to_owned() }
}

/// The catalogue's name for what is filed under this one, unless it is no such name.
pub fn unfiled(name: &str) -> Option<String> {
    let inner = name.strip_prefix('"')?.strip_suffix('"')?;
    let bare = inner.replace("\"\"", "\"");
    (identifier(&bare) == name).then_some(bare)
}

/// The name of the table in the catalogue.
pub fn catalogued(filed: &str) -> String {
    unfiled(filed).unwrap_or_else(|| filed.to_owned())
}

/// Whether the names are one to SQLite, which tells no case apart within ASCII.
pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether a table of this name is SQLite's or Afterimage's own.
pub fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("sqlite_") || name.starts_with("afterimage_")
}
