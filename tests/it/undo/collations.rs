//! Keys of a collation to which different texts are equal, on PostgreSQL: record ids are told apart by their bytes.

use serde_json::{Value, json};

use super::{
    conflict, entry, last_transaction, preview, rows, tracked, transaction, undo_as_planned, undo_transaction,
};
use crate::support::{Api, Kind, World};

/// Without regard to case; `sh`, without regard to punctuation either.
const COLLATIONS: &str = "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
    create collation sh (provider = icu, locale = 'und-u-ka-shifted', deterministic = false); \
    create domain word as text collate ci";
/// Keys, and the record id of a row whose key begins with `abc`.
const KEYS: [(&str, &str); 3] = [
    ("k text collate ci primary key, n int default 1", "abc"),
    ("k word primary key, n int default 1", "abc"),
    ("k text collate ci, n int default 1, primary key (k, n)", r#"["abc","1"]"#),
];

async fn world_of(key: &str) -> (World, Api) {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, &format!("{COLLATIONS}; create table t ({key}, v int)"), &["t"]).await;
    (world, api)
}

/// The instant that the database's clock has reached, and left behind.
async fn moment(world: &World) -> String {
    let clock = r#"select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#;
    let now = world.scalar(clock).await;
    while world.scalar(clock).await == now {}
    now
}

/// The keys of an object as it is and as it was.
async fn seen(api: &Api, record_id: &str, instant: &str) -> (Value, Value) {
    let query = format!(
        "query($r: ID!) {{ trackedObject(tableName: \"t\", recordId: $r) {{ current at(instant: {instant:?}) }} }}"
    );
    let data = api.ask(&query, json!({"r": record_id})).await;
    (data["trackedObject"]["current"]["k"].clone(), data["trackedObject"]["at"]["k"].clone())
}

#[tokio::test]
async fn a_key_that_changes_to_an_equal_text_is_a_changed_key() {
    for alter in ["select 1", "alter table t add more int"] {
        for (key, id) in KEYS {
            let (world, api) = world_of(key).await;
            let upper = id.to_uppercase();
            world.sql(alter).await;
            world.sql("insert into t (k, v) values ('abc', 1)").await;
            let before = moment(&world).await;
            world.sql("update t set k = 'ABC', v = 2").await;
            let after = moment(&world).await;
            let query = "{ auditLogs(first: 2) { nodes { action recordId previousRecordId } } }";
            let data = api.ask(query, json!({})).await;
            assert_eq!(
                data["auditLogs"]["nodes"],
                json!([
                    {"action": "CREATE", "recordId": upper, "previousRecordId": id},
                    {"action": "DELETE", "recordId": id, "previousRecordId": upper},
                ]),
                "{key}, {alter}"
            );
            assert_eq!(seen(&api, id, &before).await, (Value::Null, json!("abc")), "{key}");
            assert_eq!(seen(&api, id, &after).await, (Value::Null, Value::Null), "{key}");
            assert_eq!(seen(&api, &upper, &before).await, (json!("ABC"), Value::Null), "{key}");
            assert_eq!(seen(&api, &upper, &after).await, (json!("ABC"), json!("ABC")), "{key}");
        }
    }
}

#[tokio::test]
async fn a_key_that_changed_to_an_equal_text_goes_back_and_forth() {
    for alter in ["select 1", "alter table t add more int"] {
        for (key, id) in KEYS {
            let (world, api) = world_of(key).await;
            world.sql(alter).await;
            world.sql("insert into t (k, v) values ('abc', 1), ('xyz', 9)").await;
            let was = rows(&world, "t").await;
            let changed = transaction(&world, &api, "update t set k = 'ABC', v = 2 where v = 1").await;
            let is = rows(&world, "t").await;
            let halves = [entry(&api, "DELETE", "t", id).await, entry(&api, "CREATE", "t", &id.to_uppercase()).await];
            for half in &halves {
                let done = undo_as_planned(&api, half, false).await;
                assert_eq!(rows(&world, "t").await, was, "{key}, {alter}");
                let reversed: Vec<_> =
                    done["entries"].as_array().expect("a list").iter().map(|e| e["undoOf"]["id"].clone()).collect();
                assert_eq!(reversed, [json!(halves[1]), json!(halves[0])], "{key}, {alter}");
                let redo = done["auditLog"]["id"].as_str().expect("an id");
                undo_as_planned(&api, redo, false).await;
                assert_eq!(rows(&world, "t").await, is, "{key}, {alter}");
            }
            undo_transaction(&api, &changed).await;
            assert_eq!(rows(&world, "t").await, was, "{key}, {alter}");
            let again = last_transaction(&api).await;
            undo_transaction(&api, &again).await;
            assert_eq!(rows(&world, "t").await, is, "{key}, {alter}");
        }
    }
}

#[tokio::test]
async fn an_undo_meets_no_row_whose_key_is_only_equal_to_the_entrys() {
    let (world, api) = world_of(KEYS[0].0).await;
    world.sql("insert into t values ('abc', 1, 1); update t set v = 2").await;
    let update = entry(&api, "UPDATE", "t", "abc").await;
    world.sql("delete from t").await;
    let deletion = entry(&api, "DELETE", "t", "abc").await;
    world.sql("insert into t values ('ABC', 1, 2)").await;
    conflict(&world, &api, &update, "gone").await;
    assert_eq!(preview(&api, &deletion, false).await["possible"], false, "the key is taken");
    conflict(&world, &api, &deletion, "t_pkey").await;
    world.sql("delete from t").await;
    let done = undo_as_planned(&api, &deletion, false).await;
    assert_eq!(done["entries"][0]["undoOf"]["id"], json!(deletion));
}

#[tokio::test]
async fn children_of_a_key_that_changed_to_an_equal_text_follow() {
    let (world, api) = world_of(KEYS[0].0).await;
    world.sql("create table c (id int primary key, t text collate ci references t on update cascade)").await;
    api.track("c").await;
    world.sql("insert into t values ('abc', 1, 1); insert into c values (1, 'abc')").await;
    let was = (rows(&world, "t").await, rows(&world, "c").await);
    let changed = transaction(&world, &api, "update t set k = 'ABC'").await;
    assert_eq!(world.scalar("select t from c").await, "ABC");
    let creation = entry(&api, "CREATE", "t", "ABC").await;
    undo_as_planned(&api, &creation, false).await;
    assert_eq!((rows(&world, "t").await, rows(&world, "c").await), was);
    undo_transaction(&api, &last_transaction(&api).await).await;
    assert_eq!(world.scalar("select t from c").await, "ABC");
    undo_transaction(&api, &changed).await;
    assert_eq!((rows(&world, "t").await, rows(&world, "c").await), was);
}

#[tokio::test]
async fn arrays_are_recorded_alike_where_punctuation_counts_for_nothing() {
    for alter in ["select 1", "alter table t add more int"] {
        let (world, api) = world_of("k int primary key, a text[] collate sh").await;
        world.sql(alter).await;
        world.sql("insert into t values (1, '{x,y}'), (2, '[0:1]={x,y}')").await;
        for (id, value) in [("1", json!(["x", "y"])), ("2", json!("[0:1]={x,y}"))] {
            let data = api.ask(
                "query($r: ID!) { trackedObject(tableName: \"t\", recordId: $r) { current \
                    history(first: 1) { nodes { newValues } } } }",
                json!({"r": id}),
            );
            let object = data.await["trackedObject"].take();
            assert_eq!(object["history"]["nodes"][0]["newValues"]["a"], value, "{alter}");
            assert_eq!(object["current"]["a"], value, "{alter}");
        }
    }
}
