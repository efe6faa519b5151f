//! Undoing all changes of one transaction: all of them, or none.

use afterimage::auth::Role;
use serde_json::json;

use super::{
    all, entry, last_transaction, preview_transaction, refused_transaction, steps, tracked, transaction,
    undo_transaction, undo_transaction_mutation,
};
use crate::support::{Kind, both};

const TABLES: &str = "create table p (id integer primary key, a text, b text); \
    create table c (id integer primary key, p integer references p on delete cascade on update cascade, a text)";
const START: &str = "insert into p values (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z'); \
    insert into c values (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three')";

both! {
    async fn all_of_it_goes_back_and_each_entry_is_undone(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql(START).await;
        let before = all(&world, &["p", "c"]).await;
        let id = transaction(&world, &api, "update p set a = 'a2' where id = 1; update p set a = 'a3', b = null where id = 1; \
            delete from p where id = 2; insert into p values (7, 'new', 'new'); insert into c values (70, 7, 'new'); \
            update c set p = 7 where id = 1; update p set id = 30 where id = 3; insert into p values (2, 'again', null); \
            insert into p values (8, 'brief', null); delete from p where id = 8").await;
        let after = all(&world, &["p", "c"]).await;
        let done = undo_transaction(&api, &id).await;
        assert_eq!(all(&world, &["p", "c"]).await, before, "{done}");
        let query = "query($f: AuditLogFilter) { auditLogs(filter: $f, first: 100) { nodes { id action tableName recordId undoneBy { id } } } }";
        let data = api.ask(query, json!({"f": {"transactionId": [id]}})).await;
        let nodes = data["auditLogs"]["nodes"].as_array().expect("nodes");
        for node in nodes {
            // The database's own cascade has set this one back along with the key.
            assert!(node["undoneBy"]["id"].is_string() || node["tableName"] == "c" && node["recordId"] == "3", "{node}");
        }
        let last = done["entries"].as_array().and_then(|entries| entries.last()).expect("an entry");
        assert_eq!(done["auditLog"]["id"], last["id"]);
        // And all of it again, and back again.
        let redone = undo_transaction(&api, done["auditLog"]["transactionId"].as_str().expect("an id")).await;
        assert_eq!(all(&world, &["p", "c"]).await, after, "{redone}");
        undo_transaction(&api, &last_transaction(&api).await).await;
        assert_eq!(all(&world, &["p", "c"]).await, before);
    }

    async fn one_field_changed_since_stands_in_the_way_of_all(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql(START).await;
        let id = transaction(&world, &api, "update p set a = 'mine', b = 'mine' where id = 1; delete from c where id = 3").await;
        world.sql("update p set b = 'yours' where id = 1").await;
        let before = all(&world, &["p", "c"]).await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert_eq!(code, "CONFLICT");
        let update = entry(&api, "UPDATE", "p", "1").await;
        for part in ["\"p\" \"1\"", "\"b\"", "\"mine\"", "\"yours\""] {
            assert!(message.contains(part), "{message} lacks {part}; {update}");
        }
        assert_eq!(all(&world, &["p", "c"]).await, before);
    }

    async fn rows_gone_or_come_since_stand_in_the_way(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql(START).await;
        let id = transaction(&world, &api, "update p set a = 'mine' where id = 1; insert into c values (9, null, 'mine')").await;
        world.sql("delete from c where id = 9").await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "CONFLICT" && message.contains("gone"), "{message}");
        world.sql("insert into c values (9, null, 'yours')").await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "CONFLICT" && message.contains("created anew"), "{message}");
        let id = transaction(&world, &api, "delete from c where id = 2; delete from c where id = 3").await;
        world.sql("insert into c values (2, null, 'yours')").await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "CONFLICT" && message.contains("taken"), "{message}");
    }

    async fn it_cannot_be_undone_twice(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql(START).await;
        let id = transaction(&world, &api, "update p set a = 'mine' where id = 1; delete from c where id = 3").await;
        undo_transaction(&api, &id).await;
        assert_eq!(refused_transaction(&world, &api, &id).await.0, "CONFLICT");
    }

    async fn what_cannot_be_undone_is_told_with_its_entry(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql(START).await;
        for unknown in ["1.999999", "c999", "s999", "nothing", ""] {
            assert_eq!(refused_transaction(&world, &api, unknown).await.0, "NOT_FOUND", "{unknown}");
        }
        let record = "mutation($i: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $i) { auditLogs { id transactionId } } }";
        let read = json!({"userId": "1", "action": "READ", "tableName": "p", "recordId": "1"});
        let forged = json!({"userId": "1", "action": "DELETE", "tableName": "p", "recordId": "9", "oldValues": {"id": 9}});
        let data = api.ask(record, json!({"i": [read]})).await;
        let only_reads = data["createAuditLogs"]["auditLogs"][0]["transactionId"].as_str().expect("an id");
        assert_eq!(refused_transaction(&world, &api, only_reads).await.0, "NOT_UNDOABLE");
        let answer = api.answer_as(&[Role::Writer], record, json!({"i": [read, forged]})).await;
        let forged = &answer["data"]["createAuditLogs"]["auditLogs"][1];
        let (code, message) = refused_transaction(&world, &api, forged["transactionId"].as_str().expect("an id")).await;
        assert_eq!(code, "NOT_UNDOABLE");
        assert!(message.contains(&format!("entry {}", forged["id"].as_str().expect("an id"))), "{message}");
        let id = transaction(&world, &api, "update p set a = 'mine' where id = 1; delete from c where id = 3").await;
        api.ask("mutation { untrackTable(tableName: \"c\") { tableName } }", json!({})).await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "NOT_UNDOABLE" && message.contains("\"c\"") && message.contains("entry"), "{message}");
    }

    /// Not even an administrator's word is taken back by halves.
    async fn what_was_recorded_by_hand_goes_back_too(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        let record = "mutation($i: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $i) { auditLogs { transactionId } } }";
        let deletion = |id: u32| json!({"userId": "1", "action": "DELETE", "tableName": "p", "recordId": id.to_string(),
            "oldValues": {"id": id, "a": "told"}});
        let read = json!({"userId": "1", "action": "READ", "tableName": "p", "recordId": "1"});
        let data = api.ask(record, json!({"i": [deletion(1), read, deletion(2)]})).await;
        let id = data["createAuditLogs"]["auditLogs"][0]["transactionId"].as_str().expect("an id");
        let done = undo_transaction(&api, id).await;
        assert_eq!(steps(&done["effects"]), ["CREATE p 2", "CREATE p 1"]);
    }

    async fn redacted_changes_stand_in_the_way_unless_the_row_goes_anyway(world: World) {
        let api = tracked(&world, "create table s (id integer primary key, pin text, a text)", &[]).await;
        let track = "mutation($i: TrackTableInput!) { trackTable(input: $i) { trackedTable { tableName } } }";
        api.ask(track, json!({"i": {"tableName": "s", "redactedColumns": ["pin"]}})).await;
        world.sql("insert into s values (1, '1', 'a'), (2, '2', 'a')").await;
        let id = transaction(&world, &api, "update s set pin = '9', a = 'b' where id = 1").await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "NOT_UNDOABLE" && message.contains("pin") && !message.contains('9'), "{message}");
        let id = transaction(&world, &api, "insert into s values (3, '3', 'a'); update s set pin = '4' where id = 3; \
            update s set pin = '5', a = 'b' where id = 3; delete from s where id = 2").await;
        let done = undo_transaction(&api, &id).await;
        assert_eq!(steps(&done["effects"])[0], "CREATE s 2");
        assert_eq!(done["skipped"], json!([{"tableName": "s", "recordId": "2", "field": "pin", "expected": null, "current": null}]));
        assert_eq!(world.rows("select id, pin from s order by id").await, [[Some("1".into()), Some("9".into())], [Some("2".into()), None]]);
    }

    async fn more_rows_than_allowed_need_the_hash(world: World) {
        world.sql("create table t (id integer primary key)").await;
        let api = crate::support::Api::start_with(&world, |settings| settings.undo_max_rows = 3).await;
        api.track("t").await;
        let id = transaction(&world, &api, "insert into t values (1), (2), (3), (4)").await;
        let (code, message) = api.refusal(&undo_transaction_mutation(), json!({"id": id})).await;
        assert!(code == "CONFLICT" && message.contains("--undo-max-rows"), "{message}");
        let plan = preview_transaction(&api, &id).await;
        assert_eq!(plan["effects"].as_array().map(Vec::len), Some(4));
        undo_transaction(&api, &id).await;
        assert!(all(&world, &["t"]).await[0].is_empty());
    }

    async fn without_a_context_row_a_transaction_of_sqlite_has_no_id(world: World) {
        if world.kind == Kind::Postgres {
            return;
        }
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql(START).await;
        let data = api.ask("{ auditLogs(first: 1) { nodes { transactionId } } }", json!({})).await;
        assert_eq!(data["auditLogs"]["nodes"][0]["transactionId"], json!(null));
    }

    /// The foreign key's own action changes the child's key back before its turn comes.
    async fn keys_that_follow_a_parents_key_go_back_with_it(world: World) {
        let tables = "create table actor (id integer primary key); create table film (id integer primary key); \
            create table part (actor integer references actor (id) on update cascade, film integer, \
            note text, primary key (actor, film))";
        let api = tracked(&world, tables, &["actor", "film", "part"]).await;
        world.sql("insert into actor values (1); insert into part values (1, 7, 'lead'), (1, 8, 'extra')").await;
        let before = all(&world, &["actor", "part"]).await;
        let changed = transaction(&world, &api, "update actor set id = 2; update part set note = 'x' where film = 7").await;
        undo_transaction(&api, &changed).await;
        assert_eq!(all(&world, &["actor", "part"]).await, before);
        let query = "query($f: AuditLogFilter) { auditLogs(filter: $f) { nodes { undoneBy { source } } } }";
        let data = api.ask(query, json!({"f": {"transactionId": [changed]}})).await;
        let nodes = data["auditLogs"]["nodes"].as_array().expect("a list");
        assert_eq!(nodes.len(), 7);
        assert!(nodes.iter().all(|node| node["undoneBy"]["source"] == "UNDO"), "{data}");
    }

}
