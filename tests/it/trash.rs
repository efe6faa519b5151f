//! The trash: deletions after which nothing came.

use afterimage::auth::Role;
use serde_json::{Value, json};

use crate::support::{Api, both, by_hand};

/// The keys in the trash, the most recent first.
async fn trash(api: &Api, filter: Value) -> Vec<String> {
    let query = "query($f: AuditLogFilter) { trash(filter: $f) { totalCount nodes { recordId action } } }";
    let data = api.ask(query, json!({"f": filter})).await;
    let nodes = data["trash"]["nodes"].as_array().unwrap();
    assert_eq!(data["trash"]["totalCount"], nodes.len());
    assert!(nodes.iter().all(|node| node["action"] == "DELETE"));
    nodes.iter().map(|node| node["recordId"].as_str().unwrap().to_owned()).collect()
}

async fn record_as(api: &Api, role: Role, key: &str, action: &str) {
    let mutation = "mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }";
    let input = by_hand(key, json!({"action": action, "tableName": "machines"}));
    let answer = api.answer_as(&[role], mutation, json!({"i": input})).await;
    assert!(answer.get("errors").is_none(), "{answer}");
}

fn machine(id: u32) -> String {
    format!("insert into machines (id, name, kind, status) values ({id}, 'Machine {id}', 'lathe', 'idle')")
}

both! {
    async fn an_object_is_in_the_trash_while_its_deletion_is_its_last_change(world: World) {
        let api = Api::start(&world).await;
        world.insert("action, table_name, record_id", "
            ('CREATE', 't', 'kept'), ('CREATE', 't', 'gone'), ('DELETE', 't', 'gone'),
            ('DELETE', 't', 'read since'), ('READ', 't', 'read since'),
            ('DELETE', 't', 'made again'), ('CREATE', 't', 'made again'),
            ('DELETE', 't', 'changed'), ('UPDATE', 't', 'changed'),
            ('DELETE', 't', 'twice'), ('CREATE', 't', 'twice'), ('DELETE', 't', 'twice'),
            ('DELETE', 't', 'elsewhere'), ('CREATE', 'u', 'elsewhere'),
            ('DELETE', 't', null)").await;
        assert_eq!(trash(&api, json!({})).await, ["elsewhere", "twice", "read since", "gone"]);
    }

    async fn a_filter_chooses_among_the_deletions_and_hides_nothing_that_came_later(world: World) {
        let api = Api::start(&world).await;
        world.insert("action, table_name, record_id, user_id, \"timestamp\"", "
            ('DELETE', 't', 'a', '1', '2026-03-01T00:00:00.000Z'), ('DELETE', 't', 'b', '2', '2026-03-02T00:00:00.000Z'),
            ('DELETE', 'u', 'c', '1', '2026-03-03T00:00:00.000Z'),
            ('DELETE', 't', 'd', '1', '2026-03-01T00:00:00.000Z'), ('CREATE', 't', 'd', '2', '2026-03-04T00:00:00.000Z')").await;
        assert_eq!(trash(&api, json!({"userId": ["1"]})).await, ["c", "a"]);
        assert_eq!(trash(&api, json!({"tableName": ["t"]})).await, ["b", "a"]);
        assert_eq!(trash(&api, json!({"end": "2026-03-02"})).await, ["b", "a"]);
        assert_eq!(trash(&api, json!({"action": ["CREATE"]})).await, [""; 0]);
        assert_eq!(trash(&api, json!({"not": {"userId": ["1"]}})).await, ["b"]);
    }

    /// The clock may step back; the order of one object's changes is that of their ids.
    async fn what_came_last_is_decided_by_the_id(world: World) {
        let api = Api::start(&world).await;
        world.insert("action, table_name, record_id, \"timestamp\"", "
            ('CREATE', 't', 'a', '2026-03-02T00:00:00.000Z'), ('DELETE', 't', 'a', '2026-03-01T00:00:00.000Z'),
            ('DELETE', 't', 'b', '2026-03-02T00:00:00.000Z'), ('CREATE', 't', 'b', '2026-03-01T00:00:00.000Z')").await;
        assert_eq!(trash(&api, json!({})).await, ["a"]);
    }

    async fn what_a_program_deletes_is_there_until_it_is_restored(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(&format!("{}; {}; delete from machines", machine(1), machine(2))).await;
        assert_eq!(trash(&api, json!({})).await.len(), 2);
        let data = api.ask("{ trash(filter: {recordId: 1}) { nodes { id } } }", json!({})).await;
        let undo = "mutation($id: ID!) { undo(id: $id) { auditLog { action } } }";
        api.ask(undo, json!({"id": data["trash"]["nodes"][0]["id"]})).await;
        assert_eq!(trash(&api, json!({})).await, ["2"]);
        world.sql("delete from machines where id = 1").await;
        assert_eq!(trash(&api, json!({})).await, ["1", "2"]);
    }

    async fn a_changed_key_is_no_deletion(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(&machine(1)).await;
        world.sql("update machines set id = 7 where id = 1").await;
        assert_eq!(trash(&api, json!({})).await, [""; 0]);
        world.sql("delete from machines").await;
        assert_eq!(trash(&api, json!({})).await, ["7"]);
    }

    /// Who may only write entries cannot make rows of a tracked table appear in the trash, or vanish from it.
    async fn entries_by_hand_of_a_writer_count_only_while_the_table_is_not_tracked(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(&machine(1)).await;
        world.sql("delete from machines").await;
        record_as(&api, Role::Writer, "1", "CREATE").await;
        record_as(&api, Role::Writer, "99", "DELETE").await;
        assert_eq!(trash(&api, json!({})).await, ["1"]);
        api.ask("mutation { untrackTable(tableName: \"machines\") { tableName } }", json!({})).await;
        assert_eq!(trash(&api, json!({"tableName": "machines"})).await, ["99"]);
        api.track("machines").await;
        assert_eq!(trash(&api, json!({"tableName": "machines"})).await, ["1"]);
    }

    async fn entries_by_hand_of_an_administrator_count(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(&machine(1)).await;
        world.sql("delete from machines").await;
        record_as(&api, Role::Admin, "99", "DELETE").await;
        assert_eq!(trash(&api, json!({})).await, ["99", "1"]);
        record_as(&api, Role::Admin, "1", "CREATE").await;
        assert_eq!(trash(&api, json!({})).await, ["99"]);
    }
}
