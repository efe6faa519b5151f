//! A preview says what an undo would do, and does nothing.

use afterimage::auth::Role;
use serde_json::{Value, json};

use super::{all, entry, preview, refused, state, steps, tracked, undo_as_planned};
use crate::support::{Api, Kind, World, both};

const TABLES: &str = "create table p (id integer primary key, sku text constraint sku_once unique, n integer constraint n_small check (n < 100)); \
    create table c (id integer primary key, p integer references p, note text)";

async fn previewed(world: &World, api: &Api, id: &str) -> Value {
    let before = (state(world).await, all(world, &["p", "c"]).await);
    let plan = preview(api, id, false).await;
    assert_eq!((state(world).await, all(world, &["p", "c"]).await), before, "{plan}");
    plan
}

/// The preview refuses with the very words of the undo; its effects.
async fn both_refuse(world: &World, api: &Api, id: &str) -> (String, Vec<String>) {
    let plan = previewed(world, api, id).await;
    assert_eq!(plan["possible"], false, "{plan}");
    let (code, reason) = refused(world, api, id).await;
    assert_eq!((&plan["code"], &plan["reason"]), (&json!(code), &json!(reason)));
    (code, steps(&plan["effects"]))
}

both! {
    async fn it_shows_the_rows_in_order_and_the_undo_does_precisely_that(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 1), (2, 'b', 2); insert into c values (1, 1, 'x'), (2, 1, null), (3, 2, 'y'); \
            update p set n = 7 where id = 2; delete from c where id = 3").await;
        let created = entry(&api, "CREATE", "p", "1").await;
        let plan = previewed(&world, &api, &created).await;
        assert_eq!(steps(&plan["effects"]), ["DELETE c 1", "DELETE c 2", "DELETE p 1"]);
        assert_eq!(plan["effects"][0]["changes"], json!([
            {"field": "id", "old": 1, "new": null, "redacted": false},
            {"field": "p", "old": 1, "new": null, "redacted": false},
            {"field": "note", "old": "x", "new": null, "redacted": false}]));
        assert_eq!((&plan["possible"], &plan["code"], &plan["reason"]), (&json!(true), &json!(null), &json!(null)));
        assert_eq!(plan["auditLog"]["id"], json!(created));
        let updated = previewed(&world, &api, &entry(&api, "UPDATE", "p", "2").await).await;
        assert_eq!(updated["effects"], json!([{"tableName": "p", "recordId": "2", "action": "UPDATE",
            "changes": [{"field": "n", "old": 7, "new": 2, "redacted": false}]}]));
        for (action, table, id) in [("CREATE", "p", "1"), ("DELETE", "c", "3"), ("UPDATE", "p", "2")] {
            undo_as_planned(&api, &entry(&api, action, table, id).await, false).await;
        }
    }

    async fn what_the_database_refuses_the_preview_tells_beside_the_rows(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 1), (2, 'b', 2), (3, 'c', 3); insert into c values (1, 3, null); \
            delete from c; delete from p where id = 3; delete from p where id = 1; \
            insert into p values (9, 'a', 9)").await;
        let (code, effects) = both_refuse(&world, &api, &entry(&api, "DELETE", "p", "1").await).await;
        assert_eq!((code.as_str(), effects), ("CONFLICT", vec!["CREATE p 1".to_owned()]), "the unique value is taken");
        let (code, effects) = both_refuse(&world, &api, &entry(&api, "DELETE", "c", "1").await).await;
        assert_eq!((code.as_str(), effects), ("CONFLICT", vec!["CREATE c 1".to_owned()]), "the parent is gone");
        // No plan can be made at all.
        let (code, effects) = both_refuse(&world, &api, &entry(&api, "CREATE", "p", "1").await).await;
        assert_eq!((code.as_str(), effects.len()), ("CONFLICT", 0));
        let tracking = entry(&api, "CREATE", "afterimage.tracked_table", "p").await;
        let (code, effects) = both_refuse(&world, &api, &tracking).await;
        assert_eq!((code.as_str(), effects.len()), ("NOT_UNDOABLE", 0));
    }

    async fn an_auditor_may_look_and_a_writer_may_not(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 1)").await;
        let id = entry(&api, "CREATE", "p", "1").await;
        let query = "query($id: ID!) { undoPreview(id: $id) { possible } }";
        let answer = api.answer_as(&[Role::Auditor], query, json!({"id": id})).await;
        assert_eq!(answer["data"]["undoPreview"]["possible"], true, "{answer}");
        assert_eq!(api.refusal_as(&[Role::Writer], query, json!({"id": id})).await.0, "FORBIDDEN");
        let of_transaction = "query($id: ID!) { undoTransactionPreview(transactionId: $id) { possible } }";
        assert_eq!(api.refusal_as(&[Role::Writer], of_transaction, json!({"id": "1"})).await.0, "FORBIDDEN");
        for unknown in ["999999", "9223372036854775807"] {
            assert_eq!(api.refusal(query, json!({"id": unknown})).await.0, "NOT_FOUND");
        }
        assert_eq!(api.refusal(query, json!({"id": "x"})).await.0, "BAD_USER_INPUT");
    }

    async fn hidden_columns_show_nothing_in_a_plan(world: World) {
        let api = tracked(&world, "create table s (id integer primary key, pin text unique, note text, a text)", &[]).await;
        let track = "mutation($i: TrackTableInput!) { trackTable(input: $i) { trackedTable { tableName } } }";
        api.ask(track, json!({"i": {"tableName": "s", "redactedColumns": ["pin"], "ignoredColumns": ["note"]}})).await;
        world.sql("insert into s values (1, '1234', 'quiet', 'a'), (2, '77', null, 'b'); update s set pin = '5678', a = 'c' where id = 1").await;
        let plan = preview(&api, &entry(&api, "CREATE", "s", "1").await, false).await;
        assert_eq!(plan["effects"][0]["changes"], json!([
            {"field": "id", "old": 1, "new": null, "redacted": false},
            {"field": "pin", "old": null, "new": null, "redacted": true},
            {"field": "a", "old": "c", "new": null, "redacted": false}]));
        let update = preview(&api, &entry(&api, "UPDATE", "s", "1").await, false).await;
        assert_eq!(update["skipped"], json!([{"tableName": "s", "recordId": "1", "field": "pin", "expected": null, "current": null}]));
        for secret in ["1234", "5678", "quiet"] {
            assert!(!format!("{plan}{update}").contains(secret), "{secret}");
        }
        undo_as_planned(&api, &entry(&api, "CREATE", "s", "1").await, false).await;
    }

    /// The rehearsal leaves no context that later changes could be taken for.
    async fn what_comes_after_a_preview_is_nobody_s_undo(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 1); update p set n = 2").await;
        preview(&api, &entry(&api, "UPDATE", "p", "1").await, false).await;
        world.sql("update p set n = 1").await;
        let data = api.ask("{ auditLogs(first: 1) { nodes { source undoOf { id } } } }", json!({})).await;
        assert_eq!(data["auditLogs"]["nodes"][0], json!({"source": "TRIGGER", "undoOf": null}));
        let left = match world.kind {
            Kind::Postgres => "select (select count(*) from afterimage.server_context) + (select count(*) from afterimage.server_undo)",
            Kind::Sqlite => "select (select count(*) from afterimage_server_context) + (select count(*) from afterimage_server_undo)",
        };
        assert_eq!(world.scalar(left).await, "0");
    }
}
