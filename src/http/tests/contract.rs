//! The shape of responses, as the GraphQL specification has it: the order of keys, what a failure takes with it, and
//! where an error says it happened.

use std::time::Duration;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use axum::body::Body;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::world::{Answer, World};
use crate::audit::Error;
use crate::graphql::ApiError;

struct Query;

#[Object]
impl Query {
    async fn slow(&self) -> i32 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        1
    }

    async fn fast(&self) -> i32 {
        2
    }

    async fn thing(&self) -> Thing {
        Thing
    }

    async fn maybe(&self) -> Option<Thing> {
        Some(Thing)
    }

    async fn things(&self) -> Vec<Option<Thing>> {
        vec![Some(Thing), Some(Thing)]
    }

    /// Nullable, and refuses.
    async fn guarded(&self) -> Option<Result<i32, ApiError>> {
        Some(Err(Error::forbidden("this needs the role ADMIN").into()))
    }
}

struct Thing;

#[Object]
impl Thing {
    async fn a(&self) -> i32 {
        1
    }

    async fn fails(&self) -> Result<i32, ApiError> {
        Err(Error::conflict("no").into())
    }

    async fn may_fail(&self) -> Option<Result<i32, ApiError>> {
        Some(Err(Error::conflict("no").into()))
    }

    async fn thing(&self) -> Thing {
        Thing
    }
}

async fn ask(query: &str) -> String {
    let world = World::new();
    let router = world.router_over(Schema::new(Query, EmptyMutation, EmptySubscription));
    let body = Body::from(json!({ "query": query }).to_string());
    let request = world.request("POST", "/graphql").body(body).unwrap();
    let answer = Answer::of(router.oneshot(request).await.unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text
}

fn error(message: &str, code: &str, column: u32, path: Value) -> Value {
    json!({ "message": message, "locations": [{ "line": 1, "column": column }], "path": path,
            "extensions": { "code": code } })
}

#[tokio::test]
async fn keys_come_in_the_order_of_the_document() {
    assert_eq!(ask("{ slow fast }").await, r#"{"data":{"slow":1,"fast":2}}"#);
    assert_eq!(ask("{ fast b: slow a: fast slow }").await, r#"{"data":{"fast":2,"b":1,"a":2,"slow":1}}"#);
    let fragments = "{ ...F slow thing { ...G a } } fragment F on Query { fast slow } fragment G on Thing { b: a }";
    assert_eq!(ask(fragments).await, r#"{"data":{"fast":2,"slow":1,"thing":{"b":1,"a":1}}}"#);
}

#[tokio::test]
async fn a_failure_takes_with_it_what_cannot_be_null() {
    let conflict = |column, path| error("no", "CONFLICT", column, path);
    for (query, data, errors) in [
        // Of a nullable parent, only that.
        (
            "{ maybe { a fails } fast }",
            json!({ "maybe": null, "fast": 2 }),
            vec![conflict(13, json!(["maybe", "fails"]))],
        ),
        // Of one that cannot be null, everything up to the next that can: here the whole data.
        ("{ thing { a fails } fast }", Value::Null, vec![conflict(13, json!(["thing", "fails"]))]),
        (
            "{ maybe { thing { thing { fails } } } fast }",
            json!({ "maybe": null, "fast": 2 }),
            vec![conflict(27, json!(["maybe", "thing", "thing", "fails"]))],
        ),
        // A nullable field takes nothing with it.
        (
            "{ thing { a mayFail } fast }",
            json!({ "thing": { "a": 1, "mayFail": null }, "fast": 2 }),
            vec![conflict(13, json!(["thing", "mayFail"]))],
        ),
        // Nor does one that refuses the caller. Its key is the alias, and so is the path.
        (
            "{ x: guarded fast }",
            json!({ "x": null, "fast": 2 }),
            vec![error("this needs the role ADMIN", "FORBIDDEN", 3, json!(["x"]))],
        ),
        // Each item of a list for itself.
        (
            "{ things { a mayFail } }",
            json!({ "things": [{ "a": 1, "mayFail": null }, { "a": 1, "mayFail": null }] }),
            vec![conflict(14, json!(["things", 0, "mayFail"])), conflict(14, json!(["things", 1, "mayFail"]))],
        ),
    ] {
        let text = ask(query).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["data"], data, "{query} → {text}");
        assert_eq!(answer["errors"], json!(errors), "{query} → {text}");
        assert_eq!(answer.as_object().unwrap().len(), 2, "{text}");
    }
}

#[tokio::test]
async fn an_answer_without_errors_has_no_such_key() {
    assert_eq!(ask("{ maybe { a } }").await, r#"{"data":{"maybe":{"a":1}}}"#);
}
