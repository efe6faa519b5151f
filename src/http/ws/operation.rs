//! One operation on a socket: a task of its own, so that a busy subscription starves no other.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Request, Response, ServerError, Value};
use futures_util::stream::{BoxStream, Peekable};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;

use crate::http::failure;
use crate::http::operation::{self, TimeLimit};
use crate::http::request_log::RequestLog;

use super::protocol::ServerMessage;

/// A message of an operation on its way to the socket.
pub(super) struct Outgoing {
    /// The operation's id, as the client chose it.
    pub id: Arc<str>,
    /// Tells operations apart that had the same id, one after the other.
    pub serial: u64,
    /// The message.
    pub text: String,
    /// Whether it is the operation's last.
    pub is_last: bool,
}

/// What an operation's task sends through.
pub(super) struct Channel {
    /// The operation's id, as the client chose it.
    pub id: Arc<str>,
    /// The operation's serial number.
    pub serial: u64,
    /// All operations of a socket share one bounded channel: whoever produces too fast waits.
    pub sender: mpsc::Sender<Outgoing>,
    /// The operation's line in the log.
    pub log: RequestLog,
}

impl Channel {
    async fn send(&self, text: String, is_last: bool) {
        let outgoing = Outgoing { id: Arc::clone(&self.id), serial: self.serial, text, is_last };
        // The socket is gone, and this task is about to be.
        let _ = self.sender.send(outgoing).await;
    }

    async fn next(&mut self, payload: &Response) {
        self.log.errors(&payload.errors);
        let text = ServerMessage::Next { id: &self.id, payload }.text();
        self.send(text, false).await;
    }

    /// The operation is refused; this is its last message.
    pub(super) async fn refuse(mut self, errors: &[ServerError]) {
        self.log.errors(errors);
        self.log.answered();
        let text = ServerMessage::Error { id: &self.id, payload: errors }.text();
        self.send(text, true).await;
    }

    async fn complete(mut self) {
        self.log.answered();
        let text = ServerMessage::Complete { id: &self.id }.text();
        self.send(text, true).await;
    }
}

/// Runs an operation to its end.
pub(super) async fn run<E: Executor>(
    executor: E,
    request: Request,
    kind: OperationType,
    time_limit: TimeLimit,
    mut channel: Channel,
) {
    if kind != OperationType::Subscription {
        let response = operation::execute(&executor, request, time_limit).await;
        if failure::is_refused(&response) {
            return channel.refuse(&response.errors).await;
        }
        channel.next(&response).await;
        return channel.complete().await;
    }
    channel.log.answered();
    let mut stream = executor.execute_stream(request, None).peekable();
    let mut is_first = true;
    loop {
        match AssertUnwindSafe(pull(&mut stream, is_first)).catch_unwind().await {
            Ok(Pulled::Event(response)) => channel.next(&response).await,
            Ok(Pulled::Refusal(errors)) => return channel.refuse(&errors).await,
            Ok(Pulled::End) => return channel.complete().await,
            Err(_) => {
                let error = failure::to_graphql(&operation::panicked());
                return channel.refuse(&[error]).await;
            }
        }
        is_first = false;
    }
}

/// What comes next out of a subscription.
enum Pulled {
    Event(Response),
    Refusal(Vec<ServerError>),
    End,
}

async fn pull(stream: &mut Peekable<BoxStream<'static, Response>>, is_first: bool) -> Pulled {
    let Some(response) = stream.next().await else { return Pulled::End };
    let response = failure::settle(response);
    let has_failed = response.data == Value::Null && !response.errors.is_empty();
    // Where the subscription never began, by its document or because the resolver refused it, the stream ends with
    // that. Events that fail are followed by others, or at least by waiting for them.
    let is_refusal = is_first
        && has_failed
        && (failure::is_refused(&response)
            || Pin::new(stream).peek().now_or_never().is_some_and(|next| next.is_none()));
    if is_refusal { Pulled::Refusal(response.errors) } else { Pulled::Event(response) }
}
