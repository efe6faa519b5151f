//! `/graphql` over HTTP, by the GraphQL over HTTP specification, and where a WebSocket begins.

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, ServerError};
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{self, FromRequestParts as _, Request};
use axum::http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{Method, Response, StatusCode, Version};

use crate::audit::Error;
use crate::auth::{Caller, ClientAddress};
use crate::graphql::{Answer, Resume};

use super::bearer::{self, Unknown};
use super::body::body;
use super::events::Events;
use super::negotiate::{Accepted, Form, MediaType, StreamType};
use super::operation::{self, Operation, TimeLimit};
use super::params::{Params, Unusable};
use super::proxy::client_address;
use super::request_log::RequestLog;
use super::serve::Sockets;
use super::stream::{self, Bounds};
use super::{State, answer, failure, ws};

/// Where a client's browser, or the client itself, says which event it saw last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const ACCEPTABLE: &str = "the answer can be had as application/graphql-response+json, application/json, \
                          text/event-stream or multipart/mixed;subscriptionSpec=1.0, and `Accept` allows none of them";

const NEEDS_STREAM: &str = "a subscription needs a transport that stays open: a WebSocket to this path with the \
                            sub-protocol graphql-transport-ws, `Accept: text/event-stream`, or \
                            `Accept: multipart/mixed;subscriptionSpec=1.0`";

/// Every request to `/graphql`. What few requests come to is boxed: each of them has the room of the largest, and the
/// router moves it about.
pub(super) async fn handle<E: Executor>(
    extract::State(state): extract::State<State<E>>,
    request: Request,
) -> Response<Body> {
    let sockets = request.extensions().get::<Sockets>().cloned().unwrap_or_default();
    if asks_for_websocket(&request) {
        return Box::pin(upgrade(state, request, sockets)).await;
    }
    let accepted = Accepted::of(request.headers());
    if !accepted.is_possible() {
        return answer::refusal(StatusCode::NOT_ACCEPTABLE, MediaType::Json, &Error::bad_input(ACCEPTABLE));
    }
    let time_limit = TimeLimit::begin(state.settings.request_timeout);
    let mut log = RequestLog::begin("http");
    let refuse = |refused: Refused, mut log: RequestLog| {
        let answer = refused.answer(accepted.refusal(), &mut log);
        logged(answer, log)
    };
    let received = match receive(&state, request, time_limit, &mut log).await {
        Ok(received) => received,
        Err(refused) => return refuse(refused, log),
    };
    if let Some(Form::Single(media_type)) = accepted.form(OperationType::Query)
        && let Some(answer) = planned(&state, &received, media_type, time_limit, &mut log).await
    {
        return logged(answer, log);
    }
    let Asked { prepared, form, caller, address, resume } = match ask(&state, received, &accepted, &mut log) {
        Ok(asked) => asked,
        Err(refused) => return refuse(*refused, log),
    };
    let bounds = || Bounds {
        ping_interval: state.settings.ping_interval,
        end: bearer::end_of(&caller),
        stop: sockets.stop.clone(),
    };
    let operation = match (prepared, form) {
        (Ok(operation), _) => operation,
        // An event stream tells of the document's faults itself, since a browser's `EventSource` shows nothing else.
        (Err(error), Form::Stream(stream @ StreamType::EventStream)) => {
            return stream::answer(stream, Events::refused(*error), bounds(), log);
        }
        (Err(error), _) => {
            log.errors(std::slice::from_ref(&error));
            let response = async_graphql::Response::from_errors(vec![*error]);
            return logged(answer::executed(accepted.refusal(), response), log);
        }
    };
    let kind = operation.kind;
    let bounds = bounds();
    match form {
        Form::Single(media_type) => {
            let (request, draft) = operation.into_request_and_plan(&state.plans, caller, address);
            let response = Box::pin(operation::execute(&state.schema, request.data(resume), time_limit)).await;
            if let Some(draft) = draft.filter(|_| response.errors.is_empty()) {
                draft.keep(&state.plans);
            }
            log.errors(&response.errors);
            logged(answer::executed(media_type, response), log)
        }
        Form::Stream(stream) => {
            let request = operation.into_request(caller, address).data(resume.clone());
            let events = Events::of(state.schema, request, kind, time_limit).resuming(resume);
            stream::answer(stream, events, bounds, log)
        }
    }
}

fn logged(answer: Response<Body>, mut log: RequestLog) -> Response<Body> {
    log.status(answer.status().as_u16());
    answer
}

/// A request that is answered as its operation is: the caller is known and may ask so.
struct Asked {
    prepared: Result<Operation, Box<ServerError>>,
    form: Form,
    caller: Caller,
    address: ClientAddress,
    resume: Resume,
}

