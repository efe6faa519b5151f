//! A subscriber over a WebSocket that does as little as a client can, so that it is the server that is measured.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::server::Server;

/// What every subscriber asks of an entry.
pub const FIELDS: &str = "cursor auditLog { id timestamp action tableName recordId userId newValues }";

/// Bytes that the system keeps of what a narrow subscriber does not read.
const NARROW: u32 = 4_096;

/// One socket with one subscription.
pub struct Subscriber(WebSocketStream<TcpStream>);

impl Subscriber {
    /// Connects, introduces itself and subscribes. What commits from now on may not yet be told: see [`Subscriber::ready`].
    pub async fn open(server: &Server, variables: Value) -> Subscriber {
        let stream = TcpStream::connect(&server.address).await.expect("the server listens");
        Subscriber::over(stream, server, variables).await
    }

    /// The same, with so little room in the system for what is not read that the server soon notices.
    pub async fn open_narrow(server: &Server, variables: Value) -> Subscriber {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(NARROW).expect("an option of the socket");
        let address = server.address.parse().expect("an address");
        let stream = socket.connect(address).await.expect("the server listens");
        Subscriber::over(stream, server, variables).await
    }

    async fn over(stream: TcpStream, server: &Server, variables: Value) -> Subscriber {
        stream.set_nodelay(true).expect("an option of the socket");
        let mut request = format!("ws://{}/graphql", server.address).into_client_request().expect("an address");
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a header"));
        let config = WebSocketConfig::default().read_buffer_size(4_096).write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await.expect("a WebSocket");
        let mut subscriber = Subscriber(socket);
        let authorization = format!("Bearer {}", server.token);
        subscriber.say(json!({"type": "connection_init", "payload": {"authorization": authorization}})).await;
        assert!(subscriber.hear().await.expect("an answer").contains("connection_ack"));
        let query = format!(
            "subscription($filter: AuditLogFilter, $after: String, $positions: Boolean! = false) \
             {{ auditLogAdded(filter: $filter, after: $after, positions: $positions) {{ {FIELDS} }} }}"
        );
        let payload = json!({"query": query, "variables": variables});
        subscriber.say(json!({"type": "subscribe", "id": "1", "payload": payload})).await;
        subscriber
    }

    /// Waits until the subscription has begun: it was asked for positions, and the first comes at once.
    pub async fn ready(&mut self) {
        let first = self.hear().await.expect("a position");
        assert!(first.contains(r#""auditLog":null"#), "{first}");
    }

    /// The next message; none when the server has closed the socket.
    pub async fn hear(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The key of the next entry; none when the server has closed the socket.
    pub async fn entry(&mut self) -> Option<usize> {
        loop {
            let message = self.hear().await?;
            let Some((_, rest)) = message.split_once(r#""recordId":""#) else {
                assert!(message.contains(r#""auditLog":null"#), "{message}");
                continue;
            };
            return Some(rest.split('"').next().and_then(|key| key.parse().ok()).expect("a number"));
        }
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("the server reads");
    }
}
