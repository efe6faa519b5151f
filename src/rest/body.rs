//! The bodies of requests: JSON objects, read without losing a digit, with no member that means nothing.

use async_graphql::Value;
use axum::body::HttpBody as _;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;

use super::query::shown;
use crate::audit::{Error, Json, Result};
use crate::http::{self, Problem, TimeLimit};

/// Below 2^53 a double is the whole number that it prints as.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The members of a request's body that nobody has taken yet.
#[derive(Default)]
pub(super) struct Body {
    given: Vec<(String, Value)>,
    known: Vec<&'static str>,
}

/// The text of the body, read within the time that the request may take: a client that trickles it must not hold the
/// connection for ever.
async fn text(request: Request) -> Result<String, Problem> {
    let limit = request.extensions().get::<TimeLimit>().copied();
    let limit = limit.ok_or_else(|| Error::internal("a handler of the REST API stands outside its guard"))?;
    match limit.bound(http::body(request)).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err((status, error))) => Err(Problem::with_status(status, &error)),
        Err(error) => Err(Problem::with_status(StatusCode::REQUEST_TIMEOUT, &error)),
    }
}

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let text = text(request).await?;
        Ok(Body::of(&text)?.ok_or_else(no_object)?)
    }
}

/// A body that may be left out.
pub(super) struct OptionalBody(pub(super) Body);

impl<S: Sync> FromRequest<S> for OptionalBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(OptionalBody(Body::default()));
        }
        let text = text(request).await?;
        Ok(OptionalBody(if text.is_empty() { Body::default() } else { Body::of(&text)?.unwrap_or_default() }))
    }
}

fn no_object() -> Error {
    Error::bad_input("the body must be a JSON object")
}

impl Body {
    /// Reads an object; none is null.
    fn of(text: &str) -> Result<Option<Body>> {
        match http::read_json(text)? {
            Value::Null => Ok(None),
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name.to_string(), value));
                Ok(Some(Body { given: members.collect(), known: Vec::new() }))
            }
            _ => Err(no_object()),
        }
    }

    /// Takes a member; null is as good as absent.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let place = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.remove(place).1).filter(|value| *value != Value::Null)
    }

    /// Takes a text.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is none.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::bad_input(format!("`{name}` must be a string"))),
        }
    }

    /// Takes an id: a text, or a whole number that stands for its digits.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is neither.
    pub(super) fn id(&mut self, name: &'static str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value) => match whole(&value) {
                Some(number) => Ok(Some(number.to_string())),
                None => Err(Error::bad_input(format!("`{name}` must be a string or a whole number"))),
            },
        }
    }

    /// Takes a truth value.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is none.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(flag)),
            Some(_) => Err(Error::bad_input(format!("`{name}` must be true or false"))),
        }
    }

    /// Takes any JSON, as text.
    ///
    /// # Errors
    /// INTERNAL_SERVER_ERROR where it cannot be written as it was read.
    pub(super) fn json(&mut self, name: &'static str) -> Result<Option<Json>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = serde_json::to_string(&value).map_err(Error::internal)?;
        Json::parse(text).map(Some).ok_or_else(|| Error::internal("what was read as JSON is written as none"))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// BAD_USER_INPUT where a member is left that means nothing here.
    pub(super) fn finish(self) -> Result<()> {
        let Some((name, _)) = self.given.first() else { return Ok(()) };
        let (name, known) = (shown(name), self.known.join(", "));
        Err(Error::bad_input(format!("the member {name} means nothing here; the body may have: {known}")))
    }
}

/// The whole number that a value is. JSON knows one kind of number: `7.0` is 7.
fn whole(value: &Value) -> Option<i64> {
    let Value::Number(number) = value else { return None };
    let of_float = |float: f64| (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(of_float))
}

/// What a member must be that is not left out.
pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::bad_input(format!("`{name}` is missing")))
}
