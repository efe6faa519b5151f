//! The bearer token of a request, and what is said where it is missing or no good (RFC 6750).

use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use chrono::Utc;
use tokio::time::Instant;

use crate::audit::{Code, Error};
use crate::auth::{Authenticator, Caller};

/// Why a caller is not known.
#[derive(Debug)]
pub(crate) struct Unknown {
    /// The sentence for the client.
    pub error: Error,
    /// Whether there was a token, and it is the token that is no good.
    pub had_token: bool,
}

impl Unknown {
    fn no_token(message: &str) -> Self {
        Unknown { error: Error::new(Code::Unauthenticated, message), had_token: false }
    }

    /// The value of the answer's `WWW-Authenticate`.
    pub(crate) fn challenge(&self) -> HeaderValue {
        const PLAIN: HeaderValue = HeaderValue::from_static("Bearer");
        if !self.had_token {
            return PLAIN;
        }
        // A description takes the printable characters of ASCII, without quotes and backslashes.
        let is_plain = |character: &char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
        let description: String = self.error.message().chars().filter(is_plain).collect();
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{description}\"");
        HeaderValue::try_from(challenge).unwrap_or(PLAIN)
    }
}

/// The caller that the Authorization header names.
pub(crate) fn of_headers(authenticator: &Authenticator, headers: &HeaderMap) -> Result<Caller, Unknown> {
    let value = headers
        .get(AUTHORIZATION)
        .ok_or_else(|| Unknown::no_token("send a token in the header `Authorization: Bearer …`"))?;
    let value = value.to_str().map_err(|_| Unknown::no_token("the header `Authorization` is no text"))?;
    of_value(authenticator, value)
}

/// The caller that `Bearer …` names.
pub(super) fn of_value(authenticator: &Authenticator, value: &str) -> Result<Caller, Unknown> {
    match value.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            authenticator.authenticate(token.trim()).map_err(|error| Unknown { error, had_token: true })
        }
        _ => Err(Unknown::no_token("the authorization must have the form `Bearer …`")),
    }
}

/// When the caller's token ends, and with it what stays open for them.
pub(super) fn end_of(caller: &Caller) -> Instant {
    // A token that has expired by now leaves no time.
    let left = (caller.expires_at - Utc::now()).to_std().unwrap_or_default();
    Instant::now() + left
}

/// What a client is told whose token ends while something is open for them.
pub(super) const EXPIRED: &str = "the token has expired";
