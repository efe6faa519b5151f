//! SQLite's context rows, as the API shows what came of them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::track;
use super::watched::Serving;
use crate::support::{Api, Kind, World};

const T: &str = "create table t (id integer primary key, a text)";

async fn shown(api: &Api) -> Vec<Value> {
    let query = "{ auditLogs(filter: {tableName: [\"t\"]}) \
        { nodes { recordId userId username ipAddress description correlationId metadata transactionId } } }";
    let data = api.ask(query, json!({})).await;
    let mut nodes = data["auditLogs"]["nodes"].as_array().expect("a list").clone();
    nodes.reverse();
    nodes
}

#[tokio::test]
async fn whatever_a_context_holds_the_page_shows_it() {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::start(&world).await;
    world.sql(T).await;
    track(&api, "t", "").await;
    let values = [
        "'{'",
        "'[1.10, null]'",
        "'null'",
        "''",
        "x'00ff'",
        "9e999",
        "char(0)",
        "'a' || char(0) || '\"b'",
        "CAST(x'ff' AS TEXT)",
    ];
    for (number, value) in values.iter().enumerate() {
        world
            .sql(&format!(
                "begin immediate; insert into afterimage_context (user_id, username, ip_address, description, correlation_id, metadata) \
                 select x, x, x, x, x, x from (select {value} as x); insert into t values ({number}, 'a'); \
                 delete from afterimage_context; commit"
            ))
            .await;
    }
    let found = shown(&api).await;
    assert_eq!(found.len(), values.len());
    assert_eq!(found[1]["metadata"]["metadata"], json!([1.10, null]));
    assert_eq!(found[1]["metadata"]["malformedIpAddress"], json!("[1.10, null]"));
    assert_eq!((&found[0]["userId"], &found[0]["ipAddress"]), (&json!("{"), &Value::Null));
    assert!(found[0]["metadata"].to_string().contains('{'), "{}", found[0]);
}

/// Nothing else would stop it from naming everyone who writes without a context for ten minutes.
#[tokio::test]
async fn a_context_that_a_writer_without_foreign_keys_left_behind_is_removed_by_the_server() {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::start(&world).await;
    world.sql(T).await;
    track(&api, "t", "").await;
    let serving = Serving::start(&world).await;
    world.sql("pragma foreign_keys = off; insert into afterimage_context (user_id) values ('42')").await;
    let removed = async {
        while world.scalar("select count(*) from afterimage_context").await != "0" {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), removed).await.expect("the server removes it");
    world.sql("insert into t values (1, 'a')").await;
    assert_eq!(shown(&api).await[0]["userId"], Value::Null);
    serving.end().await;
}
