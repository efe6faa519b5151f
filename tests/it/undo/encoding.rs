//! SQLite takes any bytes for text.

use serde_json::json;

use crate::support::{Api, Kind, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_no_utf8_breaks_no_page_and_is_not_touched_by_an_undo() {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::start(&world).await;
    world.sql("create table t (id integer primary key, x text, y text)").await;
    api.track("t").await;
    world.sql("insert into t values (1, cast(x'61ff62' as text), 'a')").await;
    world.sql("update t set x = cast(x'61fe62' as text), y = 'b'").await;
    let page =
        api.ask("{ auditLogs(filter: {tableName: [\"t\"]}) { nodes { id action newValues } } }", json!({})).await;
    let update = &page["auditLogs"]["nodes"][0];
    assert_eq!(update["newValues"], json!({"x": "a\u{fffd}b", "y": "b"}));

    let undo = "mutation($id: ID!) { undo(id: $id) { skipped { field } } }";
    let undone = api.ask(undo, json!({"id": update["id"]})).await;
    assert_eq!(undone["undo"]["skipped"], json!([{"field": "x"}]));
    assert_eq!(world.scalar("select hex(x) || y from t").await, "61FE62a");

    world.sql("delete from t").await;
    let page = api.ask("{ trash { nodes { id } } }", json!({})).await;
    let (code, sentence) = api.refusal(undo, json!({"id": page["trash"]["nodes"][0]["id"]})).await;
    assert_eq!(code, "NOT_UNDOABLE");
    assert!(sentence.contains("UTF-8"), "{sentence}");
    assert_eq!(world.scalar("select count(*) from t").await, "0");
}
