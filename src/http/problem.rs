//! Failures of the REST API, as RFC 9457 writes them.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::{Code, Error};
use crate::graphql;

/// Why a request was not answered as it asked (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status, and beside it `code`, say what kind of problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(example = "Conflict")]
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599, example = 409)]
    status: u16,
    /// What was wrong, and what would be right. Of a fault of the server: an id under which its log has the details.
    #[schema(example = "another transaction holds the rows or the table that this needs; try again")]
    detail: String,
    /// What a program can act on; the same codes as those of the GraphQL API.
    code: ProblemCode,
}

/// What a program can act on. UNAUTHENTICATED: no valid token came with the request. FORBIDDEN: the caller, or the server's
/// database role, lacks a right. NOT_FOUND: what the request names does not exist. BAD_USER_INPUT: it asks for something
/// that cannot be asked for. CONFLICT: the present state of the data stands in the way. NOT_UNDOABLE: the entry is of a
/// kind that no undo can reverse. RATE_LIMITED: too much at once. UNAVAILABLE: the database or the server cannot answer
/// now; the same request may succeed later. INTERNAL_SERVER_ERROR: a fault of the server; its log has the details.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ProblemCode {
    Unauthenticated,
    Forbidden,
    NotFound,
    BadUserInput,
    Conflict,
    NotUndoable,
    RateLimited,
    Unavailable,
    InternalServerError,
}

impl Problem {
    /// The failure, with the status that goes with its code.
    pub(crate) fn new(error: &Error) -> Problem {
        Problem::with_status(ProblemCode::from(error.code()).status(), error)
    }

    /// The failure, with a status that says more than its code does.
    pub(crate) fn with_status(status: StatusCode, error: &Error) -> Problem {
        Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: graphql::told(error),
            code: error.code().into(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Problem::new(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut answer = (status, body).into_response();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // For the log of requests.
        answer.extensions_mut().insert(self.code);
        answer
    }
}

impl From<Code> for ProblemCode {
    fn from(code: Code) -> Self {
        match code {
            Code::Unauthenticated => ProblemCode::Unauthenticated,
            Code::Forbidden => ProblemCode::Forbidden,
            Code::NotFound => ProblemCode::NotFound,
            Code::Conflict => ProblemCode::Conflict,
            Code::NotUndoable => ProblemCode::NotUndoable,
            Code::RateLimited => ProblemCode::RateLimited,
            Code::Unavailable => ProblemCode::Unavailable,
            Code::Internal => ProblemCode::InternalServerError,
            // All but the first are those of GraphQL alone.
            Code::BadUserInput
            | Code::CursorExpired
            | Code::GraphqlParseFailed
            | Code::GraphqlValidationFailed
            | Code::PersistedQueryNotFound => ProblemCode::BadUserInput,
        }
    }
}

impl ProblemCode {
    /// The code as clients see it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ProblemCode::Unauthenticated => Code::Unauthenticated.as_str(),
            ProblemCode::Forbidden => Code::Forbidden.as_str(),
            ProblemCode::NotFound => Code::NotFound.as_str(),
            ProblemCode::BadUserInput => Code::BadUserInput.as_str(),
            ProblemCode::Conflict => Code::Conflict.as_str(),
            ProblemCode::NotUndoable => Code::NotUndoable.as_str(),
            ProblemCode::RateLimited => Code::RateLimited.as_str(),
            ProblemCode::Unavailable => Code::Unavailable.as_str(),
            ProblemCode::InternalServerError => Code::Internal.as_str(),
        }
    }

    /// What HTTP calls it.
    fn status(self) -> StatusCode {
        match self {
            ProblemCode::Unauthenticated => StatusCode::UNAUTHORIZED,
            ProblemCode::Forbidden => StatusCode::FORBIDDEN,
            ProblemCode::NotFound => StatusCode::NOT_FOUND,
            ProblemCode::BadUserInput => StatusCode::BAD_REQUEST,
            ProblemCode::Conflict => StatusCode::CONFLICT,
            ProblemCode::NotUndoable => StatusCode::UNPROCESSABLE_ENTITY,
            ProblemCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ProblemCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ProblemCode::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
