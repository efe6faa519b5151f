//! The name under which a table's entries are filed: bare in the schema `public`, whatever `search_path` says, else
//! qualified; a part that holds a dot or a quote is double-quoted.

const DEFAULT_SCHEMA: &str = "public";

/// The filed name of a table.
pub(crate) fn filed(schema: &str, table: &str) -> String {
    if schema == DEFAULT_SCHEMA { part(table) } else { format!("{}.{}", part(schema), part(table)) }
}

/// The schema and the table of a name as people write it; none where the quotes do not match or parts are missing.
pub(crate) fn parse(name: &str) -> Option<(String, String)> {
    let mut parts = vec![String::new()];
    let mut characters = name.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        let last = parts.len() - 1;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                parts[last].push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => parts[last].push(other),
        }
    }
    if quoted || parts.iter().any(String::is_empty) {
        return None;
    }
    match parts.as_mut_slice() {
        [table] => Some((DEFAULT_SCHEMA.to_owned(), std::mem::take(table))),
        [schema, table] => Some((std::mem::take(schema), std::mem::take(table))),
        _ => None,
    }
}

/// An identifier for SQL.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text for SQL. Backslashes mean nothing in it, whatever the session's settings: where there is one, it is escaped
/// in the form that says so.
pub(crate) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn part(name: &str) -> String {
    if name.contains(['.', '"']) { identifier(name) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filed_name_reads_back() {
        for (schema, table) in [("public", "Album"), ("sales", "orders"), ("we.ird", "a\"b"), ("public", "a.b")] {
            let name = filed(schema, table);
            assert_eq!(parse(&name), Some((schema.to_owned(), table.to_owned())), "{name}");
        }
        assert_eq!(filed("public", "Album"), "Album");
        assert_eq!(filed("public", "a.b"), "\"a.b\"");
        assert_eq!(parse("public.products"), Some(("public".to_owned(), "products".to_owned())));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in ["", "a.", ".b", "a.b.c", "\"a"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn quotes_and_backslashes_stay_text() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
