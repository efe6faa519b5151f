//! One object seen through its history, on both databases.

mod blame;
mod columns;
mod doubt;
mod life;
mod many;
mod random;
mod types;
mod who;

use serde_json::{Value, json};

use crate::support::{Api, Kind, World};

/// Tables that the test made, tracked.
async fn tracked(world: &World, tables: &str, names: &[&str]) -> Api {
    let api = Api::start(world).await;
    world.sql(tables).await;
    for name in names {
        api.track(name).await;
    }
    api
}

/// The present instant by the database's clock, which has moved on once this returns: what was done before lies at this
/// instant or before, what is done next after it.
async fn moment(world: &World) -> String {
    let clock = match world.kind {
        Kind::Postgres => r#"select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#,
        Kind::Sqlite => "select strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
    };
    let now = world.scalar(clock).await;
    while world.scalar(clock).await == now {}
    now
}

const OBJECT: &str = "query($t: String!, $r: ID!) { trackedObject(tableName: $t, recordId: $r) { ";

/// What is asked of an object, as an administrator.
async fn ask(api: &Api, table: &str, record_id: &str, fields: &str) -> Value {
    let query = format!("{OBJECT}{fields} }} }}");
    api.ask(&query, json!({"t": table, "r": record_id})).await["trackedObject"].take()
}

/// The row as it is.
async fn current(api: &Api, table: &str, record_id: &str) -> Value {
    ask(api, table, record_id, "current").await["current"].take()
}

/// The row as it was.
async fn at(api: &Api, table: &str, record_id: &str, instant: &str) -> Value {
    ask(api, table, record_id, &format!("at(instant: {instant:?})")).await["at"].take()
}

/// Code and sentence of what is answered to the question how the row was.
async fn unknown_at(api: &Api, table: &str, record_id: &str, instant: &str) -> (String, String) {
    let query = format!("{OBJECT}at(instant: {instant:?}) }} }}");
    api.refusal(&query, json!({"t": table, "r": record_id})).await
}

/// Each field with its value and the action and id of the entry that set it.
async fn blame(api: &Api, table: &str, record_id: &str) -> Value {
    let fields = "blame { field value auditLog { id action } }";
    let object = ask(api, table, record_id, fields).await;
    let list = object["blame"].as_array().expect("a list").iter();
    let brief = |blame: &Value| json!([blame["field"], blame["value"], blame["auditLog"]["id"]]);
    list.map(brief).collect()
}

/// The ids of the entries about an object, the oldest first.
async fn ids(api: &Api, table: &str, record_id: &str) -> Vec<String> {
    let object = ask(api, table, record_id, "history(first: 1000) { nodes { id } }").await;
    let nodes = object["history"]["nodes"].as_array().expect("nodes").iter().rev();
    nodes.map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
}
