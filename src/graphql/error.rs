//! Failures as clients see them: `extensions.code` is set here and nowhere else.

use async_graphql::ErrorExtensions;

use crate::audit;
use crate::audit::Code;

/// A failure on its way to a client. It shows nothing but the sentence and the code that are meant for clients: the
/// cause goes to the server's log, under an id that the client can quote.
#[derive(Clone, Debug)]
pub struct ApiError(async_graphql::Error);

/// The result of a resolver.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

impl From<audit::Error> for ApiError {
    fn from(error: audit::Error) -> Self {
        let code = error.code().as_str();
        ApiError(async_graphql::Error::new(told(&error)).extend_with(|_, extensions| extensions.set("code", code)))
    }
}

/// What a client is told of a failure. The server's log is told the rest.
pub(crate) fn told(error: &audit::Error) -> String {
    match error.code() {
        Code::Internal => {
            let id = incident();
            tracing::error!(incident = id, %error, "internal error");
            return format!("an internal error occurred; the server's log has it as {id}");
        }
        Code::Unavailable => tracing::warn!(%error, "unavailable"),
        Code::Forbidden => tracing::info!(%error, "forbidden"),
        _ => tracing::debug!(%error, "refused"),
    }
    error.message().to_owned()
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        error.0
    }
}

/// An id that a client can quote and an operator can search for.
fn incident() -> String {
    let mut bytes = [0u8; 6];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        // Without random bytes the time tells incidents apart well enough.
        Err(_) => format!("{:x}", chrono::Utc::now().timestamp_micros()),
    }
}
