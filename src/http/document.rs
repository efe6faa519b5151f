//! What a GraphQL document must keep to before the parser sees it.
//!
//! The parser recurses without a bound, and it reads numbers into doubles. So the text goes through a small lexer
//! first, which knows strings, comments, names, brackets and numbers, and nothing else of the language.

use crate::audit::{Code, Error, Result};

use super::json::exact_number;

/// The longest document, in bytes.
pub(super) const MAX_LENGTH: usize = 64 * 1024;

/// How deep brackets of all kinds may be nested.
pub(super) const MAX_NESTING: usize = 128;

/// Checks the text of a document: its length, how deep its brackets are nested, that its numbers keep every digit, and
/// that no string holds a U+0000.
///
/// # Errors
/// BAD_USER_INPUT for any of these, GRAPHQL_PARSE_FAILED for a string without an end.
pub(super) fn check(text: &str) -> Result<()> {
    if text.len() > MAX_LENGTH {
        return Err(Error::bad_input(format!(
            "the document has {} bytes, the longest allowed has {MAX_LENGTH}; values belong into variables",
            text.len()
        )));
    }
    let mut rest = text;
    let mut depth = 0_usize;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'"' if rest.starts_with("\"\"\"") => block_string(rest)?,
            b'"' => string(rest)?,
            b'#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => run(rest, |byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            b'-' | b'0'..=b'9' => number(rest)?,
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Err(Error::bad_input(format!(
                        "brackets may be nested {MAX_NESTING} levels deep in a document, not deeper"
                    )));
                }
                1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            0 => return Err(nul()),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        rest = &rest[length..];
    }
    Ok(())
}

/// The length of the block string at the start of the text.
fn block_string(text: &str) -> Result<usize> {
    let mut at = 3;
    loop {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"\"\"\"") {
            break;
        }
        match rest.first() {
            Some(b'\\') if rest.starts_with(b"\\\"\"\"") => at += 4,
            Some(0) => return Err(nul()),
            Some(_) => at += 1,
            // The parser would go back and read an empty string and the start of another one here: what follows
            // would be seen by it and not by us.
            None => return Err(endless()),
        }
    }
    Ok(at + 3)
}

/// The length of the string at the start of the text.
fn string(text: &str) -> Result<usize> {
    let mut at = 1;
    loop {
        let rest = &text.as_bytes()[at..];
        match rest.first() {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') if rest.starts_with(b"\\u0000") => return Err(nul()),
            Some(b'\\') => at += 2,
            Some(0) => return Err(nul()),
            Some(b'\n' | b'\r') | None => return Err(endless()),
            Some(_) => at += 1,
        }
        if at > text.len() {
            return Err(endless());
        }
    }
}

/// The length of the number at the start of the text.
fn number(text: &str) -> Result<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = usize::from(bytes[0] == b'-');
    match bytes.get(end) {
        // The grammar knows no leading zeros: the parser takes `007` for three numbers, and so do we.
        Some(b'0') => end += 1,
        Some(b'1'..=b'9') => end += digits(end),
        // A lone minus is left to the parser, which refuses it.
        _ => return Ok(1),
    }
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(end + 1 + sign..).map_or(0, |_| digits(end + 1 + sign));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let literal = &text[..end];
    if exact_number(literal).is_none() {
        let shown: String = literal.chars().take(40).collect();
        return Err(Error::bad_input(format!(
            "the number {shown} would not keep every digit in the document; pass it as a variable"
        )));
    }
    Ok(end)
}

fn run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| belongs(*byte)).count()
}

fn nul() -> Error {
    Error::bad_input("the document holds U+0000, which databases cannot store")
}

fn endless() -> Error {
    Error::new(Code::GraphqlParseFailed, "a string of the document has no end")
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn refusal(text: &str) -> Error {
        check(text).unwrap_err()
    }

    #[test]
    fn numbers_that_would_lose_digits_are_refused_and_pointed_to_variables() {
        for number in ["1.10", "1e400", "-0", "12345678901234567890.1234567891", "18446744073709551616", "1E5", "0e0"] {
            let error = refusal(&format!("{{ f(a: {{b: [1, {number}]}}) }}"));
            assert_eq!(error.code(), Code::BadUserInput);
            assert!(error.message().contains("as a variable"), "{error}");
            assert!(error.message().contains(number), "{error}");
        }
        refusal("query ($a: JSON = 1.10) { f(a: $a) }");
        refusal("{ f(a: [1-1.10]) }");
    }

    #[test]
    fn numbers_that_keep_their_digits_pass() {
        check("query q1($v2: Int = 7) { a1: f(a: 1, b: -2, c: 0.5, d: 18446744073709551615) { x9 } }").unwrap();
    }

    #[test]
    fn strings_comments_and_names_hold_no_numbers() {
        check("{ f(a: \"1.10 \\\" 1.20\", b: \"\"\"1.30 \\\"\"\" \" 1.40\"\"\") # 1.50\n x1_10 }").unwrap();
    }

    #[test]
    fn a_number_behind_a_string_or_a_comment_is_seen() {
        refusal("{ f(a: \"\", b: 1.10) }");
        refusal("{ f(a: \"\"\"\"\"\", b: 1.10) }");
        refusal("{ f(a: \"\\\\\", b: 1.10) }");
        refusal("# comment\r{ f(b: 1.10) }");
    }

    #[test]
    fn a_string_without_an_end_cannot_hide_what_follows() {
        for text in ["{ f(a: [\"\"\"abc\" 1.10]) }", "{ f(a: \"abc\n 1.10\") }", "{ f(a: \"abc", "\"\\"] {
            assert_eq!(refusal(text).code(), Code::GraphqlParseFailed, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whatever opens and closes strings and comments, the parser sees no number that the lexer did not see.
        #[test]
        fn the_parser_finds_no_number_that_was_passed_over(
            pieces in vec(select(vec!["\"", "\"\"\"", "\\", "\\\"", "x", " ", "#", "\n", "\r", "1.10", "-", "0"]), 1..9)
        ) {
            let text = format!("{{f(a:[{}])}}", pieces.concat());
            if check(&text).is_ok() && let Ok(document) = parse_query(&text) {
                prop_assert!(!format!("{document:?}").contains("Number(1.1)"), "{text}");
            }
        }
    }

    #[test]
    fn u0000_is_refused() {
        for text in ["{ f(a: \"\\u0000\") }", "{ f(a: \"\0\") }", "{ f(a: \"\"\"\0\"\"\") }", "{ \0 }"] {
            assert!(refusal(text).message().contains("U+0000"));
        }
        check("{ f(a: \"\\\\u0000\") }").unwrap();
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        for (open, close) in [("[", "]"), ("{", "}"), ("(", ")")] {
            check(&format!("{}{}", open.repeat(MAX_NESTING), close.repeat(MAX_NESTING))).unwrap();
            assert!(refusal(&open.repeat(MAX_NESTING + 1)).message().contains("levels deep"));
        }
        check(&" ".repeat(MAX_LENGTH)).unwrap();
        assert!(refusal(&" ".repeat(MAX_LENGTH + 1)).message().contains("bytes"));
    }

    #[test]
    fn text_beyond_ascii_is_walked_over() {
        check("{ f(a: \"äöü 🦀\") } # 🦀\n \u{feff}").unwrap();
    }
}
