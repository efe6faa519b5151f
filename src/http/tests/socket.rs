//! Operations over a WebSocket.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::world::World;
use crate::http::{router, serve};

/// A server on a port of its own.
pub struct Server {
    pub url: String,
    pub stop: oneshot::Sender<()>,
    pub task: JoinHandle<()>,
}

impl Server {
    pub async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/graphql", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            // A test that only wants the address lets go of the rest.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let router = router(world.state.clone(), axum::Router::new());
        let task = tokio::spawn(serve(listener, router, world.state.settings.connections, shutdown));
        Server { url, stop, task }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("ws://").trim_end_matches("/graphql")
    }
}

/// A client that sees the raw messages.
pub struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub async fn connect(server: &Server, protocol: &str) -> Self {
        let mut request = server.url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        let (socket, response) = connect_async(request).await.unwrap();
        assert_eq!(response.status(), 101);
        Client(socket)
    }

    /// Connects and introduces itself.
    pub async fn open(server: &Server, bearer: &str) -> Self {
        let mut client = Client::connect(server, "graphql-transport-ws").await;
        client.send(json!({ "type": "connection_init", "payload": { "Authorization": bearer } })).await;
        assert_eq!(client.receive().await, json!({ "type": "connection_ack" }));
        client
    }

    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Sends a frame as it is: its first byte, its length as told, and a part of its content.
    pub async fn send_frame(&mut self, first: u8, length: u64, content: &[u8]) {
        let MaybeTlsStream::Plain(stream) = self.0.get_mut() else { panic!("no plain connection") };
        let mut frame = vec![first, 0x80 | 127];
        frame.extend(length.to_be_bytes());
        // A mask of zeros changes nothing.
        frame.extend([0; 4]);
        frame.extend(content);
        stream.write_all(&frame).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    async fn next(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(5), self.0.next()).await.unwrap();
            match message.unwrap().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    pub async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.receive_text().await).unwrap()
    }

    pub async fn receive_text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            message => panic!("{message:?} is no text"),
        }
    }

    /// The close frame, after whatever comes before it.
    pub async fn close(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Text(_) => {}
                message => panic!("{message:?} is no close with a code"),
            }
        }
    }
}

#[tokio::test]
async fn a_subscription_delivers_its_events_and_completes() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("a", "subscription { count(to: 2) }").await;
    for count in [1, 2] {
        let event = json!({ "type": "next", "id": "a", "payload": { "data": { "count": count } } });
        assert_eq!(client.receive().await, event);
    }
    assert_eq!(client.receive().await, json!({ "type": "complete", "id": "a" }));
}

#[tokio::test]
async fn queries_and_mutations_work_too_and_keep_digits() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client
        .send_text(
            r#"{"type":"subscribe","id":"q","payload":{"query":"query ($v: Anything!) { echo(value: $v) caller }",
                "variables":{"v":[1.10,1e400]}}}"#,
        )
        .await;
    let data = r#"{"data":{"echo":[1.10,1e400],"caller":"42 from Some(127.0.0.1)"}}"#;
    assert_eq!(client.receive_text().await, format!(r#"{{"type":"next","id":"q","payload":{data}}}"#));
    assert_eq!(client.receive().await["type"], "complete");
    client.subscribe("q", "mutation { touch }").await;
    assert_eq!(client.receive().await["payload"]["data"]["touch"], 1);
}

#[tokio::test]
async fn what_is_refused_is_one_error_message_with_a_code() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { count(to: \"x\") }", "BAD_USER_INPUT"),
        ("{ echo(value: 1.10) }", "BAD_USER_INPUT"),
        ("subscription { forbidden }", "FORBIDDEN"),
        ("{ never }", "UNAVAILABLE"),
        ("{ panics }", "INTERNAL_SERVER_ERROR"),
    ] {
        client.subscribe("x", query).await;
        let message = client.receive().await;
        assert_eq!((message["type"].as_str(), message["id"].as_str()), (Some("error"), Some("x")), "{query}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}");
    }
    client
        .send(
            json!({ "type": "subscribe", "id": "x", "payload": { "query": "{ caller }", "variables": { "v": "\0" } } }),
        )
        .await;
    assert_eq!(client.receive().await["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_subscription_that_breaks_tells_a_code_and_nothing_more() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("a", "subscription { breaks }").await;
    assert_eq!(client.receive().await["payload"]["data"]["breaks"], 1);
    let message = client.receive().await;
    assert_eq!(message["payload"]["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{message}");
    assert!(!message.to_string().contains("secrets"), "{message}");
    assert_eq!(client.receive().await["type"], "complete");
}

#[tokio::test]
async fn a_ping_comes_back_with_its_payload() {
    let world = World::new();
    let mut client = Client::connect(&Server::start(&world).await, "graphql-transport-ws").await;
    client.send_text(r#"{"type":"ping","payload":{"n":1.10}}"#).await;
    assert_eq!(client.receive_text().await, r#"{"type":"pong","payload":{"n":1.10}}"#);
    client.send_text(r#"{"type":"ping"}"#).await;
    assert_eq!(client.receive_text().await, r#"{"type":"pong"}"#);
}

#[tokio::test]
async fn what_the_client_completes_ends_in_silence_and_frees_its_id() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("a", "subscription { forever }").await;
    assert_eq!(client.receive().await["type"], "next");
    client.send(json!({ "type": "complete", "id": "a" })).await;
    client.subscribe("a", "{ caller }").await;
    assert!(client.receive().await["payload"]["data"]["caller"].is_string());
    assert_eq!(client.receive().await["type"], "complete");
}

#[tokio::test]
async fn a_busy_subscription_starves_no_other_operation() {
    let world = World::with(|settings| settings.request_timeout = Duration::from_secs(5));
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("flood", "subscription { flood }").await;
    client.subscribe("q", "{ caller }").await;
    while client.receive().await["id"] != "q" {}
}

#[tokio::test]
async fn operations_beyond_the_limit_are_refused() {
    let world = World::with(|settings| settings.max_operations_per_socket = 2);
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    for id in ["a", "b"] {
        client.subscribe(id, "subscription { forever }").await;
        assert_eq!(client.receive().await["type"], "next");
    }
    client.subscribe("c", "{ caller }").await;
    assert_eq!(client.receive().await["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    client.send(json!({ "type": "complete", "id": "a" })).await;
    client.subscribe("c", "{ caller }").await;
    assert_eq!(client.receive().await["type"], "next");
}
