//! The paths beside `/graphql`, the Host check and the headers of every answer.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::world::{Answer, World};

async fn get(world: &World, host: &str, path: &str) -> Answer {
    world.send(Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_foreign_host_is_misdirected_and_told_the_flag() {
    let world = World::with(|settings| settings.allowed_hosts = vec!["audit.example.com".to_owned()]);
    for path in ["/graphql", "/graphiql", "/", "/nothing"] {
        let answer = get(&world, "evil.example", path).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
        assert!(answer.text.contains("--allowed-host"), "{}", answer.text);
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let answer = get(&world, "audit.example.com:8443", path).await;
        assert_ne!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    }
}

#[tokio::test]
async fn a_host_in_the_request_line_goes_before_the_header() {
    let world = World::new();
    let answer = get(&world, "localhost", "http://evil.example/graphql").await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    let answer = get(&world, "evil.example", "http://localhost/graphql").await;
    assert_ne!(answer.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn health_is_told_to_any_host() {
    let world = World::new();
    let answer = get(&world, "evil.example", "/healthz").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "ok"));
    let answer = get(&world, "evil.example", "/readyz").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text, r#"{"status":"ready","warnings":["the role is superuser"]}"#);
}

#[tokio::test]
async fn a_broken_database_makes_the_server_unready_and_leaves_it_alive() {
    let world = World::with_broken_database();
    assert_eq!(get(&world, "localhost", "/healthz").await.status, StatusCode::OK);
    let answer = get(&world, "localhost", "/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.starts_with(r#"{"reason":"the database cannot be reached"#), "{}", answer.text);
    assert!(!answer.text.contains("10.0.0.9"), "{}", answer.text);
}

#[tokio::test]
async fn the_root_leads_to_graphiql() {
    let answer = get(&World::new(), "localhost", "/").await;
    assert_eq!((answer.status.is_redirection(), answer.header(header::LOCATION)), (true, "/graphiql"));
    let answer = get(&World::new(), "localhost", "/graphiql").await;
    // Built or not, the page says what it is.
    assert!(answer.text.contains("GraphiQL") && answer.text.contains("Afterimage"), "{}", answer.text);
    assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("script-src 'self';"));
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let world = World::new();
    for (host, path) in [
        ("localhost", "/graphql"),
        ("localhost", "/graphiql"),
        ("localhost", "/graphiql/nothing.js"),
        ("localhost", "/healthz"),
        ("localhost", "/readyz"),
        ("localhost", "/"),
        ("localhost", "/nothing"),
        ("evil.example", "/graphql"),
    ] {
        let answer = get(&world, host, path).await;
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer", "{path}");
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let answer = get(&World::new(), "localhost", "/nothing").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "NOT_FOUND"));
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let world = World::new();
    let body = r#"{"query":"{ __schema { types { name } } }"}"#;
    let request =
        world.request("POST", "/graphql").header(header::ACCEPT_ENCODING, "gzip").body(Body::from(body)).unwrap();
    let response = tower::ServiceExt::oneshot(crate::http::router(world.state.clone(), axum::Router::new()), request)
        .await
        .unwrap();
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    assert!(world.post(body).await.headers.get(header::CONTENT_ENCODING).is_none());
}
