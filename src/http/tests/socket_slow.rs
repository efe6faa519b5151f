//! WebSockets whose clients read slowly, or not at all.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::socket::{Client, Server};
use super::world::World;

/// Waits until the condition holds.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} has not come");
}

/// Waits until the flood has come to a standstill, since nobody reads it.
async fn standstill(world: &World) {
    let (mut last, mut looks) = (0, 0);
    until("a standstill", || {
        let told = world.flood.told.load(Ordering::SeqCst);
        looks = if told == last && told > 0 { looks + 1 } else { 0 };
        last = told;
        looks == 20
    })
    .await;
}

#[tokio::test]
async fn an_answer_overtakes_what_a_flood_has_waiting() {
    let world = World::with(|settings| settings.request_timeout = Duration::from_secs(30));
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("flood", "subscription { flood }").await;
    standstill(&world).await;
    client.subscribe("q", "{ told }").await;
    let mut last_flood = 0;
    let told = loop {
        let message = client.receive().await;
        match message["id"].as_str() {
            Some("flood") => last_flood = message["payload"]["data"]["flood"].as_u64().unwrap(),
            _ => break message["payload"]["data"]["told"].as_u64().unwrap(),
        }
    };
    // What the flood had told by then and the client has not seen yet is what was overtaken.
    assert!(told - last_flood > 16, "{told} were told, and {last_flood} came before the answer");
}

#[tokio::test]
async fn a_client_that_reads_nothing_can_still_complete() {
    let world = World::with(|settings| settings.request_timeout = Duration::from_secs(30));
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("flood", "subscription { flood }").await;
    standstill(&world).await;
    client.send(json!({ "type": "complete", "id": "flood" })).await;
    until("the end of the flood", || world.flood.listeners.load(Ordering::SeqCst) == 0).await;
    // What was on its way still comes, and nothing that waited; the socket is as good as before.
    client.subscribe("q", "{ told }").await;
    let mut last_flood = 0;
    let told = loop {
        let message = client.receive().await;
        match message["id"].as_str() {
            Some("flood") => last_flood = message["payload"]["data"]["flood"].as_u64().unwrap(),
            _ => break message["payload"]["data"]["told"].as_u64().unwrap(),
        }
    };
    assert!(told - last_flood > 16, "{told} were told, and {last_flood} came");
}

#[tokio::test]
async fn a_slow_reader_is_not_taken_for_dead() {
    // The pings come behind what it has not read yet.
    let world = World::with(|settings| settings.ping_interval = Duration::from_millis(200));
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    client.subscribe("flood", "subscription { flood }").await;
    standstill(&world).await;
    for _ in 0..1_000 {
        assert_eq!(client.receive().await["id"], "flood");
    }
}

#[tokio::test]
async fn pings_are_answered_with_their_payload_before_what_waits() {
    let world = World::new();
    let mut client = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    for payload in [json!({ "n": 1.50 }), json!({})] {
        client.send(json!({ "type": "ping", "payload": payload })).await;
        assert_eq!(client.receive().await, json!({ "type": "pong", "payload": payload }));
    }
    client.send(json!({ "type": "ping" })).await;
    assert_eq!(client.receive().await, json!({ "type": "pong" }));
}
