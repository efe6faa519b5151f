//! The REST API, for clients that know audit logs by paths: entries, single objects, the trash, counts, entries by
//! hand, undo. It is thin: the services, the tokens and the rights are those of the GraphQL API.
//!
//! A request goes through [`pipeline`] (who calls, how long it may take, the line in the log) and past [`caller`] (who
//! may); it is read by [`path`], [`query`] and [`params`], or [`mod@body`], which refuse what is out of bounds; and it
//! is answered with JSON ([`entry`], [`summary`]) or with a problem (RFC 9457). The OpenAPI document is made of the
//! annotations that the routes are made of ([`openapi`]).

mod body;
mod body_schema;
mod caller;
mod create;
mod entry;
mod list;
mod object;
mod openapi;
mod params;
mod path;
mod pipeline;
mod query;
mod summary;
mod undo;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get};
use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::{Error, Result};
use crate::auth::Authenticator;
use crate::graphql::Services;
use crate::http::Problem;

pub use openapi::document;

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    /// What the server works with.
    pub services: Services,
    /// Turns bearer tokens into callers.
    pub authenticator: Arc<Authenticator>,
    /// How long a request may take, with the reading of its body.
    pub request_timeout: Duration,
}

/// The paths with what the document says of them. A path that one annotation names is the path that is served.
fn described() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(list::all, create::create))
        .routes(routes!(list::by_user))
        .routes(routes!(list::by_action))
        .routes(routes!(list::trash))
        .routes(routes!(summary::summary))
        .routes(routes!(object::of_table))
        .routes(routes!(object::of_any_table))
        .routes(routes!(entry::one))
        .routes(routes!(undo::undo))
}

/// The paths below `/api`.
///
/// # Errors
/// Where the OpenAPI document cannot be written.
pub fn router(state: State) -> Result<Router> {
    let (described, _) = described().split_for_parts();
    // The same by another spelling; and the history of a record whose key is `undo`.
    let also: Router<State> = Router::new()
        .route("/api/auditLog/", MethodRouter::new().get(list::all).post(create::create))
        .route("/api/auditLog/{entryId}/undo", get(object::named_undo));
    let guarded = described
        .merge(also)
        .route_layer(middleware::from_fn_with_state(state.clone(), pipeline::guard))
        .with_state(state);
    let text = Bytes::from(document()?);
    let document = get(move || async move { openapi::answer(text) });
    let all = guarded
        .route("/api/openapi.json", document)
        .route("/api", axum::routing::any(no_such_path))
        .route("/api/", axum::routing::any(no_such_path))
        .route("/api/{*rest}", axum::routing::any(no_such_path))
        .method_not_allowed_fallback(no_such_method);
    Ok(all)
}

async fn no_such_path() -> Problem {
    nothing_here()
}

fn nothing_here() -> Problem {
    Problem::new(&Error::not_found("there is nothing at this path; `/api/openapi.json` describes those there are"))
}

async fn no_such_method() -> Problem {
    let error = Error::bad_input("this path does not take this method; the header `Allow` names those that it takes");
    Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, &error)
}