/// Why a request does not become an operation.
struct Refused {
    status: StatusCode,
    error: Error,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refused {
    fn new(status: StatusCode, error: Error) -> Self {
        Refused { status, error, header: None }
    }

    fn method(error: &str, allowed: &'static str) -> Self {
        let header = Some((ALLOW, HeaderValue::from_static(allowed)));
        Refused { status: StatusCode::METHOD_NOT_ALLOWED, error: Error::bad_input(error), header }
    }

    fn answer(self, media_type: MediaType, log: &mut RequestLog) -> Response<Body> {
        log.code(self.error.code().as_str());
        let mut answer = answer::refusal(self.status, media_type, &self.error);
        answer.headers_mut().extend(self.header);
        answer
    }
}

impl From<Unusable> for Refused {
    fn from(unusable: Unusable) -> Self {
        Refused::new(StatusCode::BAD_REQUEST, unusable.into_error())
    }
}

impl From<Unknown> for Refused {
    fn from(unknown: Unknown) -> Self {
        let header = Some((WWW_AUTHENTICATE, unknown.challenge()));
        Refused { status: StatusCode::UNAUTHORIZED, error: unknown.error, header }
    }
}

/// A request that has been read; its caller is known.
struct Received {
    method: Method,
    params: Params,
    caller: Caller,
    address: ClientAddress,
    resume: Resume,
}

async fn receive<E: Executor>(
    state: &State<E>,
    request: Request,
    time_limit: TimeLimit,
    log: &mut RequestLog,
) -> Result<Received, Refused> {
    let method = request.method().clone();
    if method != Method::GET && method != Method::POST {
        return Err(Refused::method("GraphQL is asked by POST, and queries by GET too", "GET, POST"));
    }
    let caller = bearer::of_headers(&state.authenticator, request.headers())?;
    log.caller(&caller.user_id);
    let address = client_address(&request);
    let seen_last = last_event_id(request.headers()).map_err(|error| Refused::new(StatusCode::BAD_REQUEST, error))?;
    let resume = Resume::after(seen_last);
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
    Ok(Received { method, params, caller, address, resume })
}

/// The answer to a document whose plan is known, unless the plan leaves this request to the schema.
async fn planned<E: Executor>(
    state: &State<E>,
    received: &Received,
    media_type: MediaType,
    time_limit: TimeLimit,
    log: &mut RequestLog,
) -> Option<Response<Body>> {
    let Received { method, params, caller, .. } = received;
    let text = operation::known_text(params, &state.persisted)?;
    let plan = state.plans.find(&text, params.operation_name.as_deref())?;
    if plan.kind == OperationType::Mutation && *method != Method::POST {
        return None;
    }
    log.operation(plan.kind, plan.operation.as_deref());
    let response = match state.plans.run(&plan, caller, &params.variables, time_limit).await {
        Ok(None) => return None,
        Ok(Some(Answer::Written(json))) => return Some(answer::written(media_type, json)),
        Ok(Some(Answer::Failed(response))) => failure::settle(*response),
        Err(error) => failure::response_of(&error),
    };
    log.errors(&response.errors);
    Some(answer::executed(media_type, response))
}

/// Chooses the operation, and the form of its answer.
fn ask<E: Executor>(
    state: &State<E>,
    received: Received,
    accepted: &Accepted,
    log: &mut RequestLog,
) -> Result<Asked, Box<Refused>> {
    let Received { method, params, caller, address, resume } = received;
    let prepared = Operation::prepare(params, &state.persisted);
    let kind = prepared.as_ref().map_or(OperationType::Query, |operation| operation.kind);
    if let Ok(operation) = &prepared {
        log.operation(operation.kind, operation.name.as_deref());
    }
    if kind == OperationType::Mutation && method == Method::GET {
        return Err(Box::new(Refused::method("a mutation must be sent by POST", "POST")));
    }
    let needs_stream = || Refused::new(StatusCode::BAD_REQUEST, Error::bad_input(NEEDS_STREAM));
    let form = accepted.form(kind).ok_or_else(|| Box::new(needs_stream()))?;
    Ok(Asked { prepared, form, caller, address, resume })
}

/// The cursor of the event that the client saw last.
fn last_event_id(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    value.to_str().map(|id| Some(id.to_owned())).map_err(|_| Error::bad_input("`Last-Event-ID` is no cursor"))
}

/// Other upgrades, such as `h2c`, may be ignored, and are. On HTTP/2 there is none, but an extended CONNECT (RFC 8441).
fn asks_for_websocket(request: &Request) -> bool {
    let upgrade = request.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    match request.version() {
        Version::HTTP_2 => request.method() == Method::CONNECT,
        _ => request.method() == Method::GET && upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")),
    }
}

/// Turns the connection into a WebSocket.
async fn upgrade<E: Executor>(state: State<E>, request: Request, sockets: Sockets) -> Response<Body> {
    let address = client_address(&request);
    let (mut parts, _) = request.into_parts();
    let is_shared = parts.version == Version::HTTP_2;
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => ws::accept(upgrade, state, address, sockets, is_shared),
        Err(rejection) => {
            let error = Error::bad_input(format!("the WebSocket cannot be opened: {}", rejection.body_text()));
            answer::refusal(rejection.status(), MediaType::Json, &error)
        }
    }
}
