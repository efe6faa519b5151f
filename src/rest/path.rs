//! What stands in a path, percent-decoded.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::audit::{Error, FilterLimits, Result};
use crate::http::Problem;

/// The values in a path, in their order.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(values)) => Ok(InPath(values)),
            Err(_) => Err(Error::bad_input("the path is not in UTF-8 once it is percent-decoded").into()),
        }
    }
}

/// A text that the log is asked for.
pub(super) fn askable(name: &str, text: String) -> Result<String> {
    FilterLimits::check(name, &text)?;
    Ok(text)
}
