//! What connections may cost: how many there are, and how long they may say or read nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::socket::{Client, Server};
use super::world::World;

/// Longer than anything here takes, on whatever machine.
const ENOUGH: Duration = Duration::from_secs(60);

/// A server that waits for requests so briefly.
fn impatient() -> World {
    World::with(|settings| settings.connections.idle = Duration::from_millis(200))
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// Reads until the server says that there is no more.
async fn to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    tokio::time::timeout(ENOUGH, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

fn subscribe(world: &World, accept: &str, query: &str) -> String {
    let bearer = world.bearer(60);
    let query = format!("/graphql?query={}", query.replace(' ', "%20"));
    format!("GET {query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {bearer}\r\nAccept: {accept}\r\n\r\n")
}

/// Waits until nobody listens to the flood.
async fn ebb(world: &World) {
    tokio::time::timeout(ENOUGH, async {
        while world.flood.listeners.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

/// Waits until the flood runs.
async fn rise(world: &World) {
    tokio::time::timeout(ENOUGH, async {
        while world.flood.told.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_the_connection() {
    let server = Server::start(&impatient()).await;
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "POST /graphql HTTP/1.1\r\nHost: localhost\r\n"] {
        let mut slow = connect(&server).await;
        slow.write_all(beginning.as_bytes()).await.unwrap();
        assert_eq!(to_end(&mut slow).await, "", "{beginning:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_told_to_be_too_large_is_refused_before_it_comes() {
    let world = World::with(|settings| settings.request_timeout = ENOUGH);
    let server = Server::start(&world).await;
    for expectation in ["", "Expect: 100-continue\r\n"] {
        let mut client = connect(&server).await;
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
             Content-Length: 10001\r\n{expectation}\r\n",
            world.bearer(60)
        );
        client.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        // Well before the time is over in which the request must have come.
        tokio::time::timeout(ENOUGH / 2, client.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 413", "{expectation}");
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_more_is_asked_is_closed() {
    let server = Server::start(&impatient()).await;
    let mut client = connect(&server).await;
    client.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(to_end(&mut client).await.starts_with("HTTP/1.1 200"));

    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(connect(&server).await)).await.unwrap();
    let ended = tokio::spawn(connection);
    let request = hyper::Request::get("http://localhost/healthz").body(Full::<Bytes>::default()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    tokio::time::timeout(ENOUGH, ended).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_subscription_on_which_nothing_happens_stays() {
    let world = World::with(|settings| {
        settings.connections.idle = Duration::from_millis(100);
        settings.ping_interval = Duration::from_millis(300);
    });
    let server = Server::start(&world).await;
    let mut stream = connect(&server).await;
    stream.write_all(subscribe(&world, "text/event-stream", "subscription { forever }").as_bytes()).await.unwrap();
    let mut told = String::new();
    // Signs of life, that come three times as slowly as idle connections end.
    while told.matches(":\n\n").count() < 4 {
        let mut piece = [0; 1_024];
        let count = tokio::time::timeout(ENOUGH, stream.read(&mut piece)).await.unwrap().unwrap();
        assert!(count > 0, "{told}");
        told += &String::from_utf8_lossy(&piece[..count]).replace("\r\n", "");
    }
    let mut client = Client::open(&server, &world.bearer(60)).await;
    client.subscribe("a", "subscription { forever }").await;
    assert_eq!(client.receive().await["type"], "next");
    tokio::time::timeout(Duration::from_millis(500), client.receive()).await.unwrap_err();
    client.subscribe("b", "{ caller }").await;
    assert_eq!(client.receive().await["id"], "b");
}

#[tokio::test]
async fn a_stream_that_is_not_read_at_all_ends() {
    let world = World::with(|settings| settings.connections.unread = Duration::from_millis(500));
    let server = Server::start(&world).await;
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        let mut stream = connect(&server).await;
        stream.write_all(subscribe(&world, accept, "subscription { flood }").as_bytes()).await.unwrap();
        rise(&world).await;
        ebb(&world).await;
        world.flood.told.store(0, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_socket_that_is_not_read_at_all_ends() {
    let world = World::with(|settings| settings.connections.unread = Duration::from_millis(500));
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("flood", "subscription { flood }").await;
    rise(&world).await;
    ebb(&world).await;
}

#[tokio::test]
async fn a_stream_over_http_2_that_is_not_read_ends_alone() {
    let world = World::with(|settings| {
        settings.request_timeout = ENOUGH;
        settings.connections.unread = Duration::from_millis(500);
    });
    let server = Server::start(&world).await;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(connect(&server).await)).await.unwrap();
    tokio::spawn(connection);
    let ask = |query: &str| {
        hyper::Request::get(format!("http://localhost/graphql?query={}", query.replace(' ', "%20")))
            .header("authorization", world.bearer(60))
            .header("accept", "text/event-stream")
            .body(Full::<Bytes>::default())
            .unwrap()
    };
    let mut quiet = sender.send_request(ask("subscription { forever }")).await.unwrap().into_body();
    let mut flood = sender.send_request(ask("subscription { flood }")).await.unwrap().into_body();
    rise(&world).await;
    ebb(&world).await;
    // What was on its way is there still, and then it is said that it is not all.
    let mut read = async || tokio::time::timeout(ENOUGH, flood.frame()).await.unwrap();
    let end = loop {
        match read().await {
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    assert!(end.is_some_and(|end| end.is_err()));
    // The other is as it was.
    let opening = quiet.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(opening, ":\n\n");
    let answer = sender.send_request(ask("{ caller }")).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_reader_that_takes_a_little_now_and_then_is_waited_for() {
    let world = World::with(|settings| settings.connections.unread = Duration::from_secs(2));
    let server = Server::start(&world).await;
    let mut stream = connect(&server).await;
    stream.write_all(subscribe(&world, "text/event-stream", "subscription { flood }").as_bytes()).await.unwrap();
    rise(&world).await;
    // So little that the system does not tell of the room it makes.
    let mut piece = vec![0; 200 * 1024];
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stream.read_exact(&mut piece).await.unwrap();
    }
    assert_eq!(world.flood.listeners.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let world = World::with(|settings| settings.connections.most = 2);
    let server = Server::start(&world).await;
    let socket = Client::open(&server, &world.bearer(60)).await;
    let idle = connect(&server).await;
    let mut third = connect(&server).await;
    third.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0];
    tokio::time::timeout(Duration::from_millis(300), third.read(&mut byte)).await.unwrap_err();
    // A place is free again when a socket ends, as when a connection does.
    drop(socket);
    assert!(to_end(&mut third).await.starts_with("HTTP/1.1 200"));
    drop(idle);
}
