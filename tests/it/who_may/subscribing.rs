//! Subscriptions come over a WebSocket, so that these tests need a server with a port.

use std::time::Duration;

use afterimage::auth::Role;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{Api, both};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(url: &str, payload: Value) -> Socket {
        let mut request = url.into_client_request().expect("an address");
        let protocol = "graphql-transport-ws".parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.expect("a socket");
        let mut socket = Socket(socket);
        socket.send(json!({"type": "connection_init", "payload": payload})).await;
        socket
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The next message, or the code with which the server closed.
    async fn receive(&mut self) -> Result<Value, u16> {
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

both! {
    async fn who_may_read_may_subscribe(world: World) {
        let api = Api::start(&world).await;
        let (token, writer) = (api.token(&[Role::Auditor]), api.token(&[Role::Writer]));
        let url = format!("ws://{}/graphql", api.server.address().unwrap());
        tokio::spawn(api.server.serve(std::future::pending()));
        let subscribe = |id: &str| json!({"type": "subscribe", "id": id, "payload": {
            "query": "subscription { auditLogAdded(filter: {recordId: \"x\"}) { auditLog { recordId } } }"}});

        let mut refused = Socket::open(&url, json!({"authorization": format!("Bearer {writer}")})).await;
        assert_eq!(refused.receive().await.unwrap()["type"], "connection_ack");
        refused.send(subscribe("1")).await;
        let answer = refused.receive().await.unwrap();
        assert!(answer.to_string().contains("FORBIDDEN"), "{answer}");

        for payload in [json!({}), json!({"authorization": "Bearer x"})] {
            assert_eq!(Socket::open(&url, payload).await.receive().await, Err(4403));
        }

        let mut socket = Socket::open(&url, json!({"Authorization": format!("Bearer {token}")})).await;
        assert_eq!(socket.receive().await.unwrap()["type"], "connection_ack");
        socket.send(subscribe("1")).await;
        // Nothing tells when the subscription has begun: entries keep coming until it hears of one.
        let heard = loop {
            world.insert("action, table_name, record_id", "('READ', 't', 'x')").await;
            if let Ok(message) = timeout(Duration::from_millis(200), socket.receive()).await {
                break message.unwrap();
            }
        };
        assert_eq!(heard["payload"], json!({"data": {"auditLogAdded": {"auditLog": {"recordId": "x"}}}}));
    }
}
