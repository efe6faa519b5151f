//! JSON that stays text, so that no digit, no order of keys and no spelling is lost on the way through.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A valid JSON document, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Takes a text that should be JSON: none where it is not.
    pub fn parse(text: impl Into<String>) -> Option<Json> {
        let text = text.into();
        serde_json::from_str::<IgnoredAny>(&text).ok()?;
        Some(Json(text))
    }

    /// Takes a text out of the database. What a writer put there that is no JSON is kept as a JSON string: one
    /// malformed value must not break the page that shows it.
    pub fn of_database(text: String) -> Json {
        match serde_json::from_str::<IgnoredAny>(&text) {
            Ok(_) => Json(text),
            Err(_) => Json::of_text(&text),
        }
    }

    /// Takes the text of a column whose type the database checks.
    pub fn of_json_column(text: &str) -> Json {
        Json(text.to_owned())
    }

    /// A JSON string with this content.
    pub fn of_text(text: &str) -> Json {
        Json(serde_json::Value::from(text).to_string())
    }

    /// A JSON object of these fields, in this order.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Json {
        let mut text = String::from("{");
        for (name, value) in fields {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&serde_json::Value::from(name).to_string());
            text.push(':');
            text.push_str(value);
        }
        text.push('}');
        Json(text)
    }

    /// The document's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document's text, taken out.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The members of an object, in order; none where the document is no object.
    pub fn fields(&self) -> Option<Vec<Field<'_>>> {
        let mut deserializer = serde_json::Deserializer::from_str(&self.0);
        deserializer.deserialize_map(FieldsVisitor).ok()
    }
}

/// A member of a JSON object: its name, and its value's text.
pub type Field<'a> = (Cow<'a, str>, &'a str);

/// The text that a JSON value stands for: what a string holds; null for null; of anything else its JSON. What an image
/// marks (`{"$blob":"00ff"}`) stands for what the mark holds.
pub fn plain_text(value: &str) -> Option<String> {
    match value.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') => Some(unquote(value)),
        Some(b'{') => Some(marked(value).unwrap_or_else(|| value.to_owned())),
        _ => Some(value.to_owned()),
    }
}

/// The JSON that a field's value stands for: a document that had to be marked, as it was.
pub fn unmarked(value: &str) -> Cow<'_, str> {
    match value.starts_with("{\"$json\"").then(|| marked(value)).flatten() {
        Some(document) => Cow::Owned(document),
        None => Cow::Borrowed(value),
    }
}

/// Whether a value of an image is this one, which the database has now. Older versions marked documents that need no mark.
pub fn is_still(recorded: &str, present: &str) -> bool {
    recorded == present || (present != "null" && unmarked(recorded) == present)
}

fn marked(value: &str) -> Option<String> {
    if !value.starts_with("{\"$") {
        return None;
    }
    let mut deserializer = serde_json::Deserializer::from_str(value);
    let fields = deserializer.deserialize_map(FieldsVisitor).ok()?;
    match fields.as_slice() {
        [(_, text)] if text.starts_with('"') => Some(unquote(text)),
        _ => None,
    }
}

fn unquote(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<Field<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(8));
        while let Some(name) = map.next_key::<Name<'de>>()? {
            fields.push((name.0, map.next_value::<&RawValue>()?.get()));
        }
        Ok(fields)
    }
}

/// A member's name, borrowed where it holds no escape.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_their_digits() {
        let json = Json::parse(r#"{"b":1.10,"a":12345678901234567890.5,"c\n":1e400}"#).unwrap();
        let fields = json.fields().unwrap();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
        assert_eq!(fields, [("b", "1.10"), ("a", "12345678901234567890.5"), ("c\n", "1e400")]);
    }

    #[test]
    fn a_magic_key_is_a_key_like_any_other() {
        let json = Json::parse(r#"{"$serde_json::private::RawValue":"[1"}"#).unwrap();
        assert_eq!(json.fields().unwrap()[0].1, "\"[1\"");
    }

    #[test]
    fn a_needless_mark_makes_no_difference() {
        assert!(is_still("1", "1") && !is_still("1", "1.0"));
        assert!(is_still(r#"{"$json" : "\"\\\\u0000\""}"#, r#""\\u0000""#));
        assert!(!is_still(r#"{"$json" : "null"}"#, "null"));
    }

    #[test]
    fn what_is_no_json_becomes_a_string() {
        assert_eq!(Json::of_database("{oops".into()).as_str(), "\"{oops\"");
    }

    #[test]
    fn text_is_what_a_value_stands_for() {
        assert_eq!(plain_text("null"), None);
        assert_eq!(plain_text("\"a\\u00e9\\n\"").as_deref(), Some("aé\n"));
        assert_eq!(plain_text("1.10").as_deref(), Some("1.10"));
        assert_eq!(plain_text("{\"$json\":\"null\"}").as_deref(), Some("null"));
        assert_eq!(plain_text("{\"a\": 1}").as_deref(), Some("{\"a\": 1}"));
        assert_eq!(unmarked("{\"$json\":\"null\"}"), "null");
        assert_eq!(unmarked("{\"$blob\":\"00\"}"), "{\"$blob\":\"00\"}");
    }
}
