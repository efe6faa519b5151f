//! Which documents the server keeps a plan of.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Variables;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt as _;

use super::world::{Reports, World};
use crate::feed::Feed;
use crate::graphql::{Services, schema};
use crate::http::{Plans, State, router};
use crate::store::{self, Database};

const PLAIN: &str = "{ auditLogs(first: 1) { nodes { id } } }";

/// A server over a database in memory.
async fn server() -> (State, String) {
    let url = "sqlite::memory:";
    let database = Database::connect(url, Duration::from_secs(5)).await.unwrap();
    store::migrate(&database, url).await.unwrap();
    let services = Services { feed: Feed::new(&database), owner: database.clone(), database, undo_max_rows: 1 };
    let world = World::new();
    let State { authenticator, settings, persisted, .. } = world.state.clone();
    let health = Arc::new(Reports(None));
    let plans = Plans::over(services.clone());
    (State { schema: schema(services), authenticator, settings, persisted, plans, health }, world.bearer(60))
}

async fn post(state: &State, bearer: &str, document: &str) {
    let body = serde_json::json!({"query": document}).to_string();
    let request = Request::post("http://localhost/graphql").header("host", "localhost").header("authorization", bearer);
    let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
    router(state.clone(), Router::new()).oneshot(request).await.unwrap();
}

#[tokio::test]
async fn a_document_that_was_executed_without_an_error_has_its_plan() {
    let (state, bearer) = server().await;
    assert!(state.plans.find(PLAIN, None).is_none());
    post(&state, &bearer, PLAIN).await;
    let plan = state.plans.find(PLAIN, None).unwrap();
    assert!(state.plans.find(PLAIN, Some("Other")).is_none());
    // And the plan does answer.
    let caller = state.authenticator.authenticate(bearer.trim_start_matches("Bearer ")).unwrap();
    let limit = crate::http::TimeLimit::begin(Duration::from_secs(5));
    let answer = state.plans.run(&plan, &caller, &Variables::default(), limit).await.unwrap();
    let Some(crate::graphql::Answer::Written(json)) = answer else { panic!("no answer") };
    assert_eq!(String::from_utf8(json).unwrap(), r#"{"data":{"auditLogs":{"nodes":[]}}}"#);
}

#[tokio::test]
async fn a_document_that_records_has_its_plan() {
    let (state, bearer) = server().await;
    let document = "mutation { createAuditLog(input: {userId: 1, action: READ, tableName: \"t\"}) { __typename } }";
    post(&state, &bearer, document).await;
    let plan = state.plans.find(document, None).unwrap();
    let caller = state.authenticator.authenticate(bearer.trim_start_matches("Bearer ")).unwrap();
    let limit = crate::http::TimeLimit::begin(Duration::from_secs(5));
    let answer = state.plans.run(&plan, &caller, &Variables::default(), limit).await.unwrap();
    let Some(crate::graphql::Answer::Written(json)) = answer else { panic!("no answer") };
    assert_eq!(
        String::from_utf8(json).unwrap(),
        r#"{"data":{"createAuditLog":{"__typename":"CreateAuditLogPayload"}}}"#
    );
}

#[tokio::test]
async fn a_document_that_failed_has_none() {
    let (state, bearer) = server().await;
    for document in ["{ auditLogs(first: 0) { nodes { id } } }", "{ auditLogs(first: 1) { nodes { id } } nothing }"] {
        post(&state, &bearer, document).await;
        assert!(state.plans.find(document, None).is_none(), "{document}");
    }
}
