//! The scalars of the contract.

use async_graphql::{InputValueError, InputValueResult, Name, Scalar, ScalarType, Value};
use chrono::Utc;

use crate::audit;

/// Under this key async-graphql writes a text into the answer as it is.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// An instant on its way to a client.
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant, RFC 3339, always written in UTC with six digits: `2026-03-01T09:30:00.123456Z`. (SQLite's clock has
/// milliseconds.)
#[Scalar(name = "DateTime", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => match chrono::DateTime::parse_from_rfc3339(text) {
                Ok(instant) => Ok(DateTime(instant.to_utc())),
                Err(_) => Err(InputValueError::custom("an instant is written in RFC 3339: 2026-03-01T09:30:00Z")),
            },
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(audit::format_timestamp(self.0))
    }
}

/// An instant as a client wrote it.
pub struct Instant(pub audit::Instant);

/// An instant accepted as input in three spellings: RFC 3339 (`2026-03-01T09:30:00Z`), a calendar date (`2026-03-01`,
/// that day in UTC), or UNIX seconds (`1772357400`). As the `end` of a range a calendar date means the whole of that
/// day is included; as a single instant it means the start of that day.
#[Scalar(name = "Instant")]
impl ScalarType for Instant {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(text) => audit::Instant::parse(text),
            Value::Number(number) => match number.as_i64() {
                Some(seconds) => audit::Instant::of_seconds(seconds),
                None => return Err(InputValueError::custom("UNIX seconds are a whole number")),
            },
            _ => return Err(InputValueError::expected_type(value)),
        };
        parsed.map(Instant).map_err(|error| InputValueError::custom(error.message()))
    }

    fn to_value(&self) -> Value {
        Value::String(audit::format_timestamp(self.0.start()))
    }
}

/// A JSON value, as text.
pub struct Json(pub audit::Json);

/// Any JSON value. Integers beyond 2^53 and exact decimals keep every digit, in variables and in answers; a client
/// that reads JSON into doubles finds the exact text in `FieldChange.oldText` and `newText`.
///
/// In the images of rows a value that JSON has no form for is marked: `{"$blob": "00ff"}` are bytes in hexadecimal,
/// `{"$real": "Inf"}` an infinite number of SQLite's, `{"$text": "6100"}` a text with a NUL byte as the hexadecimal of
/// its UTF-8, and `{"$json": "null"}` a JSON document as text, where it would otherwise be taken for an SQL null, a
/// mark, or could not be read back.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = serde_json::to_string(&value).map_err(|error| InputValueError::custom(error.to_string()))?;
        audit::Json::parse(text).map(Json).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        let text = Value::String(self.0.as_str().to_owned());
        Value::Object([(Name::new(RAW_VALUE), text)].into_iter().collect())
    }
}

/// A count.
pub struct Long(pub i64);

/// A count of up to 64 bits, as a JSON number.
#[Scalar(name = "Long")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number.as_i64().map(Long).ok_or_else(|| InputValueError::expected_type(value)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}
