//! `/graphql` over HTTP, by the GraphQL over HTTP specification, and where a WebSocket begins.

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{self, FromRequestParts as _, Request};
use axum::http::header::{ALLOW, HeaderValue, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{Method, Response, StatusCode};

use crate::audit::Error;

use super::negotiate::{self, MediaType};
use super::operation::{self, Operation, TimeLimit};
use super::params::{Params, Unusable};
use super::request::{authenticate, body, client_address};
use super::request_log::RequestLog;
use super::{State, answer, serve, ws};

/// Every request to `/graphql`.
pub(super) async fn handle<E: Executor>(
    extract::State(state): extract::State<State<E>>,
    request: Request,
) -> Response<Body> {
    if asks_for_websocket(&request) {
        return upgrade(state, request).await;
    }
    let Some(media_type) = negotiate::negotiate(request.headers()) else {
        let error = Error::bad_input(
            "the answer can be had as application/graphql-response+json or application/json, and `Accept` allows neither",
        );
        return answer::refusal(StatusCode::NOT_ACCEPTABLE, MediaType::Json, &error);
    };
    let mut log = RequestLog::begin("http");
    let answer = match respond(&state, request, media_type, &mut log).await {
        Ok(answer) => answer,
        Err(refused) => refused.answer(media_type, &mut log),
    };
    log.status(answer.status().as_u16());
    answer
}

/// Why a request does not become an operation.
struct Refused {
    status: StatusCode,
    error: Error,
    allow: Option<&'static str>,
}

impl Refused {
    fn new(status: StatusCode, error: Error) -> Self {
        Refused { status, error, allow: None }
    }

    fn answer(self, media_type: MediaType, log: &mut RequestLog) -> Response<Body> {
        log.code(self.error.code().as_str());
        let mut answer = answer::refusal(self.status, media_type, &self.error);
        if let Some(methods) = self.allow {
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

impl From<Unusable> for Refused {
    fn from(unusable: Unusable) -> Self {
        Refused::new(StatusCode::BAD_REQUEST, unusable.into_error())
    }
}

async fn respond<E: Executor>(
    state: &State<E>,
    request: Request,
    media_type: MediaType,
    log: &mut RequestLog,
) -> Result<Response<Body>, Refused> {
    let time_limit = TimeLimit::begin(state.settings.request_timeout);
    let method = request.method().clone();
    if method != Method::GET && method != Method::POST {
        let error = Error::bad_input("GraphQL is asked by POST, and queries by GET too");
        return Err(Refused { allow: Some("GET, POST"), ..Refused::new(StatusCode::METHOD_NOT_ALLOWED, error) });
    }
    let caller = authenticate(&state.authenticator, request.headers())
        .map_err(|error| Refused::new(StatusCode::UNAUTHORIZED, error))?;
    log.caller(&caller.user_id);
    let address = client_address(&request);
    let params = match method {
        Method::GET => Params::from_query_string(request.uri().query().unwrap_or_default())?,
        // Reading the body counts too: a client that trickles it must not hold the connection for ever.
        _ => match time_limit.bound(body(request)).await {
            Ok(body) => {
                let body = body.map_err(|(status, error)| Refused::new(status, error))?;
                Params::from_json(&body)?
            }
            Err(error) => return Err(Refused::new(StatusCode::REQUEST_TIMEOUT, error)),
        },
    };
    let operation = match Operation::prepare(params) {
        Ok(operation) => operation,
        Err(error) => {
            log.errors(std::slice::from_ref(&error));
            return Ok(answer::executed(media_type, async_graphql::Response::from_errors(vec![*error])));
        }
    };
    log.operation(operation.kind, operation.name.as_deref());
    match operation.kind {
        OperationType::Mutation if method == Method::GET => {
            let error = Error::bad_input("a mutation must be sent by POST");
            return Err(Refused { allow: Some("POST"), ..Refused::new(StatusCode::METHOD_NOT_ALLOWED, error) });
        }
        OperationType::Subscription => {
            let error = Error::bad_input(
                "a subscription needs a WebSocket: connect to this path with the sub-protocol graphql-transport-ws",
            );
            return Err(Refused::new(StatusCode::BAD_REQUEST, error));
        }
        OperationType::Query | OperationType::Mutation => {}
    }
    let request = operation.into_request(caller, address);
    let response = operation::execute(&state.schema, request, time_limit).await;
    log.errors(&response.errors);
    Ok(answer::executed(media_type, response))
}

/// Other upgrades, such as `h2c`, may be ignored, and are.
fn asks_for_websocket(request: &Request) -> bool {
    let upgrade = request.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    request.method() == Method::GET && upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Turns the connection into a WebSocket.
async fn upgrade<E: Executor>(state: State<E>, request: Request) -> Response<Body> {
    let address = client_address(&request);
    let sockets = request.extensions().get::<serve::Sockets>().cloned().unwrap_or_default();
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => ws::accept(upgrade, state, address, sockets),
        Err(rejection) => {
            let error = Error::bad_input(format!("the WebSocket cannot be opened: {}", rejection.body_text()));
            answer::refusal(rejection.status(), MediaType::Json, &error)
        }
    }
}
