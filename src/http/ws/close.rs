//! Why the server closes a socket, and how.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::StreamExt as _;
use futures_util::stream::{SplitSink, SplitStream};
use tungstenite::error::ProtocolError;

use crate::http::bearer;

use super::outbox::Outbox;

/// How much of a reason fits into a control frame (RFC 6455, 5.5, less the two bytes of the code).
const MAX_REASON: usize = 123;

/// How long the peer gets to answer a close.
const PATIENCE: Duration = Duration::from_secs(1);

/// A close code with its reason.
#[derive(Debug)]
pub(super) struct Close {
    code: u16,
    reason: Cow<'static, str>,
}

impl Close {
    pub(super) const GOING_AWAY: Close = Close::fixed(1001, "the server is shutting down");
    const BROKEN_PROTOCOL: Close = Close::fixed(1002, "the frames are none of WebSocket's");
    const NO_TEXT: Close = Close::fixed(1007, "a message of text is not UTF-8");
    const TOO_BIG: Close = Close::fixed(1009, "the message is larger than this server takes");
    pub(super) const UNAUTHORIZED: Close = Close::fixed(4401, "Unauthorized");
    pub(super) const TOKEN_EXPIRED: Close = Close::fixed(4403, bearer::EXPIRED);
    pub(super) const UNKNOWN_PROTOCOL: Close =
        Close::fixed(4406, "Subprotocol not acceptable; this server speaks graphql-transport-ws");
    pub(super) const INIT_TIMEOUT: Close = Close::fixed(4408, "Connection initialisation timeout");
    pub(super) const SECOND_INIT: Close = Close::fixed(4429, "Too many initialisation requests");

    /// What is said to a peer of which no more can be read; nothing where it is gone.
    pub(super) fn after(error: axum::Error) -> Option<Self> {
        match *error.into_inner().downcast::<tungstenite::Error>().ok()? {
            tungstenite::Error::Capacity(_) => Some(Close::TOO_BIG),
            tungstenite::Error::Utf8(_) => Some(Close::NO_TEXT),
            tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            tungstenite::Error::Protocol(_) => Some(Close::BROKEN_PROTOCOL),
            _ => None,
        }
    }

    /// A message is not one of the protocol.
    pub(super) fn bad_message(reason: impl Into<Cow<'static, str>>) -> Self {
        Close { code: 4400, reason: reason.into() }
    }

    /// The caller was refused.
    pub(super) fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Close { code: 4403, reason: reason.into() }
    }

    /// The id is that of an operation that still runs.
    pub(super) fn subscriber_exists(id: &str) -> Self {
        Close { code: 4409, reason: format!("Subscriber for {id} already exists").into() }
    }

    const fn fixed(code: u16, reason: &'static str) -> Self {
        Close { code, reason: Cow::Borrowed(reason) }
    }

    /// Sends the close frame and waits a moment for the peer's: a connection that is dropped with unread input is
    /// reset, and the peer may then never see the code.
    pub(super) async fn send(self, outbox: Outbox<SplitSink<WebSocket, Message>>, mut inbox: SplitStream<WebSocket>) {
        let frame = CloseFrame { code: self.code, reason: cut(&self.reason).into() };
        let farewell = async {
            if outbox.end(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = inbox.next().await {}
            }
        };
        // Whether the peer answered makes no difference: the connection ends here.
        let _ = tokio::time::timeout(PATIENCE, farewell).await;
    }
}

fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_REASON)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_into_a_control_frame_and_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"a".repeat(200)).len(), 123);
        assert_eq!(cut(&"ü".repeat(100)).len(), 122);
    }
}
