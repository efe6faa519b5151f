//! Who may: a handler that takes one of these is reached by no one else.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::audit::{Error, Result};
use crate::auth::{Caller, ClientAddress};
use crate::http::Problem;

/// Someone who may read the log.
pub(super) struct Reader;

/// Someone who may record entries.
pub(super) struct Writer(pub(super) Caller);

/// Someone who may undo, and where the request came from.
pub(super) struct Admin(pub(super) Caller, pub(super) ClientAddress);

fn caller(parts: &Parts) -> Result<&Caller> {
    parts.extensions.get().ok_or_else(|| Error::internal("a handler of the REST API stands outside its guard"))
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        caller(parts)?.require_reader()?;
        Ok(Reader)
    }
}

impl<S: Sync> FromRequestParts<S> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = caller(parts)?;
        caller.require_writer()?;
        Ok(Writer(caller.clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = caller(parts)?;
        caller.require_admin()?;
        let address = parts.extensions.get().copied().unwrap_or(ClientAddress(None));
        Ok(Admin(caller.clone(), address))
    }
}
