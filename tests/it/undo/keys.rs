//! Undoing a change of the key, which the log tells as two entries that point at each other.

use serde_json::json;

use super::{conflict, entry, last_transaction, rows, tracked, transaction, undo, undo_as_planned, undo_transaction};
use crate::support::{Kind, World, both};

const TABLES: &str = "create table p (id integer primary key, a text, b text); \
    create table c (id integer primary key, p integer references p on update cascade)";

both! {
    async fn a_change_of_the_key_is_two_entries_that_point_at_each_other(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'b'); update p set id = 2, a = 'x'").await;
        let query = "{ auditLogs(first: 2) { nodes { action recordId previousRecordId oldValues newValues } } \
            trash { nodes { id } } }";
        let data = api.ask(query, json!({})).await;
        assert_eq!(data["auditLogs"]["nodes"], json!([
            {"action": "CREATE", "recordId": "2", "previousRecordId": "1", "oldValues": null,
             "newValues": {"id": 2, "a": "x", "b": "b"}},
            {"action": "DELETE", "recordId": "1", "previousRecordId": "2", "newValues": null,
             "oldValues": {"id": 1, "a": "a", "b": "b"}},
        ]));
        assert_eq!(data["trash"]["nodes"], json!([]));
    }

    async fn either_half_is_undone_by_one_update_and_children_keep(world: World) {
        for (action, half) in [("CREATE", "2"), ("DELETE", "1")] {
            let fresh = World::new(world.kind).await;
            let api = tracked(&fresh, TABLES, &["p", "c"]).await;
            fresh.sql("insert into p values (1, 'a', 'b'); insert into c values (9, 1)").await;
            let before = (rows(&fresh, "p").await, rows(&fresh, "c").await);
            fresh.sql("update p set id = 2, a = 'x'").await;
            let (deletion, creation) = (entry(&api, "DELETE", "p", "1").await, entry(&api, "CREATE", "p", "2").await);
            let done = undo(&api, &entry(&api, action, "p", half).await).await;
            assert_eq!((rows(&fresh, "p").await, rows(&fresh, "c").await), before);
            let about_p = |e: &&serde_json::Value| e["tableName"] == "p";
            let brief = |e: &serde_json::Value| json!([e["action"], e["recordId"], e["undoOf"]["id"]]);
            let entries: Vec<_> = done["entries"].as_array().expect("a list").iter().filter(about_p).map(brief).collect();
            assert_eq!(entries, [json!(["DELETE", "2", creation]), json!(["CREATE", "1", deletion])]);
            assert_eq!(done["derived"][0]["tableName"], "c", "the cascade");
            assert_eq!(done["auditLog"]["recordId"], "1");
            // And back again.
            undo(&api, done["auditLog"]["id"].as_str().expect("an id")).await;
            assert_eq!(fresh.scalar("select id || a from p").await, "2x");
            assert_eq!(fresh.scalar("select p from c").await, "2");
        }
    }

    async fn a_field_changed_since_is_left_alone_and_a_taken_key_is_a_conflict(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'b'); update p set id = 2, a = 'x', b = 'y'; update p set b = 'z'").await;
        let id = entry(&api, "CREATE", "p", "2").await;
        world.sql("insert into p values (1, 'new', 'new')").await;
        conflict(&world, &api, &id, "p").await;
        world.sql("delete from p where id = 1").await;
        let done = undo(&api, &id).await;
        assert_eq!(done["skipped"], json!([{"field": "b", "expected": "y", "current": "z"}]));
        assert_eq!(world.scalar("select id || a || b from p").await, "1az");
        conflict(&world, &api, &id, "gone").await;
    }

    async fn composite_keys_go_back(world: World) {
        let api = tracked(&world, "create table t (a text, b integer, primary key (a, b))", &["t"]).await;
        world.sql("insert into t values ('x', 1), ('y', 1)").await;
        let before = rows(&world, "t").await;
        world.sql("update t set b = b + 1").await;
        undo(&api, &entry(&api, "CREATE", "t", "[\"x\",\"2\"]").await).await;
        undo(&api, &entry(&api, "DELETE", "t", "[\"y\",\"1\"]").await).await;
        assert_eq!(rows(&world, "t").await, before);
    }

    async fn either_half_of_a_key_change_that_the_row_itself_follows_is_undone(world: World) {
        for (action, key) in FOLLOWING {
            for (half, id) in [("DELETE", "3"), ("CREATE", "2")] {
                let fresh = World::new(world.kind).await;
                let api = tracked(&fresh, &following(action, key), &["t"]).await;
                fresh.sql("insert into t values (1, 'one', null), (3, 'x', 3), (4, 'y', 3)").await;
                fresh.sql("update t set k = 2 where k = 3").await;
                undo_as_planned(&api, &entry(&api, half, "t", id).await, false).await;
                assert_eq!(fresh.scalar("select k from t where c = 'x'").await, "3", "{action} {half}");
            }
        }
    }

    async fn a_key_that_others_refer_to_by_now_stays_and_the_preview_knows(world: World) {
        let tables = "create table p (id integer primary key, a text); \
            create table c (id integer primary key, p integer references p)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a'); update p set id = 2; insert into c values (1, 2)").await;
        let id = entry(&api, "CREATE", "p", "2").await;
        let plan = crate::undo::preview(&api, &id, false).await;
        assert_eq!((&plan["possible"], &plan["code"]), (&json!(false), &json!("CONFLICT")), "{plan}");
        conflict(&world, &api, &id, "\"c\"").await;
        world.sql("delete from c").await;
        undo(&api, &id).await;
    }
}

/// What a foreign key of a table to itself does when a key changes, and the key.
const FOLLOWING: [(&str, &str); 3] = [
    ("cascade", "integer primary key"),
    ("set null", "int not null primary key"),
    ("set default", "integer primary key"),
];

fn following(action: &str, key: &str) -> String {
    format!("create table t (k {key}, c text, f integer default 1 references t (k) on update {action})")
}

/// SQLite sets the reference before it fires the triggers of the row that it stands in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_changes_a_key_that_the_row_itself_follows_is_undone() {
    for (action, key) in FOLLOWING {
        let world = World::new(Kind::Sqlite).await;
        let api = tracked(&world, &following(action, key), &["t"]).await;
        world.sql("insert into t values (1, 'one', null), (3, 'x', 3), (4, 'y', 3)").await;
        let before = rows(&world, "t").await;
        let moved = transaction(&world, &api, "update t set k = 2 where k = 3").await;
        let away = rows(&world, "t").await;
        undo_transaction(&api, &moved).await;
        assert_eq!(rows(&world, "t").await, before, "{action}");
        let again = last_transaction(&api).await;
        undo_transaction(&api, &again).await;
        assert_eq!(rows(&world, "t").await, away, "{action}");
    }
}
