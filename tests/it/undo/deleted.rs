//! Undoing a DELETE: the object comes back under its old key.

use serde_json::json;

use super::{conflict, entry, refused, rows, sql_text, tracked, undo};
use crate::support::both;

both! {
    async fn a_row_comes_back_under_its_old_key(world: World) {
        let column = sql_text(&world, "bigint generated always as identity primary key", "integer primary key autoincrement");
        let api = tracked(&world, &format!("create table t (id {column}, a text default 'x')"), &["t"]).await;
        world.sql("insert into t (a) values ('one'), (null)").await;
        let before = rows(&world, "t").await;
        world.sql("delete from t").await;
        let id = entry(&api, "DELETE", "t", "2").await;
        let done = undo(&api, &id).await;
        assert_eq!(done["entries"], json!([{"action": "CREATE", "tableName": "t", "recordId": "2", "source": "UNDO",
            "userId": "42", "username": "ann", "description": "a mistake", "undoOf": {"id": id}}]));
        assert_eq!(done["skipped"], json!([]));
        undo(&api, &entry(&api, "DELETE", "t", "1").await).await;
        assert_eq!(rows(&world, "t").await, before);
        world.sql("insert into t (a) values ('three')").await;
        assert_eq!(world.scalar("select max(id) from t").await, "3");
    }

    async fn what_the_database_computes_is_computed_again(world: World) {
        let tables = "create table t (n integer primary key, twice integer generated always as (n * 2) stored, a text)";
        let api = tracked(&world, tables, &["t"]).await;
        world.sql("insert into t (n, a) values (4, 'a')").await;
        let before = rows(&world, "t").await;
        world.sql("delete from t").await;
        undo(&api, &entry(&api, "DELETE", "t", "4").await).await;
        assert_eq!(rows(&world, "t").await, before);
        world.sql("update t set n = 5; update t set a = 'b'").await;
        undo(&api, &entry(&api, "UPDATE", "t", "5").await).await;
        undo(&api, &entry(&api, "CREATE", "t", "5").await).await;
        assert_eq!(rows(&world, "t").await, before);
    }

    async fn what_was_ignored_does_not_come_back_and_the_answer_says_so(world: World) {
        let tables = "create table t (id integer primary key, a text, quiet text default 'd', pin text)";
        let api = tracked(&world, tables, &["t"]).await;
        let track = "mutation($i: TrackTableInput!) { trackTable(input: $i) { trackedTable { tableName } } }";
        let hidden = json!({"i": {"tableName": "t", "redactedColumns": ["pin"], "ignoredColumns": ["quiet"]}});
        api.ask(track, hidden).await;
        world.sql("insert into t values (1, 'a', 'q', 'p'); delete from t").await;
        let done = undo(&api, &entry(&api, "DELETE", "t", "1").await).await;
        let left = |field: &str| json!({"field": field, "expected": null, "current": null});
        assert_eq!(done["skipped"], json!([left("pin"), left("quiet")]));
        let row = world.rows("select a, quiet, pin from t").await;
        assert_eq!(row[0], [Some("a".into()), Some("d".into()), None]);
    }

    async fn a_key_that_is_taken_again_is_a_conflict_that_names_the_entry(world: World) {
        let api = tracked(&world, "create table t (id integer primary key, a text)", &["t"]).await;
        world.sql("insert into t values (1, 'a'); delete from t").await;
        let id = entry(&api, "DELETE", "t", "1").await;
        world.sql("insert into t values (1, 'b')").await;
        let taken = entry(&api, "CREATE", "t", "1").await;
        conflict(&world, &api, &id, &format!("entry {taken}")).await;
        assert_eq!(world.scalar("select a from t").await, "b");
    }

    async fn an_older_deletion_gives_way_to_the_latest(world: World) {
        let api = tracked(&world, "create table t (id integer primary key, a text)", &["t"]).await;
        world.sql("insert into t values (1, 'a'); delete from t").await;
        let first = entry(&api, "DELETE", "t", "1").await;
        world.sql("insert into t values (1, 'b'); delete from t").await;
        let last = entry(&api, "DELETE", "t", "1").await;
        conflict(&world, &api, &first, &format!("entry {last}")).await;
        undo(&api, &last).await;
        assert_eq!(world.scalar("select a from t").await, "b");
    }

    async fn a_parent_that_is_gone_is_a_conflict_that_names_it(world: World) {
        let tables = "create table p (x integer, y integer, primary key (x, y)); create table other (id integer primary key); \
            create table c (id integer primary key, px integer, py integer, o integer references other, \
                            foreign key (px, py) references p (x, y))";
        let api = tracked(&world, tables, &["p", "other", "c"]).await;
        world.sql("insert into p values (3, 77); insert into other values (1); insert into c values (1, 3, 77, 1); \
            delete from c; delete from p").await;
        let id = entry(&api, "DELETE", "c", "1").await;
        conflict(&world, &api, &id, "77").await;
        conflict(&world, &api, &id, "\"p\"").await;
        undo(&api, &entry(&api, "DELETE", "p", "[\"3\",\"77\"]").await).await;
        undo(&api, &id).await;
    }

    async fn a_unique_value_taken_since_is_a_conflict_that_names_the_constraint(world: World) {
        let tables = "create table t (id integer primary key, sku text, constraint sku_once unique (sku))";
        let api = tracked(&world, tables, &["t"]).await;
        world.sql("insert into t values (1, 'a'); delete from t; insert into t values (2, 'a')").await;
        conflict(&world, &api, &entry(&api, "DELETE", "t", "1").await, sql_text(&world, "sku_once", "t.sku")).await;
    }

    async fn a_redacted_column_that_must_have_a_value_stands_in_the_way(world: World) {
        let tables = "create table t (id integer primary key, secret text not null, a text); \
            create table d (id integer primary key, secret text not null default 'none', a text)";
        let api = tracked(&world, tables, &[]).await;
        let track = "mutation($i: TrackTableInput!) { trackTable(input: $i) { trackedTable { tableName } } }";
        for table in ["t", "d"] {
            api.ask(track, json!({"i": {"tableName": table, "redactedColumns": ["secret"]}})).await;
            world.sql(&format!("insert into {table} values (1, 's', 'a'); delete from {table}")).await;
        }
        let (code, message) = refused(&world, &api, &entry(&api, "DELETE", "t", "1").await).await;
        assert_eq!(code, "NOT_UNDOABLE");
        assert!(message.contains("secret"), "{message}");
        let done = undo(&api, &entry(&api, "DELETE", "d", "1").await).await;
        assert_eq!(done["skipped"], json!([{"field": "secret", "expected": null, "current": null}]));
        assert_eq!(world.rows("select secret, a from d").await, [[Some("none".into()), Some("a".into())]]);
    }

    async fn columns_that_came_or_went_since_do_not_hinder_it(world: World) {
        let api = tracked(&world, "create table t (id integer primary key, a text, b text)", &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b'); delete from t").await;
        let id = entry(&api, "DELETE", "t", "1").await;
        api.ask("mutation { untrackTable(tableName: \"t\") { tableName } }", json!({})).await;
        world.sql("alter table t drop column a").await;
        world.sql("alter table t add column c text not null default 'c'").await;
        assert_eq!(refused(&world, &api, &id).await.0, "NOT_UNDOABLE");
        api.track("t").await;
        let done = undo(&api, &id).await;
        assert_eq!(done["skipped"], json!([{"field": "a", "expected": "a", "current": null}]));
        assert_eq!(world.rows("select id, b, c from t").await, [[Some("1".into()), Some("b".into()), Some("c".into())]]);
    }

    async fn what_was_linked_stays_away(world: World) {
        let tables = "create table p (id integer primary key, a text); \
            create table c (id integer primary key, p integer references p on delete cascade)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a'); insert into c values (1, 1), (2, 1); delete from p").await;
        undo(&api, &entry(&api, "DELETE", "p", "1").await).await;
        assert_eq!((rows(&world, "p").await.len(), rows(&world, "c").await.len()), (1, 0));
        undo(&api, &entry(&api, "DELETE", "c", "2").await).await;
        assert_eq!(rows(&world, "c").await.len(), 1);
    }
}
