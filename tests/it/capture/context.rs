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

/// Most contexts are read by the triggers themselves, the others by a function: it does not show.
#[tokio::test]
async fn it_is_the_same_whoever_reads_it() {
    let (world, _api) = tracked(T, &["t"]).await;
    let long = "x".repeat(900);
    let contexts = [
        "{}".to_owned(),
        r#" { "userId" : "" , "username":"" }"#.to_owned(),
        r#"{"userId":"1","userId":"2","metadata":{"a":1,"a":2}}"#.to_owned(),
        r#"{"userId":true,"username":{"a": [1, 2]},"description":[1 ,2],"correlationId":1.50}"#.to_owned(),
        r#"{"userId":null,"username":null,"description":null,"ipAddress":null,"correlationId":null,"metadata":null}"#
            .to_owned(),
        r#"{"userId":"ä\"\\\/\u00e9","metadata":[ 1.10 , 1e400, "\u00e9" ]}"#.to_owned(),
        r#"{"metadata":"text"}"#.to_owned(),
        r#"{"metadata":9007199254740993}"#.to_owned(),
        r#"{"username":"\\u0000"}"#.to_owned(),
        r#"{"ipAddress":"2001:DB8::0001"}"#.to_owned(),
        r#"{"ipAddress":"10.0.0.0/8"}"#.to_owned(),
        r#"{"ipAddress":""}"#.to_owned(),
        r#"{"ipAddress":"10.1"}"#.to_owned(),
        format!(r#"{{"userId":"{long}"}}"#),
        format!(r#"{{"correlationId":"{long}"}}"#),
        format!(r#"{{"username":"{long}","description":"{long}"}}"#),
        r#"{"userId":"1""#.to_owned(),
        "7".to_owned(),
    ];
    let parts = "user_id, username, description, ip_address, correlation_id, metadata::text";
    for (number, context) in contexts.into_iter().enumerate() {
        let context = context.replace('\'', "''");
        let set = format!("select set_config('afterimage.context', '{context}', true)");
        world.sql(&format!("begin; {set}; insert into t values ({number}, 'a'); commit")).await;
        world.sql(&format!("begin; {set}; update t set a = 'b' where id = {number}; commit")).await;
        let expected = world.rows(&format!("select {parts} from afterimage.application_context('{context}')")).await;
        for action in ["CREATE", "UPDATE"] {
            let found = format!(
                "select {parts} from afterimage.log \
                  where table_name = 't' and record_id = '{number}' and action = '{action}' and source = 'TRIGGER'"
            );
            assert_eq!(world.rows(&found).await, expected, "{context}");
        }
    }
}

/// A session that has written before, and so has its plans, writes into the new era.
#[tokio::test]
async fn an_era_begins_for_sessions_that_are_there() {
    let (world, _api) = tracked(T, &["t"]).await;
    let updates = "do $$ begin for i in 1..10 loop update t set a = a || i; end loop; end $$";
    let begin = "insert into afterimage.era (era, system_identifier, database_oid, timeline) values (2, 'other', 1, 1)";
    world
        .sql(&format!(
            "insert into t values (1, 'a'); {updates}; {begin}; {updates}; \
             insert into afterimage.era (era, system_identifier, database_oid, timeline) \
             values (2, 'again', 1, 1) on conflict do nothing"
        ))
        .await;
    let eras = "select string_agg(era || ':' || count, ',' order by era) from \
        (select era, count(*) from afterimage.log where table_name = 't' group by era) as eras";
    assert_eq!(world.scalar(eras).await, "1:11,2:10");
}
