//! The query string: each parameter once, and none that means nothing here. A misspelt filter that were passed over
//! would show more than was asked for.

use std::ops::RangeInclusive;

use axum::http::Uri;

use crate::audit::{Error, Result};

/// The parameters of a request that nobody has taken yet.
pub(super) struct Query {
    given: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Query {
    /// Reads the parameters of the URI.
    ///
    /// # Errors
    /// BAD_USER_INPUT where one stands there twice.
    pub(super) fn of(uri: &Uri) -> Result<Query> {
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if given.iter().any(|(other, _)| *other == name) {
                return Err(Error::bad_input(format!("the parameter {} stands in the query twice", shown(&name))));
            }
            given.push((name.into_owned(), value.into_owned()));
        }
        Ok(Query { given, known: Vec::new() })
    }

    /// Takes the text of a parameter.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let place = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.remove(place).1)
    }

    /// Takes a parameter that is a whole number.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is none, or out of range.
    pub(super) fn number(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
        let number = number.filter(|number| range.contains(number)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            Error::bad_input(format!("`{name}` is {}; it is a whole number from {least} to {most}", shown(&text)))
        })?;
        Ok(Some(number))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// BAD_USER_INPUT where a parameter is left that this path does not know.
    pub(super) fn finish(self) -> Result<()> {
        let Some((name, _)) = self.given.first() else { return Ok(()) };
        let known = match self.known.as_slice() {
            [] => "none".to_owned(),
            known => known.join(", "),
        };
        let name = shown(name);
        Err(Error::bad_input(format!("the parameter {name} means nothing here; this path takes: {known}")))
    }
}

/// What a client sent, short enough for a sentence.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    format!("{short:?}")
}
