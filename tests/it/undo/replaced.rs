//! SQLite's REPLACE puts a row in the place of another.

use serde_json::json;

use crate::support::{Api, Kind, World};

async fn newest(api: &Api, count: usize) -> Vec<serde_json::Value> {
    let query = "query($n: Int) { auditLogs(first: $n) { nodes { id action tableName recordId previousRecordId } } }";
    let page = api.ask(query, json!({"n": count})).await;
    page["auditLogs"]["nodes"].as_array().expect("nodes").clone()
}

/// Undone as a deletion and a creation, the creation would take the children along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_replaced_under_its_own_key_goes_back_in_place_and_keeps_its_children() {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::start(&world).await;
    world
        .sql(
            "create table p (id integer primary key, v text, w text);
             create table c (id integer primary key, p integer references p (id))",
        )
        .await;
    api.track("p").await;
    api.track("c").await;
    world.sql("insert into p values (1, 'a', 'x'); insert into c values (1, 1), (2, 1)").await;
    world.sql("replace into p values (1, 'b', 'x')").await;
    let entries = newest(&api, 2).await;
    let told = |entry: &serde_json::Value| (entry["action"].clone(), entry["previousRecordId"].clone());
    assert_eq!(told(&entries[0]), (json!("CREATE"), json!("1")));
    assert_eq!(told(&entries[1]), (json!("DELETE"), json!("1")));
    assert_eq!(api.ask("{ trash { totalCount } }", json!({})).await["trash"]["totalCount"], 0);

    let undo = "mutation($id: ID!) { undo(id: $id) { entries { action } skipped { field } } }";
    let undone = api.ask(undo, json!({"id": entries[0]["id"]})).await;
    assert_eq!(undone["undo"], json!({"entries": [{"action": "UPDATE"}], "skipped": []}));
    let rows = world.rows("select p.v, c.id from p join c on c.p = p.id order by c.id").await;
    assert_eq!(rows, [[Some("a".to_owned()), Some("1".to_owned())], [Some("a".to_owned()), Some("2".to_owned())]]);

    // What created the row is still what the row stems from.
    world.sql("delete from c").await;
    let created = "{ auditLogs(last: 1, filter: {tableName: [\"p\"], action: [CREATE]}) { nodes { id } } }";
    let created = api.ask(created, json!({})).await["auditLogs"]["nodes"][0]["id"].clone();
    api.ask(undo, json!({"id": created})).await;
    assert_eq!(world.scalar("select count(*) from p").await, "0");
}
