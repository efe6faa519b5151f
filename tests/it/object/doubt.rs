//! What the log cannot know: times in which nothing was captured, and entries that anyone may have made.

use afterimage::auth::Role;
use serde_json::{Value, json};

use super::{ask, at, blame, current, ids, moment, tracked, unknown_at};
use crate::support::{Api, Kind, World, both, by_hand};

const TABLE: &str = "create table t (id integer primary key, a text, b text)";
const UNTRACK: &str = "mutation { untrackTable(tableName: \"t\") { tableName } }";

/// Puts the entry into the log that tells of a gap in capture.
async fn tell_of_gap(world: &World, since: &str, until: &str) {
    let gap = format!("'{{\"gap\":{{\"since\":\"{since}\",\"until\":\"{until}\"}}}}'");
    let columns = "action, table_name, record_id, source, metadata";
    world.insert(columns, &format!("('UPDATE', 'afterimage.tracked_table', 't', 'API', {gap})")).await;
}

both! {
    async fn nothing_is_believed_across_a_time_in_which_the_table_was_not_tracked(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b'), (2, 'x', 'y'); update t set a = 'a2' where id = 1").await;
        let before = moment(&world).await;
        api.ask(UNTRACK, json!({})).await;
        let untracked = moment(&world).await;
        world.sql("update t set a = 'unseen', b = 'unseen'; delete from t where id = 2").await;
        assert_eq!(current(&api, "t", "1").await, Value::Null, "its rows are no business of the log's");
        api.track("t").await;
        let after = moment(&world).await;
        world.sql("update t set b = 'b2'").await;
        assert_eq!(at(&api, "t", "1", &before).await, json!({"id": 1, "a": "a2", "b": "b"}));
        assert_eq!(at(&api, "t", "1", &after).await, json!({"id": 1, "a": "unseen", "b": "unseen"}));
        assert_eq!(at(&api, "t", "2", &after).await, Value::Null);
        for key in ["1", "2"] {
            let (code, message) = unknown_at(&api, "t", key, &untracked).await;
            assert_eq!((code.as_str(), message.contains("without a break only since")), ("BAD_USER_INPUT", true), "{message}");
        }
        let last = ids(&api, "t", "1").await.pop();
        assert_eq!(blame(&api, "t", "1").await, json!([["id", 1, null], ["a", "unseen", null], ["b", "b2", last]]));
    }

    async fn nothing_is_believed_across_a_change_of_the_key(world: World) {
        let api = tracked(&world, "create table t (id integer primary key, k integer not null, v text)", &["t"]).await;
        world.sql("insert into t values (1, 10, 'a'), (2, 1, 'b'); update t set v = 'a2' where id = 1").await;
        let early = moment(&world).await;
        world.sql(match world.kind {
            Kind::Postgres => "alter table t drop constraint t_pkey; alter table t add primary key (k)",
            Kind::Sqlite => "create table u (id integer, k integer not null primary key, v text); insert into u select * from t; \
                drop table t; alter table u rename to t",
        }).await;
        let nobody = json!([["id", 2, null], ["k", 1, null], ["v", "b", null]]);
        assert_eq!(blame(&api, "t", "1").await, nobody, "the row is not the one that the log calls so");
        api.track("t").await;
        assert_eq!(blame(&api, "t", "1").await, nobody);
        let late = moment(&world).await;
        world.sql("update t set v = 'c' where k = 1").await;
        let last = ids(&api, "t", "1").await.pop();
        assert_eq!(blame(&api, "t", "1").await, json!([["id", 2, null], ["k", 1, null], ["v", "c", last]]));
        match world.kind {
            Kind::Postgres => assert_eq!(at(&api, "t", "1", &early).await, json!({"id": 1, "k": 10, "v": "a2"})),
            // The rebuild took the triggers away, nobody knows when.
            Kind::Sqlite => assert_eq!(unknown_at(&api, "t", "1", &early).await.0, "BAD_USER_INPUT"),
        }
        assert_eq!(at(&api, "t", "1", &late).await, json!({"id": 2, "k": 1, "v": "b"}));
        assert_eq!(at(&api, "t", "10", &late).await, json!({"id": 1, "k": 10, "v": "a2"}));
        let (code, message) = unknown_at(&api, "t", "10", &early).await;
        assert_eq!(code, "BAD_USER_INPUT", "{message}");
    }

    async fn nothing_is_believed_across_a_gap(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (2, 'x', 'y'), (3, 'k', 'l')").await;
        let early = moment(&world).await;
        world.sql("update t set a = 'a2' where id = 2").await;
        let since = moment(&world).await;
        let within = moment(&world).await;
        let until = moment(&world).await;
        tell_of_gap(&world, &since, &until).await;
        let after = moment(&world).await;
        world.sql("update t set b = 'b2' where id = 2").await;
        assert_eq!(at(&api, "t", "2", &early).await, json!({"id": 2, "a": "x", "b": "y"}), "from the creation");
        let (code, message) = unknown_at(&api, "t", "2", &within).await;
        assert_eq!((code.as_str(), message.contains("not recorded from")), ("BAD_USER_INPUT", true), "{message}");
        assert_eq!(at(&api, "t", "2", &after).await, json!({"id": 2, "a": "a2", "b": "y"}), "from the row");
        let last = ids(&api, "t", "2").await.pop();
        assert_eq!(blame(&api, "t", "2").await, json!([["id", 2, null], ["a", "a2", null], ["b", "b2", last]]));
        // What the present row would have told is not known, and is left out.
        world.insert("action, table_name, record_id, old_values, new_values",
            "('UPDATE', 't', '4', '{\"a\":\"1\"}', '{\"a\":\"2\"}')").await;
        let fourth = moment(&world).await;
        tell_of_gap(&world, &fourth, &fourth).await;
        world.sql("insert into t values (4, 'p', 'q')").await;
        assert_eq!(at(&api, "t", "4", &fourth).await, json!({"a": "2"}));
    }

    async fn a_baseline_is_a_row_as_it_stood_and_nobody_s_doing(world: World) {
        world.sql(TABLE).await;
        world.sql("insert into t values (1, 'a', 'b')").await;
        let api = tracked(&world, "select 1", &["t"]).await;
        let began = moment(&world).await;
        world.insert("action, table_name, record_id, source, new_values, metadata",
            "('READ', 't', '1', 'API', '{\"id\":1,\"a\":\"a\",\"b\":\"b\"}', '{\"baseline\":true}')").await;
        let stood = moment(&world).await;
        world.sql("update t set a = 'a2'").await;
        let changed = moment(&world).await;
        world.sql("update t set b = 'b2'").await;
        let old = json!({"id": 1, "a": "a", "b": "b"});
        assert_eq!([at(&api, "t", "1", &began).await, at(&api, "t", "1", &stood).await], [old.clone(), old]);
        assert_eq!(at(&api, "t", "1", &changed).await, json!({"id": 1, "a": "a2", "b": "b"}));
        let ids = ids(&api, "t", "1").await;
        assert_eq!(blame(&api, "t", "1").await, json!([["id", 1, null], ["a", "a2", ids[1]], ["b", "b2", ids[2]]]));
    }

    /// While its triggers are gone, what a row says now says nothing of how it was.
    async fn the_row_is_not_believed_while_triggers_are_missing(world: World) {
        world.sql(TABLE).await;
        world.sql("insert into t values (1, 'a', 'b'), (2, 'x', 'y')").await;
        let api = tracked(&world, "select 1", &["t"]).await;
        world.sql("update t set a = 'a2' where id = 1").await;
        let seen = moment(&world).await;
        let trigger = match world.kind {
            crate::support::Kind::Postgres => "drop trigger \"!afterimage_update\" on t".to_owned(),
            crate::support::Kind::Sqlite => {
                let sql = "select group_concat('drop trigger \"' || name || '\"', '; ') from sqlite_master where type = 'trigger' and tbl_name = 't'";
                world.scalar(sql).await
            }
        };
        world.sql(&trigger).await;
        world.sql("update t set b = 'unseen'").await;
        assert_eq!(at(&api, "t", "1", &seen).await, json!({"a": "a2"}));
        assert_eq!(current(&api, "t", "1").await, json!({"id": 1, "a": "a2", "b": "unseen"}));
        assert_eq!(blame(&api, "t", "1").await, json!([["id", 1, null], ["a", "a2", null], ["b", "unseen", null]]));
        assert_eq!(unknown_at(&api, "t", "2", &seen).await.0, "BAD_USER_INPUT");
    }

    /// Who may only write entries cannot forge a row's past.
    async fn entries_by_hand_of_a_writer_count_only_while_the_table_is_not_tracked(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b')").await;
        let values = |a: &str| json!({"id": 1, "a": a, "b": "b"});
        forge(&api, Role::Writer, json!({"action": "UPDATE", "oldValues": values("a"), "newValues": values("forged")})).await;
        forge(&api, Role::Writer, json!({"action": "DELETE", "recordId": "9", "oldValues": values("forged")})).await;
        assert_eq!(at(&api, "t", "1", "2100-01-01").await, values("a"));
        assert_eq!(blame(&api, "t", "1").await[1][1], "a");
        assert_eq!(ask(&api, "t", "9", "recordId").await, Value::Null, "nothing is known of it");
        api.ask(UNTRACK, json!({})).await;
        assert_eq!(ask(&api, "t", "9", "recordId").await["recordId"], "9");
        forge(&api, Role::Writer, json!({"action": "UPDATE", "oldValues": values("x"), "newValues": values("said")})).await;
        assert_eq!(at(&api, "t", "1", "2100-01-01").await, json!({"a": "said"}));
        api.track("t").await;
        assert_eq!(at(&api, "t", "1", "2100-01-01").await, values("a"));
    }
}

/// Records an entry about row 1 by hand.
async fn forge(api: &Api, role: Role, more: Value) {
    let mutation = "mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }";
    let answer = api.answer_as(&[role], mutation, json!({"i": by_hand("1", more)})).await;
    assert!(answer.get("errors").is_none(), "{answer}");
}
