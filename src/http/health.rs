//! Whether the process lives, and whether it can serve.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::audit::Error;

/// Whether what the server depends on can be used now.
pub trait Health: Send + Sync {
    /// Sentences about what works and yet is not as it should be.
    ///
    /// # Errors
    /// Where no request could be served.
    fn ready(&self) -> BoxFuture<'_, Result<Vec<String>, Error>>;
}

/// `/healthz`: the process answers. It asks no database, so that a database's fault restarts no server.
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// `/readyz`: requests can be served.
pub(super) async fn ready(State(health): State<Arc<dyn Health>>) -> Response {
    match health.ready().await {
        Ok(warnings) => Json(json!({ "status": "ready", "warnings": warnings })).into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let body = json!({ "status": "unavailable", "reason": error.message() });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
