//! The JSON of clients, read without losing a digit.
//!
//! `serde_json::Value` turns `1.10` into `1.1`, refuses `1e400`, keeps the last of two equal keys, and gives two magic
//! keys a meaning. None of that may happen to a value that ends up in the log, so variables are read from the text.

use std::collections::HashSet;
use std::fmt;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value as ConstValue};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::audit::{Error, Result};

/// How deep lists and objects of a variable may be nested.
pub(super) const MAX_NESTING: usize = 64;

/// The key under which async-graphql and serde_json hand a JSON text through as it is.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// What every magic key of serde_json begins with.
const PRIVATE: &str = "$serde_json::private::";

/// The members of a JSON object in their order.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads the text of an object. One that has a key twice is refused.
    pub(super) fn of(text: &'a str) -> Result<Self> {
        let members: Self = serde_json::from_str(text).map_err(malformed)?;
        let mut seen = HashSet::new();
        match members.0.iter().find(|(key, _)| !seen.insert(key)) {
            Some((key, _)) => Err(twice(key)),
            None => Ok(members),
        }
    }

    /// The text of a member, without those that are `null`.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(name, _)| name == key)?;
        Some(value.get()).filter(|text| *text != "null")
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Reads a JSON text into a value. A number that a double or a 64-bit integer would change is kept as its text.
///
/// # Errors
/// BAD_USER_INPUT where the text is no JSON, is nested too deep, has a key twice, or holds what must not reach the
/// database: a U+0000 or a magic key of serde_json.
pub(crate) fn read(text: &str) -> Result<ConstValue> {
    let raw: &RawValue = serde_json::from_str(text).map_err(malformed)?;
    value(raw, MAX_NESTING)
}

fn value(raw: &RawValue, depth_left: usize) -> Result<ConstValue> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let depth_left = deeper(depth_left)?;
            let mut object = IndexMap::new();
            for (key, member) in serde_json::from_str::<Members<'_>>(text).map_err(malformed)?.0 {
                if object.insert(Name::new(allowed_key(&key)?), value(member, depth_left)?).is_some() {
                    return Err(twice(&key));
                }
            }
            Ok(ConstValue::Object(object))
        }
        Some(b'[') => {
            let depth_left = deeper(depth_left)?;
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(malformed)?;
            items.into_iter().map(|item| value(item, depth_left)).collect::<Result<_>>().map(ConstValue::List)
        }
        Some(b'"') => {
            let string: String = serde_json::from_str(text).map_err(malformed)?;
            Ok(ConstValue::String(without_nul(string)?))
        }
        Some(b't' | b'f') => serde_json::from_str(text).map(ConstValue::Boolean).map_err(malformed),
        Some(b'n') => Ok(ConstValue::Null),
        _ => Ok(number(text)),
    }
}

fn number(text: &str) -> ConstValue {
    match exact_number(text) {
        Some(number) => ConstValue::Number(number),
        None => {
            let raw = ConstValue::String(text.to_owned());
            ConstValue::Object(IndexMap::from_iter([(Name::new(RAW_VALUE), raw)]))
        }
    }
}

/// The number that a text spells, where it prints back to that very text.
pub(super) fn exact_number(text: &str) -> Option<Number> {
    serde_json::from_str::<Number>(text).ok().filter(|number| number.to_string() == text)
}

fn deeper(depth_left: usize) -> Result<usize> {
    depth_left
        .checked_sub(1)
        .ok_or_else(|| Error::bad_input(format!("JSON may be nested {MAX_NESTING} levels deep, not deeper")))
}

fn allowed_key(key: &str) -> Result<&str> {
    if key.starts_with(PRIVATE) {
        return Err(Error::bad_input(format!("no key of a JSON object may begin with `{PRIVATE}`")));
    }
    if key.contains('\0') {
        return Err(Error::bad_input("a key of a JSON object holds U+0000, which databases cannot store"));
    }
    Ok(key)
}

fn without_nul(string: String) -> Result<String> {
    if string.contains('\0') {
        return Err(Error::bad_input("a string holds U+0000, which databases cannot store"));
    }
    Ok(string)
}

fn malformed(error: serde_json::Error) -> Error {
    Error::bad_input(format!("the JSON cannot be read: {error}"))
}

fn twice(key: &str) -> Error {
    Error::bad_input(format!("the JSON cannot be read: the key {key:?} stands in one object twice"))
}

/// Takes the wrapping of [`read`] off a message again, so that the client sees the number as it was sent.
pub(super) fn unwrap_numbers(message: &str) -> String {
    let wrapping = format!("{{{RAW_VALUE}: \"");
    let mut parts = message.split(&wrapping);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(&part.replacen("\"}", "", 1));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Code;

    fn printed(text: &str) -> String {
        serde_json::to_string(&read(text).unwrap()).unwrap()
    }

    fn refusal(text: &str) -> String {
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), Code::BadUserInput);
        error.message().to_owned()
    }

    #[test]
    fn every_digit_comes_out_as_it_went_in() {
        for text in ["1.10", "1e400", "-0", "12345678901234567890.1234567891", "1E5", "0.1", "18446744073709551616"] {
            assert_eq!(printed(text), text);
        }
        let nested = r#"{"z":[1.50,{"a":1e2}],"a":null,"b":[true,false,"ü"]}"#;
        assert_eq!(printed(nested), nested);
    }

    #[test]
    fn ordinary_numbers_stay_numbers() {
        for text in ["0", "-7", "9007199254740993", "18446744073709551615", "0.5"] {
            assert!(matches!(read(text).unwrap(), ConstValue::Number(_)), "{text}");
        }
    }

    #[test]
    fn magic_keys_are_refused_at_any_depth() {
        for key in ["RawValue", "Number", "anything"] {
            let text = format!(r#"{{"a":[{{"$serde_json::private::{key}":"[1]"}}]}}"#);
            assert!(refusal(&text).contains("$serde_json::private::"));
        }
        // The same key, escaped.
        assert!(refusal(r#"{"\u0024serde_json::private::Number":"1"}"#).contains("may begin"));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        assert!(refusal(r#"{"a":1,"b":{"x":1,"\u0078":2}}"#).contains("twice"));
        assert!(refusal(r#"[{"a":[{"x":1,"x":1}]}]"#).contains("twice"));
    }

    #[test]
    fn u0000_is_refused_in_strings_and_keys() {
        assert!(refusal(r#"["a\u0000b"]"#).contains("U+0000"));
        assert!(refusal(r#"{"a\u0000b":1}"#).contains("U+0000"));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(MAX_NESTING)).is_ok());
        assert!(refusal(&nested(MAX_NESTING + 1)).contains("levels deep"));
        assert!(refusal(&nested(100_000)).contains("levels deep"));
    }

    #[test]
    fn half_a_surrogate_pair_and_broken_json_are_refused() {
        for text in [r#""\ud800""#, "[1", "{\"a\"}", "01", "nul", ""] {
            assert!(refusal(text).contains("cannot be read"), "{text}");
        }
    }

    #[test]
    fn messages_show_numbers_as_they_were_sent() {
        let wrapped = format!("found {}, or {}.", read("1.10").unwrap(), read("2e9").unwrap());
        assert_eq!(unwrap_numbers(&wrapped), "found 1.10, or 2e9.");
    }
}
