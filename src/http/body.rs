//! The body of a request, whatever API it is for.

use axum::body::{Bytes, HttpBody as _};
use axum::extract::{FromRequest as _, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_ENCODING;

use crate::audit::Error;

use super::negotiate;

/// How many bytes a body may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimit(pub(super) usize);

/// The text of a POST's body, or why it is not read, with the status that says so.
pub(crate) async fn body(request: Request) -> Result<String, (StatusCode, Error)> {
    if !negotiate::is_json(request.headers()) {
        let error = Error::bad_input("the body must be JSON in UTF-8, with `Content-Type: application/json`");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    if request
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let error = Error::bad_input("compressed bodies are not taken: send it as it is, without `Content-Encoding`");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, Error::bad_input("the body is larger than this server takes"));
    // One whose length is told is not waited for; any other is counted while it comes.
    let limit = request.extensions().get::<BodyLimit>().map(|limit| limit.0 as u64);
    if limit.is_some_and(|limit| request.body().size_hint().lower() > limit) {
        return Err(too_large());
    }
    let bytes = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => (StatusCode::BAD_REQUEST, Error::bad_input("the body cannot be read to its end")),
    })?;
    String::from_utf8(bytes.into()).map_err(|_| (StatusCode::BAD_REQUEST, Error::bad_input("the body is not in UTF-8")))
}
