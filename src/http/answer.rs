//! GraphQL responses as HTTP answers.

use async_graphql::ServerError;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::Serialize;

use crate::audit::{Code, Error};

use super::failure::{self, Refusal};
use super::negotiate::MediaType;

/// An answer to an operation that was executed, or was refused by its document or variables.
pub(super) fn executed(media_type: MediaType, response: async_graphql::Response) -> Response<Body> {
    let headers = response.http_headers.clone();
    let mut answer = if failure::is_refused(&response) {
        let status = match media_type {
            // Clients of the older media type take any other status for a broken connection.
            MediaType::Json => StatusCode::OK,
            MediaType::GraphqlResponse => status_of(&response.errors),
        };
        with_body(status, media_type, &Refusal { errors: &response.errors })
    } else {
        with_body(StatusCode::OK, media_type, &response)
    };
    answer.headers_mut().extend(headers);
    answer
}

/// An answer that is written already.
pub(super) fn written(media_type: MediaType, json: Vec<u8>) -> Response<Body> {
    with_text(StatusCode::OK, media_type, json)
}

/// An answer to a request that never became an operation.
pub(super) fn refusal(status: StatusCode, media_type: MediaType, error: &Error) -> Response<Body> {
    with_body(status, media_type, &Refusal { errors: &[failure::to_graphql(error)] })
}

fn status_of(errors: &[ServerError]) -> StatusCode {
    match failure::codes(errors).as_slice() {
        [code] if code == Code::Unavailable.as_str() => StatusCode::SERVICE_UNAVAILABLE,
        [code] if code == Code::Internal.as_str() => StatusCode::INTERNAL_SERVER_ERROR,
        // The caller is known and the request understood; `FORBIDDEN` is the operation's outcome.
        [code] if code == Code::Forbidden.as_str() => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What is sent, as JSON.
pub(super) fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_else(|error| {
        // A map with keys that are no strings would be the only reason, and nothing that is sent holds one.
        tracing::error!(%error, "what is sent cannot be written as JSON");
        String::from("{}")
    })
}

fn with_body(status: StatusCode, media_type: MediaType, body: &impl Serialize) -> Response<Body> {
    with_text(status, media_type, json(body))
}

fn with_text(status: StatusCode, media_type: MediaType, body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type.content_type()));
    // What the log holds is for this caller now, and for no cache on the way.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
