//! The server's face: GraphQL over HTTP, WebSocket and streams, GraphiQL, and the two health paths.
//!
//! A request goes through the search for its client's address (`proxy`) and the Host check, then to its path. On
//! `/graphql` it is authenticated (`bearer`), its parameters are read without losing a digit (`params`, `json`,
//! `document`), the operation is chosen and executed (`operation`), and every error on its way out gets a code
//! (`failure`). Answers that stay open (`stream`) and WebSockets (`ws`) take the same road, and tell the same events
//! (`events`).

mod answer;
mod bearer;
mod body;
mod cors;
mod document;
mod events;
mod failure;
mod forwarded;
mod graphiql;
mod graphql;
mod health;
mod host;
mod json;
mod negotiate;
mod operation;
mod params;
mod persisted;
mod plans;
mod problem;
mod proxy;
mod request_log;
mod root;
mod serve;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod ws;

use std::sync::Arc;

use async_graphql::Executor;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{Redirect, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use tower::ServiceBuilder;
use tower::util::option_layer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::audit::{Code, Error};
use crate::auth::Authenticator;
use crate::graphql::Schema;

pub(crate) use bearer::of_headers as authenticate;
pub(crate) use body::body;
pub use health::Health;
pub(crate) use json::read as read_json;
pub(crate) use operation::{TimeLimit, panicked};
pub use persisted::PersistedQueries;
pub use plans::Plans;
pub(crate) use problem::{Problem, ProblemCode};
pub(crate) use proxy::client_address;
pub(crate) use request_log::RequestLog;
pub use serve::serve;
pub use settings::{ConnectionLimits, HttpSettings};

/// What the answers of pages and scripts may load and who may frame them: nothing and nobody. GraphiQL has its own.
const CONTENT_SECURITY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// What the handlers work with. `E` is the schema; tests put a smaller one there.
#[derive(Clone)]
pub struct State<E = Schema> {
    /// Executes operations.
    pub schema: E,
    /// Turns bearer tokens into callers.
    pub authenticator: Arc<Authenticator>,
    /// Limits, and the hosts that the server answers for.
    pub settings: Arc<HttpSettings>,
    /// The documents that clients have registered.
    pub persisted: PersistedQueries,
    /// How documents are answered that clients send over and over.
    pub plans: Plans,
    /// Answers `/readyz`.
    pub health: Arc<dyn Health>,
}

/// All paths of the server; those of the REST API come from their own room. Hand it to [`serve()`].
pub fn router<E: Executor>(state: State<E>, rest: Router) -> Router {
    let hosts = Arc::new(host::Hosts::new(&state.settings.allowed_hosts));
    let proxies = Arc::new(proxy::Proxies::new(&state.settings.trusted_proxies));
    let cors = option_layer(cors::layer(&state.settings.cors_origins));
    // What is told piece by piece must not wait in a compressor; event streams are left alone by default.
    let compressible = DefaultPredicate::new().and(NotForContentType::const_new("multipart/mixed"));
    // Load balancers ask for health by whatever name they know, so those paths stand outside the Host check.
    let health = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(Arc::clone(&state.health));
    // The outermost first. As one layer each, since the router boxes every layer's service and every future of it anew.
    let body_limit = state.settings.body_limit;
    let inner = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(proxies, proxy::find_client))
        .layer(middleware::from_fn_with_state(hosts, host::check))
        .layer(Extension(body::BodyLimit(body_limit)))
        .layer(DefaultBodyLimit::max(body_limit));
    let outer = ServiceBuilder::new()
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(SetResponseHeaderLayer::overriding(REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .layer(SetResponseHeaderLayer::overriding(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(CONTENT_SECURITY_POLICY, CONTENT_SECURITY))
        .layer(cors);
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/graphiql") }))
        .route("/graphiql", get(graphiql::page))
        .route("/graphiql/", get(graphiql::page))
        .route("/graphiql/{*path}", get(graphiql::file))
        .route("/graphql", any(graphql::handle::<E>))
        .with_state(state)
        .merge(rest)
        .fallback(no_such_path)
        .layer(inner)
        .merge(health)
        .layer(outer)
}

async fn no_such_path() -> Response {
    let error = Error::new(Code::NotFound, "there is nothing at this path; the APIs are at /graphql and /api/auditLog");
    answer::refusal(StatusCode::NOT_FOUND, negotiate::MediaType::Json, &error)
}
