//! How WebSockets end.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::socket::{Client, Server};
use super::world::World;

const PROTOCOL: &str = "graphql-transport-ws";

#[tokio::test]
async fn a_message_that_is_none_of_the_protocol_closes_with_4400() {
    let world = World::new();
    let server = Server::start(&world).await;
    let unknown = format!(r#"{{"type":"{}"}}"#, "x".repeat(500));
    for text in ["hello", "{}", &unknown, r#"{"type":"subscribe","payload":{"query":"{ caller }"}}"#] {
        let mut client = Client::open(&server, &world.bearer(60)).await;
        client.send_text(text).await;
        assert_eq!(client.close().await.0, 4400, "{text}");
    }
}

#[tokio::test]
async fn an_operation_before_the_introduction_closes_with_4401() {
    let world = World::new();
    let mut client = Client::connect(&Server::start(&world).await, PROTOCOL).await;
    client.subscribe("a", "{ caller }").await;
    assert_eq!(client.close().await, (4401, "Unauthorized".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_missing_or_not_valid_closes_with_4403() {
    let world = World::new();
    let server = Server::start(&world).await;
    let payloads = [
        json!({}),
        json!({ "authorization": "Bearer x.y.z" }),
        json!({ "authorization": world.bearer(-1) }),
        json!({ "authorization": "x" }),
        json!({ "headers": { "authorization": world.bearer(60) } }),
    ];
    for payload in payloads {
        let mut client = Client::connect(&server, PROTOCOL).await;
        client.send(json!({ "type": "connection_init", "payload": payload })).await;
        let (code, reason) = client.close().await;
        assert_eq!(code, 4403);
        assert!(!reason.is_empty());
    }
}

#[tokio::test]
async fn another_sub_protocol_closes_with_4406() {
    let world = World::new();
    let server = Server::start(&world).await;
    // A client that asks for a sub-protocol and is given none would refuse the handshake, so this one asks for none.
    let (mut socket, _) = tokio_tungstenite::connect_async(server.url.as_str()).await.unwrap();
    let message = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    let tokio_tungstenite::tungstenite::Message::Close(Some(frame)) = message else { panic!("{message:?}") };
    assert_eq!(u16::from(frame.code), 4406);
}

#[tokio::test]
async fn silence_instead_of_an_introduction_closes_with_4408() {
    let world = World::with(|settings| settings.init_timeout = Duration::from_millis(50));
    let mut client = Client::connect(&Server::start(&world).await, PROTOCOL).await;
    assert_eq!(client.close().await.0, 4408);
}

#[tokio::test]
async fn an_id_that_is_taken_closes_with_4409() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    let id = "i".repeat(200);
    client.subscribe(&id, "subscription { forever }").await;
    client.subscribe(&id, "subscription { forever }").await;
    let (code, reason) = client.close().await;
    assert_eq!((code, reason.len()), (4409, 123));
}

#[tokio::test]
async fn a_second_introduction_closes_with_4429() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.send(json!({ "type": "connection_init" })).await;
    assert_eq!(client.close().await.0, 4429);
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.send_text(&" ".repeat(10_001)).await;
    assert_eq!(client.close().await.0, 1009);
}

#[tokio::test]
async fn a_message_far_over_the_limit_closes_with_1009_before_it_is_there() {
    let world = World::new();
    let server = Server::start(&world).await;
    for (length, content) in [(1 << 40, 0), (1 << 40, 100_000), (10_001, 10_001), (3_000_000, 3_000_000)] {
        let mut client = Client::open(&server, &world.bearer(60)).await;
        client.send_frame(0x81, length, &vec![b' '; content]).await;
        assert_eq!(client.close().await.0, 1009, "{length}");
    }
    // In pieces, each of which is small enough.
    let mut client = Client::open(&server, &world.bearer(60)).await;
    client.send_frame(0x01, 6_000, &[b' '; 6_000]).await;
    client.send_frame(0x80, 6_000, &[b' '; 6_000]).await;
    assert_eq!(client.close().await.0, 1009);
}

#[tokio::test]
async fn text_that_is_none_closes_with_1007() {
    let world = World::new();
    let server = Server::start(&world).await;
    for bytes in [&b"{\"type\":\"\xff\"}"[..], b"\xc3", b"\xed\xa0\x80"] {
        let mut client = Client::open(&server, &world.bearer(60)).await;
        client.send_frame(0x81, bytes.len() as u64, bytes).await;
        assert_eq!(client.close().await.0, 1007, "{bytes:?}");
    }
}

#[tokio::test]
async fn frames_that_break_the_protocol_close_with_1002() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    // An opcode that means nothing.
    client.send_frame(0x83, 2, b"{}").await;
    assert_eq!(client.close().await.0, 1002);
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(2)).await;
    client.subscribe("a", "subscription { forever }").await;
    assert_eq!(client.close().await, (4403, "the token has expired".to_owned()));
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_dropped() {
    let world = World::with(|settings| settings.ping_interval = Duration::from_millis(50));
    let server = Server::start(&world).await;
    let client = Client::open(&server, &world.bearer(60)).await;
    // Nobody reads from the client's socket meanwhile, so no ping is answered.
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.stop.send(()).unwrap();
    // A socket that was still open would be waited for a second.
    let began = Instant::now();
    server.task.await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    drop(client);
}

#[tokio::test]
async fn a_peer_that_answers_pings_stays() {
    // Long enough for a peer on a busy machine to answer, and three times over.
    let world = World::with(|settings| settings.ping_interval = Duration::from_secs(1));
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    tokio::time::timeout(Duration::from_millis(3_500), client.receive()).await.unwrap_err();
    client.subscribe("a", "{ caller }").await;
    assert_eq!(client.receive().await["type"], "next");
}

#[tokio::test]
async fn a_server_that_stops_closes_its_sockets_with_1001() {
    let world = World::new();
    let server = Server::start(&world).await;
    let mut client = Client::open(&server, &world.bearer(60)).await;
    client.subscribe("a", "subscription { forever }").await;
    assert_eq!(client.receive().await["type"], "next");
    server.stop.send(()).unwrap();
    assert_eq!(client.close().await, (1001, "the server is shutting down".to_owned()));
    server.task.await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_lets_running_requests_finish_and_takes_no_more() {
    let world = World::new();
    let server = Server::start(&world).await;
    let address = server.address().to_owned();
    let mut running = TcpStream::connect(&address).await.unwrap();
    // It ends when its time is up, 300 ms from now.
    let path = "/graphql?query={never}";
    let bearer = world.bearer(60);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {bearer}\r\n\r\n");
    running.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("UNAVAILABLE"), "{answer}");
    server.task.await.unwrap();
    assert!(TcpStream::connect(&address).await.is_err());
}
