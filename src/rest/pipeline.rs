//! What every request goes through before its handler: who calls, how long it may take, and the line in the log.

use std::panic::AssertUnwindSafe;

use async_graphql::parser::types::OperationType;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::http::{Problem, ProblemCode, RequestLog, TimeLimit, authenticate, client_address, panicked};

/// Answers the request within its time, if its token is valid.
pub(super) async fn guard(
    State(state): State<super::State>,
    matched: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let mut log = RequestLog::begin("rest");
    let kind = match *request.method() {
        Method::GET | Method::HEAD => OperationType::Query,
        _ => OperationType::Mutation,
    };
    // The path as the document writes it: what stands in its place is a value.
    log.operation(kind, Some(matched.as_str()));
    let mut answer = respond(&state, request, next, &mut log).await;
    if let Some(code) = answer.extensions().get::<ProblemCode>() {
        log.code(code.as_str());
    }
    log.status(answer.status().as_u16());
    // What the log holds is for this caller now, and for no cache on the way.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn respond(state: &super::State, mut request: Request, next: Next, log: &mut RequestLog) -> Response {
    let time_limit = TimeLimit::begin(state.request_timeout);
    let caller = match authenticate(&state.authenticator, request.headers()) {
        Ok(caller) => caller,
        Err(unknown) => {
            let challenge = unknown.challenge();
            return ([(WWW_AUTHENTICATE, challenge)], Problem::new(&unknown.error)).into_response();
        }
    };
    log.caller(&caller.user_id);
    let address = client_address(&request);
    let extensions = request.extensions_mut();
    extensions.insert(caller);
    extensions.insert(address);
    extensions.insert(time_limit);
    // A panic must not take the connection down, nor leave the caller without an answer.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match time_limit.bound(answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Problem::new(&panicked()).into_response(),
        Err(error) => Problem::new(&error).into_response(),
    }
}
