//! What the catalogue tells of an index only as the text of its definition: expressions, and the condition of a partial
//! one.

/// The parts of a CREATE INDEX.
#[derive(Debug, PartialEq, Eq)]
pub struct Definition {
    /// What is indexed, in order, without ASC or DESC.
    pub terms: Vec<String>,
    /// The condition of a partial index.
    pub filter: Option<String>,
}

/// Takes a CREATE INDEX apart, as far as that is needed. `None` is for text that is no such statement.
pub fn index(sql: &str) -> Option<Definition> {
    let mut terms = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, byte) in code(sql) {
        match byte {
            b'(' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            b',' if depth == 1 => {
                terms.push(term(&sql[start..at]));
                start = at + 1;
            }
            b')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    terms.push(term(&sql[start..at]));
                    return Some(Definition { terms, filter: filter(&sql[at + 1..]) });
                }
            }
            _ => {}
        }
    }
    None
}

/// An indexed term without its direction.
fn term(text: &str) -> String {
    let text = text.trim();
    ["asc", "desc"]
        .iter()
        .find_map(|direction| {
            let at = text.len().checked_sub(direction.len())?;
            let (rest, end) = text.split_at_checked(at)?;
            let apart = rest.ends_with(|c: char| c.is_ascii_whitespace() || c == ')');
            (apart && end.eq_ignore_ascii_case(direction)).then(|| rest.trim_end().to_owned())
        })
        .unwrap_or_else(|| text.to_owned())
}

/// What follows WHERE.
fn filter(rest: &str) -> Option<String> {
    let (at, _) = code(rest).into_iter().find(|(_, byte)| byte.is_ascii_alphabetic())?;
    let keyword = rest.get(at..at + 5)?;
    keyword.eq_ignore_ascii_case("where").then(|| rest[at + 5..].trim().to_owned())
}

/// The bytes of the text that are neither quoted nor comment, and where they stand.
fn code(sql: &str) -> Vec<(usize, u8)> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        // Where what begins here ends, if it is quoted or comment. A doubled quote is two quoted texts in a row.
        let length = match byte {
            b'\'' | b'"' | b'`' => closed(rest, 1, &[byte]),
            b'[' => closed(rest, 1, b"]"),
            b'-' if rest.starts_with(b"--") => closed(rest, 2, b"\n"),
            b'/' if rest.starts_with(b"/*") => closed(rest, 2, b"*/"),
            _ => {
                found.push((at, byte));
                1
            }
        };
        at += length;
    }
    found
}

/// The length of what begins here and ends with that mark, or with the text.
fn closed(rest: &[u8], skip: usize, mark: &[u8]) -> usize {
    rest[skip..].windows(mark.len()).position(|window| window == mark).map_or(rest.len(), |at| skip + at + mark.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_and_condition_are_found_behind_quotes_and_comments() {
        let sql = "CREATE UNIQUE INDEX \"a(b\" ON [t(] -- (x)\n (lower(a) DESC, b COLLATE nocase, 'x,)' || c) /* where */ Where d = ')'";
        assert_eq!(
            index(sql),
            Some(Definition {
                terms: vec!["lower(a)".into(), "b COLLATE nocase".into(), "'x,)' || c".into()],
                filter: Some("d = ')'".into()),
            })
        );
        assert_eq!(index("CREATE INDEX i ON t (a)").map(|found| found.filter), Some(None));
        assert_eq!(index("nonsense"), None);
    }
}
