//! The pieces of `multipart/mixed` as Apollo's clients read a subscription.

use async_graphql::ServerError;
use serde::Serialize;

use crate::http::answer;

/// A part is followed by the delimiter at once, since clients take it for whole only then.
const DELIMITER: &str = "\r\n--graphql";

#[derive(Serialize)]
struct Payload<'a, P> {
    payload: &'a P,
}

#[derive(Serialize)]
struct Failure<'a> {
    payload: (),
    errors: &'a [ServerError],
}

fn part(content: &str) -> String {
    format!("\r\nContent-Type: application/json\r\n\r\n{content}{DELIMITER}")
}

/// What comes before the first part.
pub(super) fn opening() -> String {
    DELIMITER.to_owned()
}

/// A result.
pub(super) fn payload(payload: &impl Serialize) -> String {
    part(&answer::json(&Payload { payload }))
}

/// A part that says nothing, and keeps the connection in use.
pub(super) fn heartbeat() -> String {
    part("{}")
}

/// There is no more.
pub(super) fn end() -> String {
    String::from("--\r\n")
}

/// There would have been more, but the transport ends here.
pub(super) fn broken_off(errors: &[ServerError]) -> String {
    part(&answer::json(&Failure { payload: (), errors })) + &end()
}
