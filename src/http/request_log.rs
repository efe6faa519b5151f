//! One line in the server's log for each operation, which can be read alone.

use std::borrow::Cow;
use std::time::Instant;

use async_graphql::ServerError;
use async_graphql::parser::types::OperationType;

use super::failure;

/// Names longer than this are cut.
const MAX_NAME: usize = 100;

/// What is known of a request so far; the line is written when this is dropped, so that a request whose client went
/// away has one too. Variables, tokens and values have no place in it.
#[derive(Debug)]
pub(crate) struct RequestLog {
    transport: &'static str,
    began: Instant,
    name: Option<String>,
    kind: Option<OperationType>,
    user: Option<String>,
    status: Option<Cow<'static, str>>,
    codes: Vec<String>,
}

impl RequestLog {
    /// A request began on this transport.
    pub(crate) fn begin(transport: &'static str) -> Self {
        let began = Instant::now();
        RequestLog { transport, began, name: None, kind: None, user: None, status: None, codes: Vec::new() }
    }

    /// The answer is told by another transport than it seemed at first.
    pub(super) fn transport(&mut self, transport: &'static str) {
        self.transport = transport;
    }

    /// The caller is known.
    pub(crate) fn caller(&mut self, user_id: &str) {
        self.user = Some(user_id.chars().take(MAX_NAME).collect());
    }

    /// The operation is known.
    pub(crate) fn operation(&mut self, kind: OperationType, name: Option<&str>) {
        self.kind = Some(kind);
        self.name = name.map(|name| name.chars().take(MAX_NAME).collect());
    }

    /// Errors that the client was told of.
    pub(crate) fn errors(&mut self, errors: &[ServerError]) {
        self.codes.extend(failure::codes(errors));
        self.codes.sort_unstable();
        self.codes.dedup();
    }

    /// A code that the client was told.
    pub(crate) fn code(&mut self, code: &str) {
        self.codes.push(code.to_owned());
    }

    /// The request was answered with this HTTP status.
    pub(crate) fn status(&mut self, status: u16) {
        self.status = Some(status.to_string().into());
    }

    /// The request was answered on a socket, where nothing has a status of its own; or is being answered until the
    /// client has seen enough.
    pub(crate) fn answered(&mut self) {
        self.status = Some("answered".into());
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        let kind = match self.kind {
            Some(OperationType::Query) => "query",
            Some(OperationType::Mutation) => "mutation",
            Some(OperationType::Subscription) => "subscription",
            None => "-",
        };
        tracing::info!(
            transport = self.transport,
            operation = self.name.as_deref().unwrap_or("-"),
            kind,
            user = self.user.as_deref().unwrap_or("-"),
            status = self.status.as_deref().unwrap_or("abandoned"),
            errors = self.codes.join(","),
            ms = self.began.elapsed().as_millis() as u64,
            "request"
        );
    }
}
