//! What is read of every request, whatever API it is for: who calls, from where, and the body.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest as _, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use crate::audit::{Code, Error};
use crate::auth::{Authenticator, Caller, ClientAddress};

use super::negotiate;

/// The address of the connection that a request came by.
pub(crate) fn client_address(request: &Request) -> ClientAddress {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // A socket for both protocols reports an IPv4 client as `::ffff:10.0.0.7`.
    ClientAddress(info.map(|ConnectInfo(address)| address.ip().to_canonical()))
}

/// The caller that the Authorization header names.
pub(crate) fn authenticate(authenticator: &Authenticator, headers: &HeaderMap) -> Result<Caller, Error> {
    let value = headers
        .get(AUTHORIZATION)
        .ok_or_else(|| unauthenticated("send a token in the header `Authorization: Bearer …`"))?;
    let value = value.to_str().map_err(|_| unauthenticated("the header `Authorization` is no text"))?;
    authenticator.authenticate(bearer(value)?)
}

/// The token of `Bearer …`.
pub(super) fn bearer(value: &str) -> Result<&str, Error> {
    match value.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(unauthenticated("the authorization must have the form `Bearer …`")),
    }
}

fn unauthenticated(message: &str) -> Error {
    Error::new(Code::Unauthenticated, message)
}

/// The text of a POST's body, or why it is not read, with the status that says so.
pub(crate) async fn body(request: Request) -> Result<String, (StatusCode, Error)> {
    if !negotiate::is_json(request.headers()) {
        let error = Error::bad_input("the body must be JSON in UTF-8, with `Content-Type: application/json`");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let bytes = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            (StatusCode::PAYLOAD_TOO_LARGE, Error::bad_input("the body is larger than this server takes"))
        }
        _ => (StatusCode::BAD_REQUEST, Error::bad_input("the body cannot be read to its end")),
    })?;
    String::from_utf8(bytes.into()).map_err(|_| (StatusCode::BAD_REQUEST, Error::bad_input("the body is not in UTF-8")))
}
