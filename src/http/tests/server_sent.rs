//! `text/event-stream`.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;

use super::world::{Answer, World};

fn asking(world: &World, query: &str) -> Request<Body> {
    let body = Body::from(json!({ "query": query }).to_string());
    let mut request = world.request("POST", "/graphql").body(body).unwrap();
    request.headers_mut().insert(header::ACCEPT, "text/event-stream".parse().unwrap());
    request
}

async fn told(world: &World, query: &str) -> String {
    let answer = world.send(asking(world, query)).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.text
}

/// The next piece of a body that stays open.
pub async fn piece(response: &mut Response<Body>) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(30), response.body_mut().frame()).await.unwrap()?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().into()).unwrap())
}

#[tokio::test]
async fn events_are_told_one_by_one_and_completed() {
    let world = World::new();
    let answer = world.send(asking(&world, "subscription { count(to: 2) }")).await;
    assert_eq!(
        answer.text,
        ":\n\nevent: next\ndata: {\"data\":{\"count\":1}}\n\nevent: next\ndata: {\"data\":{\"count\":2}}\n\n\
         event: complete\ndata:\n\n"
    );
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/event-stream; charset=utf-8");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header(HeaderName::from_static("x-accel-buffering")), "no");
}

#[tokio::test]
async fn queries_and_mutations_have_one_event() {
    let world = World::new();
    let next = |data: &str| format!(":\n\nevent: next\ndata: {{\"data\":{data}}}\n\nevent: complete\ndata:\n\n");
    assert_eq!(told(&world, "{ caller }").await, next(r#"{"caller":"42 from None"}"#));
    assert_eq!(told(&world, "mutation { touch }").await, next(r#"{"touch":1}"#));
    let get = |path: &str| {
        let mut request = world.request("GET", path).body(Body::empty()).unwrap();
        request.headers_mut().insert(header::ACCEPT, "text/event-stream".parse().unwrap());
        request
    };
    assert_eq!(world.send(get("/graphql?query={int(value:7)}")).await.text, next(r#"{"int":7}"#));
    assert!(world.send(get("/graphql?query=subscription{count(to:1)}")).await.text.contains("{\"count\":1}"));
    let answer = world.send(get("/graphql?query=mutation{touch}")).await;
    assert_eq!((answer.status, world.touches.count()), (StatusCode::METHOD_NOT_ALLOWED, 1));
}

#[tokio::test]
async fn what_is_refused_is_one_event_with_errors() {
    let world = World::new();
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { forbidden }", "FORBIDDEN"),
        ("query A { caller } query B { caller }", "BAD_USER_INPUT"),
        ("{ never }", "UNAVAILABLE"),
    ] {
        let text = told(&world, query).await;
        assert!(text.starts_with(":\n\nevent: next\ndata: {\"errors\":[{"), "{query} → {text}");
        assert!(text.contains(&format!("\"code\":\"{code}\"")), "{query} → {text}");
        assert!(text.ends_with("\n\nevent: complete\ndata:\n\n"), "{query} → {text}");
    }
}

#[tokio::test]
async fn a_subscription_that_breaks_down_says_so_and_ends() {
    let text = told(&World::new(), "subscription { breaksDown }").await;
    let events: Vec<&str> = text.split("\n\n").collect();
    assert!(events[1].contains("\"breaksDown\":1"), "{text}");
    assert!(events[2].contains("INTERNAL_SERVER_ERROR") && !events[2].contains("on purpose"), "{text}");
    assert_eq!(events[3], "event: complete\ndata:");
}

#[tokio::test]
async fn each_event_has_its_cursor_and_a_client_goes_on_behind_the_last_one() {
    let world = World::new();
    let resuming = |query: &str, id: &str| {
        let mut request = asking(&world, query);
        request.headers_mut().insert("last-event-id", id.parse().unwrap());
        request
    };
    let event = |number: i32| format!("event: next\nid: {number}\ndata: {{\"data\":{{\"numbers\":{number}}}}}\n\n");
    let end = "event: complete\ndata:\n\n";
    let expected = |from: i32| format!(":\n\n{}{end}", (from..=10).map(event).collect::<String>());
    assert_eq!(told(&world, "subscription { numbers }").await, expected(1));
    // A browser comes again with the same document.
    let again = "subscription { numbers(after: 5) }";
    assert_eq!(told(&world, again).await, expected(6));
    assert_eq!(world.send(resuming(again, "8")).await.text, expected(9));
    assert_eq!(world.send(resuming(again, "")).await.text, expected(6));
    let refused = world.send(resuming(again, "x")).await.text;
    assert!(refused.contains("\"errors\"") && refused.ends_with(end), "{refused}");
    // To what is no subscription it means nothing.
    assert!(world.send(resuming("{ int(value: 1) }", "x")).await.text.contains("{\"int\":1}"));
}

#[tokio::test]
async fn the_one_field_may_stand_in_fragments_and_keeps_its_cursors() {
    let world = World::new();
    let event = "event: next\nid: 10\ndata: {\"data\":{\"n\":10}}\n\n";
    for query in [
        "subscription ($after: Int = 9) { ...F } fragment F on Subscription { n: numbers(after: $after) }",
        "subscription { ... { n: numbers(after: 9) } ... on Subscription { n: numbers(after: 9) } }",
        "subscription { ...F n: numbers(after: 9) } \
         fragment F on Subscription { ... on Subscription { ...G } } fragment G on Subscription { n: numbers(after: 9) }",
    ] {
        assert_eq!(told(&world, query).await, format!(":\n\n{event}event: complete\ndata:\n\n"), "{query}");
        let mut request = asking(&world, query);
        request.headers_mut().insert("last-event-id", "10".parse().unwrap());
        assert_eq!(world.send(request).await.text, ":\n\nevent: complete\ndata:\n\n", "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_about_a_fragment_at_the_root_is_found_all_the_same() {
    let world = World::new();
    for query in [
        "subscription { ...F } fragment F on Query { count(to: 1) }",
        "subscription { ...F } fragment F on Unknown { count(to: 1) }",
        "subscription { ... on Query { count(to: 1) } }",
        "subscription { count(to: 1) ...Unknown }",
        "subscription { ...F ...G } fragment F on Subscription { count(to: 1) ...G } fragment G on Subscription { ...F }",
        "subscription { ...F } fragment F on Subscription { count(to: 1) } fragment G on Subscription { count(to: 1) }",
        "subscription { ...F } fragment F on Subscription { count(to: $to) }",
        "subscription ($to: Int!) { ...F } fragment F on Subscription { count(to: 1) }",
        "subscription { ... @unknown { count(to: 1) } }",
        "subscription { ...F } fragment F on Subscription { count(to: 1) count(to: 2) }",
        "subscription { count(to: 1) ... { forever } }",
    ] {
        let body = json!({ "query": query, "variables": { "to": 1 } }).to_string();
        let mut request = world.request("POST", "/graphql").body(Body::from(body)).unwrap();
        let accept = "text/event-stream;q=0.5, application/json";
        request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
        let text = world.send(request).await.text;
        assert!(text.contains("GRAPHQL_VALIDATION_FAILED"), "{query} → {text}");
    }
    // Another operation of the document shares the fragment.
    let query = "subscription One { ...F } subscription Other($to: Int!) { ...G } \
                 fragment F on Subscription { count(to: 1) } fragment G on Subscription { c: count(to: $to) ...H } \
                 fragment H on Subscription { c: count(to: $to) }";
    let body = json!({ "query": query, "operationName": "Other", "variables": { "to": 1 } }).to_string();
    let mut request = world.request("POST", "/graphql").body(Body::from(body)).unwrap();
    request.headers_mut().insert(header::ACCEPT, "text/event-stream".parse().unwrap());
    let text = world.send(request).await.text;
    assert_eq!(text.matches("{\"data\":{\"c\":1}}").count(), 1, "{text}");
}

#[tokio::test]
async fn a_client_that_accepts_only_json_is_told_what_subscriptions_need() {
    let world = World::new();
    let mut request = asking(&world, "subscription { count(to: 1) }");
    request.headers_mut().insert(header::ACCEPT, "application/json".parse().unwrap());
    let answer = world.send(request).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
    for transport in ["graphql-transport-ws", "text/event-stream", "multipart/mixed"] {
        assert!(answer.text.contains(transport), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_event_is_told_at_once_and_signs_of_life_follow() {
    let world = World::with(|settings| settings.ping_interval = Duration::from_millis(20));
    let mut request = asking(&world, "subscription { forever }");
    request.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let mut response = world.open(request).await;
    assert!(response.headers().get(header::CONTENT_ENCODING).is_none());
    for expected in [":\n\n", "event: next\ndata: {\"data\":{\"forever\":1}}\n\n", ":\n\n", ":\n\n"] {
        assert_eq!(piece(&mut response).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn an_event_stream_ends_with_its_token_and_without_complete() {
    let world = World::new();
    let mut request = asking(&world, "subscription { forever }");
    request.headers_mut().insert(header::AUTHORIZATION, world.bearer(2).parse().unwrap());
    let answer = Answer::of(world.open(request).await).await;
    let last = answer.text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: next\ndata: {\"errors\":[{\"message\":\"the token has expired\""), "{last}");
    assert!(last.contains("UNAUTHENTICATED"), "{last}");
}

#[tokio::test]
async fn a_client_that_goes_ends_its_operation() {
    let world = World::new();
    let mut response = world.open(asking(&world, "subscription { flood }")).await;
    for _ in 0..3 {
        piece(&mut response).await.unwrap();
    }
    let listeners = || world.flood.listeners.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(listeners(), 1);
    drop(response);
    assert_eq!(listeners(), 0);
}
