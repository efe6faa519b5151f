//! One operation on a socket: a task of its own, so that a busy subscription starves no other.

use std::sync::Arc;

use async_graphql::{Response, ServerError};
use tokio::sync::mpsc;

use crate::http::events::{Event, Events};
use crate::http::request_log::RequestLog;

use super::outbox::Outgoing;
use super::protocol::ServerMessage;

/// What an operation's task sends through.
pub(super) struct Channel {
    /// The operation's id, as the client chose it.
    pub id: Arc<str>,
    /// Bounded: who produces too fast waits, and nobody else does.
    pub sender: mpsc::Sender<Outgoing>,
    /// The operation's line in the log.
    pub log: RequestLog,
}

impl Channel {
    async fn send(&self, message: ServerMessage<'_>, is_last: bool) {
        let outgoing = Outgoing { id: Arc::clone(&self.id), text: message.text(), is_last };
        // The socket is gone, and this task is about to be.
        let _ = self.sender.send(outgoing).await;
    }

    async fn next(&mut self, payload: &Response) {
        self.log.errors(&payload.errors);
        self.send(ServerMessage::Next { id: &self.id, payload }, false).await;
    }

    async fn refuse(mut self, errors: &[ServerError]) {
        self.log.errors(errors);
        self.log.answered();
        self.send(ServerMessage::Error { id: &self.id, payload: errors }, true).await;
    }

    async fn complete(mut self) {
        self.log.answered();
        self.send(ServerMessage::Complete { id: &self.id }, true).await;
    }
}

/// Runs an operation to its end.
pub(super) async fn run(mut events: Events, mut channel: Channel) {
    loop {
        match events.next().await {
            Some(Event::Next { response, .. }) => channel.next(&response).await,
            Some(Event::Refused(errors)) => return channel.refuse(&errors).await,
            None => return channel.complete().await,
        }
    }
}
