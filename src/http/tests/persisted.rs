//! Automatic persisted queries.

use axum::body::Body;
use axum::http::header::ACCEPT;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::socket::{Client, Server};
use super::world::{Answer, World};

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn extensions(text: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": digest(text) } })
}

async fn post(world: &World, body: Value) -> Answer {
    world.post(&body.to_string()).await
}

fn get(world: &World, parameters: &[(&str, &str)]) -> Request<Body> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    world.request("GET", &format!("/graphql?{query}")).body(Body::empty()).unwrap()
}

fn code_and_message(answer: &Answer) -> (String, String) {
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    (answer.code(), body["errors"][0]["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_document_that_was_sent_once_is_known_by_its_digest() {
    let world = World::new();
    let text = "query Q($v: Anything!) { echo(value: $v) }";
    let known = json!({ "extensions": extensions(text), "variables": { "v": 1 } });
    let not_found = ("PERSISTED_QUERY_NOT_FOUND".to_owned(), "PersistedQueryNotFound".to_owned());
    assert_eq!(code_and_message(&post(&world, known.clone()).await), not_found);

    let registering = json!({ "query": text, "extensions": extensions(text), "variables": { "v": 2 } });
    assert_eq!(post(&world, registering).await.text, r#"{"data":{"echo":2}}"#);
    assert_eq!(post(&world, known).await.text, r#"{"data":{"echo":1}}"#);

    let extensions = extensions(text).to_string();
    let answer = world.send(get(&world, &[("extensions", &extensions), ("variables", "{\"v\":3}")])).await;
    assert_eq!(answer.text, r#"{"data":{"echo":3}}"#);
}

#[tokio::test]
async fn a_get_registers_too_and_an_unknown_digest_is_no_broken_connection() {
    let world = World::new();
    let extensions = extensions("{caller}").to_string();
    let ask = |accept: &str| {
        let mut request = get(&world, &[("extensions", &extensions)]);
        request.headers_mut().insert(ACCEPT, accept.parse().unwrap());
        request
    };
    for (accept, status) in [("*/*", StatusCode::OK), ("application/graphql-response+json", StatusCode::BAD_REQUEST)] {
        let answer = world.send(ask(accept)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, "PERSISTED_QUERY_NOT_FOUND"));
    }
    let answer = world.send(get(&world, &[("query", "{caller}"), ("extensions", &extensions)])).await;
    assert_eq!(answer.text, r#"{"data":{"caller":"42 from None"}}"#);
    assert_eq!(world.send(ask("*/*")).await.text, answer.text);
}

#[tokio::test]
async fn a_digest_that_does_not_fit_registers_nothing() {
    let world = World::new();
    let answer = post(&world, json!({ "query": "mutation { touch }", "extensions": extensions("{caller}") })).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
    assert_eq!(world.touches.count(), 0);
    for text in ["{caller}", "mutation { touch }"] {
        assert_eq!(post(&world, json!({ "extensions": extensions(text) })).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_no_document_is_not_registered() {
    let world = World::new();
    let too_long = format!("{{caller}}{}", " ".repeat(64 * 1024));
    for (text, code) in [("{", "GRAPHQL_PARSE_FAILED"), (too_long.as_str(), "BAD_USER_INPUT")] {
        let world = World::with(|settings| settings.body_limit = 1_000_000);
        assert_eq!(post(&world, json!({ "query": text, "extensions": extensions(text) })).await.code(), code);
        assert_eq!(post(&world, json!({ "extensions": extensions(text) })).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    }
    let other_version = json!({ "persistedQuery": { "version": 2, "sha256Hash": digest("{caller}") } });
    let answer = post(&world, json!({ "extensions": other_version })).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
}

#[tokio::test]
async fn a_registered_mutation_still_needs_a_post() {
    let world = World::new();
    let text = "mutation { touch }";
    post(&world, json!({ "query": text, "extensions": extensions(text) })).await;
    let answer = world.send(get(&world, &[("extensions", &extensions(text).to_string())])).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.touches.count(), 1);
    assert_eq!(post(&world, json!({ "extensions": extensions(text) })).await.text, r#"{"data":{"touch":2}}"#);
}

#[tokio::test]
async fn who_is_not_known_learns_nothing_of_what_is_registered() {
    let world = World::new();
    let text = "{caller}";
    let body = json!({ "query": text, "extensions": extensions(text) });
    let mut request = world.request("POST", "/graphql").body(Body::from(body.to_string())).unwrap();
    request.headers_mut().remove("authorization");
    assert_eq!(world.send(request).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&world, json!({ "extensions": extensions(text) })).await.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn every_transport_knows_what_one_of_them_has_registered() {
    let world = World::new();
    let mut socket = Client::open(&Server::start(&world).await, &world.bearer(60)).await;
    let text = "subscription { count(to: 1) }";
    let subscribe = |payload: Value| json!({ "type": "subscribe", "id": "1", "payload": payload });
    socket.send(subscribe(json!({ "extensions": extensions(text) }))).await;
    let refused = socket.receive().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND", "{refused}");
    socket.send(subscribe(json!({ "query": text, "extensions": extensions(text) }))).await;
    assert_eq!(socket.receive().await["payload"]["data"]["count"], 1);

    for (accept, event) in [
        ("text/event-stream", "event: next\ndata: {\"data\":{\"count\":1}}"),
        ("multipart/mixed;subscriptionSpec=1.0", "{\"payload\":{\"data\":{\"count\":1}}}"),
    ] {
        let mut request = get(&world, &[("extensions", &extensions(text).to_string())]);
        request.headers_mut().insert(ACCEPT, accept.parse().unwrap());
        let answer = world.send(request).await;
        assert!(answer.text.contains(event), "{}", answer.text);
    }
    let unknown = extensions("{caller}").to_string();
    let mut request = get(&world, &[("extensions", &unknown)]);
    request.headers_mut().insert(ACCEPT, "text/event-stream".parse().unwrap());
    let answer = world.send(request).await;
    assert!(answer.text.contains("\"code\":\"PERSISTED_QUERY_NOT_FOUND\""), "{}", answer.text);
}
