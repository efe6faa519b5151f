//! `multipart/mixed`, as Apollo's clients ask for subscriptions.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::server_sent::piece;
use super::world::{Answer, World};

fn asking(world: &World, query: &str, accept: &str) -> Request<Body> {
    let body = Body::from(json!({ "query": query }).to_string());
    let mut request = world.request("POST", "/graphql").body(body).unwrap();
    request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
    request
}

const APOLLO: &str = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";

/// The parts of a body that is closed as it should be.
fn parts(text: &str) -> Vec<Value> {
    let inner = text.strip_prefix("\r\n--graphql").and_then(|rest| rest.strip_suffix("\r\n--graphql--\r\n"));
    let inner = inner.unwrap_or_else(|| panic!("{text}"));
    let part = |part: &str| {
        let content = part.strip_prefix("\r\nContent-Type: application/json\r\n\r\n").unwrap();
        serde_json::from_str(content).unwrap()
    };
    inner.split("\r\n--graphql").map(part).collect()
}

#[tokio::test]
async fn each_event_is_a_part() {
    let world = World::new();
    let answer = world.send(asking(&world, "subscription { count(to: 2) }", APOLLO)).await;
    let payload = |count: i32| json!({ "payload": { "data": { "count": count } } });
    assert_eq!(parts(&answer.text), [payload(1), payload(2)]);
    assert_eq!(answer.header(header::CONTENT_TYPE), "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn what_is_no_subscription_is_answered_in_json_where_that_is_accepted() {
    let world = World::new();
    let answer = world.send(asking(&world, "{ int(value: 1) }", APOLLO)).await;
    assert_eq!(answer.text, r#"{"data":{"int":1}}"#);
    let answer = world.send(asking(&world, "{", APOLLO)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::OK, "GRAPHQL_PARSE_FAILED"));
    let only = "multipart/mixed;subscriptionSpec=1.0";
    let answer = world.send(asking(&world, "mutation { touch }", only)).await;
    assert_eq!(parts(&answer.text), [json!({ "payload": { "data": { "touch": 1 } } })]);
}

#[tokio::test]
async fn a_refused_subscription_is_a_part_with_errors() {
    let world = World::new();
    for (query, code) in
        [("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"), ("subscription { forbidden }", "FORBIDDEN")]
    {
        let parts = parts(&world.send(asking(&world, query, APOLLO)).await.text);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0]["payload"]["errors"][0]["extensions"]["code"], code);
    }
}

#[tokio::test]
async fn a_part_can_be_read_before_the_next_and_heartbeats_follow() {
    let world = World::with(|settings| settings.ping_interval = Duration::from_millis(20));
    let mut request = asking(&world, "subscription { forever }", APOLLO);
    request.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let mut response = world.open(request).await;
    assert!(response.headers().get(header::CONTENT_ENCODING).is_none());
    let part = |content: &str| format!("\r\nContent-Type: application/json\r\n\r\n{content}\r\n--graphql");
    let event = part(r#"{"payload":{"data":{"forever":1}}}"#);
    for expected in ["\r\n--graphql", &event, &part("{}"), &part("{}")] {
        assert_eq!(piece(&mut response).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_token_that_ends_is_a_failure_of_the_transport() {
    let world = World::new();
    let mut request = asking(&world, "subscription { forever }", APOLLO);
    request.headers_mut().insert(header::AUTHORIZATION, world.bearer(2).parse().unwrap());
    let parts = parts(&Answer::of(world.open(request).await).await.text);
    let last = parts.last().unwrap();
    assert_eq!(last["payload"], Value::Null);
    assert_eq!(last["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
