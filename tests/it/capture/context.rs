//! What the application says of its transaction.

use serde_json::{Value, json};

use super::tracked;

const T: &str = "create table t (id int primary key, a text)";

/// The entry that a change made under this context.
async fn under(context: &str) -> Value {
    let (world, api) = tracked(T, &["t"]).await;
    let context = context.replace('\'', "''");
    world
        .sql(&format!(
            "begin; select set_config('afterimage.context', '{context}', true); insert into t values (1, 'a'); commit"
        ))
        .await;
    let query =
        "{ auditLogs(first: 1) { nodes { userId username ipAddress description correlationId metadata source } } }";
    api.ask(query, json!({})).await["auditLogs"]["nodes"][0].take()
}

#[tokio::test]
async fn all_of_it_is_recorded() {
    let context = r#"{"userId":"42","username":"ann","ipAddress":"10.0.0.7","description":"it's","correlationId":"c-1","metadata":{"b":1.10,"a":[]}}"#;
    assert_eq!(
        under(context).await,
        json!({"userId": "42", "username": "ann", "ipAddress": "10.0.0.7", "description": "it's",
        "correlationId": "c-1", "metadata": {"b": 1.10, "a": []}, "source": "TRIGGER"})
    );
}

#[tokio::test]
async fn part_of_it_will_do_and_a_number_is_a_user() {
    let entry = under(r#"{"userId":9007199254740993,"metadata":null}"#).await;
    assert_eq!((entry["userId"].clone(), entry["metadata"].clone()), (json!("9007199254740993"), Value::Null));
}

#[tokio::test]
async fn what_is_malformed_is_kept_and_fails_no_write() {
    for context in ["{", "[]", "null", "\"x\"", r#"{"userId":"\u0000"}"#, r#"{"userId":"\ud800"}"#, "\u{1}"] {
        let entry = under(context).await;
        assert_eq!(entry["metadata"], json!({"malformedContext": context}), "{context}");
        assert_eq!(entry["userId"], Value::Null);
    }
    let entry = under(r#"{"userId":"1","ipAddress":"10.0.0.300","metadata":{"a":1}}"#).await;
    assert_eq!((entry["userId"].clone(), entry["ipAddress"].clone()), (json!("1"), Value::Null));
    assert_eq!(entry["metadata"], json!({"malformedIpAddress": "10.0.0.300", "metadata": {"a": 1}}));
}

#[tokio::test]
async fn what_is_overlong_is_cut_and_says_so() {
    let long = "x".repeat(100_000);
    let entry = under(&json!({"userId": long, "description": long, "metadata": {"m": long}}).to_string()).await;
    assert_eq!(entry["userId"].as_str().map(str::len), Some(500));
    assert_eq!(entry["metadata"]["truncated"], json!(true));
    let entry = under(&json!({"userId": "1", "metadata": {"m": "x".repeat(2_000_000)}}).to_string()).await;
    assert_eq!(entry["metadata"]["malformedContext"].as_str().map(str::len), Some(4000));
}

#[tokio::test]
async fn it_ends_with_its_transaction() {
    let (world, api) = tracked(T, &["t"]).await;
    world.sql("begin; select set_config('afterimage.context', '{\"userId\":\"1\"}', true); insert into t values (1, 'a'); commit; \
        begin; insert into t values (2, 'a'); commit; \
        begin; select set_config('afterimage.context', '{\"userId\":\"2\"}', true); insert into t values (3, 'a'); rollback; \
        begin; insert into t values (4, 'a'); commit").await;
    let data =
        api.ask("{ auditLogs(filter: {tableName: [\"t\"]}) { nodes { recordId userId metadata } } }", json!({})).await;
    assert_eq!(
        data["auditLogs"]["nodes"],
        json!([
            {"recordId": "4", "userId": null, "metadata": null}, {"recordId": "2", "userId": null, "metadata": null},
            {"recordId": "1", "userId": "1", "metadata": null},
        ])
    );
}
