//! Requests of pages from elsewhere.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN,
};
use axum::http::{Request, StatusCode};

use super::world::{Answer, World};

fn world() -> World {
    World::with(|settings| {
        settings.cors_origins =
            ["https://app.example:8443", "http://localhost:3000"].map(|text| text.parse().unwrap()).to_vec();
    })
}

async fn preflight(world: &World, origin: &str) -> Answer {
    let request = Request::options("/graphql")
        .header(HOST, "localhost")
        .header(ORIGIN, origin)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type");
    world.send(request.body(Body::empty()).unwrap()).await
}

async fn post(world: &World, origin: &str, authorized: bool) -> Answer {
    let mut request = world.request("POST", "/graphql").body(Body::from(r#"{"query":"{ caller }"}"#)).unwrap();
    request.headers_mut().insert(ORIGIN, origin.parse().unwrap());
    if !authorized {
        request.headers_mut().remove("authorization");
    }
    world.send(request).await
}

#[tokio::test]
async fn pages_of_named_origins_may_ask_and_read() {
    let world = world();
    for origin in ["https://app.example:8443", "http://localhost:3000"] {
        let answer = preflight(&world, origin).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), origin);
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_METHODS), "GET,POST");
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_HEADERS), "accept,authorization,content-type,last-event-id");
        // A refusal can be read as well, and says what to do.
        for (authorized, status) in [(true, StatusCode::OK), (false, StatusCode::UNAUTHORIZED)] {
            let answer = post(&world, origin, authorized).await;
            assert_eq!((answer.status, answer.header(ACCESS_CONTROL_ALLOW_ORIGIN)), (status, origin));
            assert_eq!(answer.header(ACCESS_CONTROL_EXPOSE_HEADERS), "link,location,www-authenticate");
            assert!(answer.headers.get(ACCESS_CONTROL_ALLOW_CREDENTIALS).is_none());
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_not() {
    let world = world();
    for origin in ["https://app.example", "http://app.example:8443", "https://x.app.example:8443", "null"] {
        for answer in [preflight(&world, origin).await, post(&world, origin, true).await] {
            assert!(answer.headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_none(), "{origin}");
        }
    }
}

#[tokio::test]
async fn without_named_origins_no_header_speaks_of_them() {
    let world = World::new();
    for answer in [preflight(&world, "http://localhost:3000").await, post(&world, "http://localhost:3000", true).await]
    {
        let spoken: Vec<_> = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control")).collect();
        assert!(spoken.is_empty(), "{spoken:?}");
    }
    assert_eq!(preflight(&world, "http://localhost:3000").await.status, StatusCode::METHOD_NOT_ALLOWED);
}
