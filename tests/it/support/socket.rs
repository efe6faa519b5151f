//! A client of the server's WebSocket.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that has asked to be let in.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects, with this payload.
    pub async fn open(url: &str, payload: Value) -> Socket {
        let mut request = url.into_client_request().expect("an address");
        let protocol = "graphql-transport-ws".parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.expect("a socket");
        let mut socket = Socket(socket);
        socket.send(json!({"type": "connection_init", "payload": payload})).await;
        socket
    }

    /// Connects with a token, and subscribes.
    pub async fn subscribe(url: &str, token: &str, query: &str) -> Socket {
        let mut socket = Socket::open(url, json!({"authorization": format!("Bearer {token}")})).await;
        assert_eq!(socket.receive().await.expect("a message")["type"], "connection_ack");
        socket.send(json!({"type": "subscribe", "id": "1", "payload": {"query": query}})).await;
        socket
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The next message, or the code with which the server closed.
    pub async fn receive(&mut self) -> Result<Value, u16> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something comes") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
