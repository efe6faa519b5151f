//! HTTP/2 without TLS, by prior knowledge.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _, future};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::ext::Protocol;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, protocol};

use super::socket::Server;
use super::world::World;

async fn connect(server: &Server) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn post(world: &World, accept: &str, query: &str) -> Request<Full<Bytes>> {
    Request::post("http://localhost/graphql")
        .header("authorization", world.bearer(60))
        .header("content-type", "application/json")
        .header("accept", accept)
        .body(json!({ "query": query }).to_string().into())
        .unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    assert_eq!((response.version(), response.status()), (Version::HTTP_2, StatusCode::OK));
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

async fn piece(response: &mut Response<Incoming>) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(30), response.body_mut().frame()).await.unwrap()?;
    // The end may come as a frame of its own, without data.
    let data = frame.unwrap().into_data().ok().filter(|data| !data.is_empty())?;
    Some(String::from_utf8(data.into()).unwrap())
}

#[tokio::test]
async fn many_operations_share_one_connection() {
    let world = World::with(|settings| settings.request_timeout = Duration::from_secs(30));
    let server = Server::start(&world).await;
    let mut client = connect(&server).await;
    // Streams that stay open, one of which nobody reads, are in nobody's way.
    let mut open = client.send_request(post(&world, "text/event-stream", "subscription { forever }")).await.unwrap();
    let _flood = client.send_request(post(&world, "text/event-stream", "subscription { flood }")).await.unwrap();
    let answers = (0..50).map(|number| {
        let query = format!("{{ int(value: {number}) caller }}");
        let request = client.send_request(post(&world, "application/json", &query));
        async move { (number, text(request.await.unwrap()).await) }
    });
    for (number, text) in future::join_all(answers).await {
        assert_eq!(text, format!(r#"{{"data":{{"int":{number},"caller":"42 from Some(127.0.0.1)"}}}}"#));
    }
    assert_eq!(piece(&mut open).await.unwrap(), ":\n\n");
    assert!(piece(&mut open).await.unwrap().contains("\"forever\":1"));
}

#[tokio::test]
async fn a_server_that_stops_ends_its_event_streams() {
    let world = World::new();
    let server = Server::start(&world).await;
    let mut client = connect(&server).await;
    let mut open = client.send_request(post(&world, "text/event-stream", "subscription { forever }")).await.unwrap();
    piece(&mut open).await.unwrap();
    piece(&mut open).await.unwrap();
    server.stop.send(()).unwrap();
    assert_eq!(piece(&mut open).await, None);
    server.task.await.unwrap();
}

#[tokio::test]
async fn a_foreign_authority_is_refused() {
    let world = World::new();
    let mut client = connect(&Server::start(&world).await).await;
    let mut request = post(&world, "*/*", "{ caller }");
    *request.uri_mut() = "http://evil.example/graphql".parse().unwrap();
    assert_eq!(client.send_request(request).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn a_websocket_opens_by_an_extended_connect() {
    let world = World::new();
    let server = Server::start(&world).await;
    let mut client = connect(&server).await;
    // The server's settings, which allow it, come before its first answer.
    text(client.send_request(post(&world, "*/*", "{ caller }")).await.unwrap()).await;
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://localhost/graphql")
        .version(Version::HTTP_2)
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "graphql-transport-ws")
        .extension(Protocol::from_static("websocket"));
    let response = client.send_request(request.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
    let upgraded = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let mut socket = WebSocketStream::from_raw_socket(upgraded, protocol::Role::Client, None).await;
    let init = json!({ "type": "connection_init", "payload": { "authorization": world.bearer(60) } });
    socket.send(Message::text(init.to_string())).await.unwrap();
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ int(value: 7) }" } });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    for expected in ["connection_ack", "{\"int\":7}", "complete"] {
        let message = socket.next().await.unwrap().unwrap();
        assert!(message.to_text().unwrap().contains(expected), "{message}");
    }
}
