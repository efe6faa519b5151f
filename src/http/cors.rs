//! Cross-origin requests: pages of the origins that are named may read answers. Without any, no header speaks of it,
//! and browsers keep answers from pages of other origins.

use std::time::Duration;

use axum::http::Method;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LINK, LOCATION, WWW_AUTHENTICATE,
};
use tower_http::cors::CorsLayer;

use crate::config::Origin;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How long a browser may remember what was allowed.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Tells browsers whose pages may ask and read. Tokens are sent by the page and not by the browser, so there is no need
/// for credentials.
pub(super) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        origins.iter().filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok()).collect();
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, LAST_EVENT_ID])
            .expose_headers([LINK, LOCATION, WWW_AUTHENTICATE])
            .max_age(MAX_AGE)
    })
}
