//! The REST API, path by path: what it answers, and how it refuses.

mod agreement;
mod creating;
mod document;
mod filters;
mod lists;
mod paths;
mod problems;
mod undoing;

use afterimage::auth::Role;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::Api;

/// An answer with its body read.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer as what was asked for.
    #[track_caller]
    fn good(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        self.json()
    }

    /// The sentence of the problem that the answer is.
    #[track_caller]
    fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        let problem = self.json();
        let title = self.status.canonical_reason().expect("a status in words");
        assert_eq!((&problem["type"], &problem["title"]), (&"about:blank".into(), &title.into()), "{problem}");
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()), "{problem}");
        assert_eq!(problem.as_object().expect("an object").len(), 5, "{problem}");
        problem["detail"].as_str().expect("a sentence").to_owned()
    }

    /// The keys of the entries of a list, in one line.
    #[track_caller]
    fn keys(&self) -> String {
        let list = self.good();
        let keys = list.as_array().expect("a list").iter().map(|entry| entry["recordId"].as_str().unwrap_or("-"));
        keys.collect::<Vec<_>>().join(" ")
    }
}

/// A request by a caller of these roles.
fn request(api: &Api, roles: &[Role], method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("http://localhost{path}"))
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", api.token(roles)))
}

async fn send(api: &Api, request: Request<Body>) -> Answer {
    let answer = api.server.router.clone().oneshot(request).await.expect("a router always answers");
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(body.to_vec()).expect("text") }
}

/// What an auditor gets at this path below `/api/auditLog`.
async fn get(api: &Api, path: &str) -> Answer {
    let path = format!("/api/auditLog{path}");
    send(api, request(api, &[Role::Auditor], "GET", &path).body(Body::empty()).expect("a request")).await
}

/// What an administrator gets who posts this JSON to this path below `/api/auditLog`.
async fn post(api: &Api, path: &str, body: impl Into<String>) -> Answer {
    let request = request(api, &[Role::Admin], "POST", &format!("/api/auditLog{path}"));
    let body = Body::from(body.into());
    send(api, request.header("content-type", "application/json").body(body).expect("a request")).await
}
