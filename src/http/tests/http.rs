//! `/graphql` over HTTP.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;

use super::world::World;

fn query(document: &str) -> String {
    json!({ "query": document }).to_string()
}

#[tokio::test]
async fn variables_reach_resolvers_and_come_back_with_every_digit() {
    let world = World::new();
    let value = r#"{"z":[1.10,1e400,-0],"a":12345678901234567890.1234567891,"b":{"y":1,"x":"ü"}}"#;
    let body = format!(r#"{{"query":"query ($v: Anything!) {{ echo(value: $v) }}","variables":{{"v":{value}}}}}"#);
    let answer = world.post(&body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text, format!(r#"{{"data":{{"echo":{value}}}}}"#));
}

#[tokio::test]
async fn the_caller_is_known_to_resolvers() {
    let answer = World::new().post(&query("{ caller }")).await;
    assert_eq!(answer.text, r#"{"data":{"caller":"42 from None"}}"#);
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_answered() {
    let world = World::new();
    let invalid =
        |why: &str| format!("Bearer error=\"invalid_token\", error_description=\"the token is not valid: {why}\"");
    for (authorization, challenge) in [
        (None, "Bearer".to_owned()),
        (Some("Basic eDp5".to_owned()), "Bearer".to_owned()),
        (Some("Bearer x.y.z".to_owned()), invalid("it is malformed or signed by someone else")),
        (Some(world.bearer(-1)), invalid("it has expired")),
    ] {
        for accept in ["application/json", "text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
            let mut request =
                world.request("POST", "/graphql").body(Body::from(query("subscription { forever }"))).unwrap();
            request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
            request.headers_mut().remove(header::AUTHORIZATION);
            if let Some(value) = &authorization {
                request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
            }
            let answer = world.send(request).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.header(header::WWW_AUTHENTICATE), challenge);
            assert_eq!(answer.header(header::CONTENT_TYPE), "application/json; charset=utf-8");
            assert_eq!(answer.code(), "UNAUTHENTICATED");
        }
    }
}

#[tokio::test]
async fn a_query_can_be_asked_by_get_and_a_mutation_cannot() {
    let world = World::new();
    let get = |path: &'static str| world.request("GET", path).body(Body::empty()).unwrap();
    let answer = world.send(get("/graphql?query=query+Q($v:Anything!){echo(value:$v)}&variables={%22v%22:1.10}")).await;
    assert_eq!(answer.text, r#"{"data":{"echo":1.10}}"#);
    for path in ["/graphql?query=mutation{touch}", "/graphql?query=query+A{caller}mutation+B{touch}&operationName=B"] {
        let answer = world.send(get(path)).await;
        assert_eq!((answer.status, answer.header(header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
        assert_eq!(answer.code(), "BAD_USER_INPUT");
    }
    assert_eq!(world.touches.count(), 0);
    assert_eq!(world.send(get("/graphql?query=subscription{forever}")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.send(get("/graphql")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.post(&query("mutation { touch }")).await.text, r#"{"data":{"touch":1}}"#);
}

#[tokio::test]
async fn other_methods_are_refused() {
    let world = World::new();
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = world.send(world.request(method, "/graphql").body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.header(header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, "GET, POST"));
    }
}

#[tokio::test]
async fn a_body_that_a_form_of_another_page_could_send_is_not_read() {
    let world = World::new();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let mut request = world.request("POST", "/graphql").body(Body::from(query("mutation { touch }"))).unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        assert_eq!(world.send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert_eq!(world.touches.count(), 0);
}

#[tokio::test]
async fn a_compressed_body_is_refused_as_such() {
    let world = World::new();
    for (encoding, status) in [("gzip", StatusCode::UNSUPPORTED_MEDIA_TYPE), ("identity", StatusCode::OK)] {
        let mut request = world.request("POST", "/graphql").body(Body::from(query("mutation { touch }"))).unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        request.headers_mut().insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
        assert_eq!(world.send(request).await.status, status);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let answer = World::new().post(&query(&" ".repeat(10_001))).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT"));
}

#[tokio::test]
async fn the_status_tells_what_went_wrong_and_every_error_has_a_code() {
    let world = World::new();
    let variables = |text: &str| format!(r#"{{"query":"query ($v: Int!) {{ int(value: $v) }}","variables":{text}}}"#);
    for (body, status, code) in [
        ("not json".to_owned(), 400, "BAD_USER_INPUT"),
        ("[]".to_owned(), 400, "BAD_USER_INPUT"),
        (format!("[{}]", query("{ caller }")), 400, "BAD_USER_INPUT"),
        (query("{"), 400, "GRAPHQL_PARSE_FAILED"),
        (query("{ nothing }"), 400, "GRAPHQL_VALIDATION_FAILED"),
        (query("{ int(value: \"x\") }"), 400, "BAD_USER_INPUT"),
        (query("{ echo(value: 1.10) }"), 400, "BAD_USER_INPUT"),
        (query(&format!("{{ echo(value: {}) }}", "{a:".repeat(1000))), 400, "BAD_USER_INPUT"),
        (query("query A { caller } query B { caller }"), 400, "BAD_USER_INPUT"),
        (query("subscription { forever }"), 400, "BAD_USER_INPUT"),
        (variables("{}"), 400, "BAD_USER_INPUT"),
        (variables(r#"{"v":"x"}"#), 400, "BAD_USER_INPUT"),
        (variables(r#"{"v":1,"v":1}"#), 400, "BAD_USER_INPUT"),
        (variables(r#"{"v":12345678901}"#), 200, "BAD_USER_INPUT"),
        (query("{ leaks }"), 200, "INTERNAL_SERVER_ERROR"),
        (query("{ panics }"), 500, "INTERNAL_SERVER_ERROR"),
        (query("{ never }"), 503, "UNAVAILABLE"),
    ] {
        let answer = world.post(&body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{body} → {}", answer.text);
        assert!(!answer.text.contains("secrets") && !answer.text.contains("on purpose"), "{}", answer.text);
    }
}

#[tokio::test]
async fn clients_of_the_older_media_type_get_200_for_a_request_that_is_well_formed() {
    let world = World::new();
    for (document, code) in [("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")] {
        let mut request = world.request("POST", "/graphql").body(Body::from(query(document))).unwrap();
        request.headers_mut().insert(header::ACCEPT, "application/json".parse().unwrap());
        let answer = world.send(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::OK, code));
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/json; charset=utf-8");
        assert!(!answer.text.contains("data"));
    }
}

#[tokio::test]
async fn an_answer_that_the_client_does_not_accept_is_not_made() {
    let world = World::new();
    let mut request = world.request("POST", "/graphql").body(Body::from(query("mutation { touch }"))).unwrap();
    request.headers_mut().insert(header::ACCEPT, "text/html".parse().unwrap());
    assert_eq!(world.send(request).await.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(world.touches.count(), 0);
}

#[tokio::test]
async fn a_body_that_trickles_runs_out_of_time() {
    let world = World::new();
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request: Request<Body> = world.request("POST", "/graphql").body(endless).unwrap();
    let answer = world.send(request).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::REQUEST_TIMEOUT, "UNAVAILABLE"));
}
