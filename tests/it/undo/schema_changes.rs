//! Tables that were altered after the change that is undone.

use serde_json::json;

use super::{
    conflict, entry, preview, refused, refused_transaction, rows, sql_text, tracked, transaction, undo, undo_as_planned,
};
use crate::support::{Api, Kind, World, both};

/// Alters a table in between, as a migration does.
async fn migrate(world: &World, api: &Api, table: &str, sql: &str) {
    api.ask("mutation($t: String!) { untrackTable(tableName: $t) { tableName } }", json!({"t": table})).await;
    world.sql(sql).await;
    api.track(table).await;
}

const TABLE: &str = "create table t (id integer primary key, a text, b text)";

both! {
    async fn a_renamed_column_is_left_alone_under_its_old_name(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'x'), (2, 'a', 'x'); update t set a = 'b', b = 'y' where id = 1; delete from t where id = 2").await;
        let (update, deletion) = (entry(&api, "UPDATE", "t", "1").await, entry(&api, "DELETE", "t", "2").await);
        migrate(&world, &api, "t", "alter table t rename column a to c").await;
        let done = undo_as_planned(&api, &update, false).await;
        assert_eq!(done["skipped"], json!([{"tableName": "t", "recordId": "1", "field": "a", "expected": "b", "current": null}]));
        assert_eq!(world.rows("select c, b from t").await, [[Some("b".into()), Some("x".into())]]);
        let done = undo_as_planned(&api, &deletion, false).await;
        assert_eq!(done["skipped"][0]["field"], "a");
        assert_eq!(world.rows("select c, b from t where id = 2").await, [[None, Some("x".into())]]);
    }

    async fn all_or_none_does_not_leave_a_dropped_column_alone(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'x')").await;
        let id = transaction(&world, &api, "update t set a = 'b', b = 'y'").await;
        migrate(&world, &api, "t", "alter table t drop column a").await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "CONFLICT" && message.contains("\"a\"") && message.contains("not there"), "{message}");
    }

    async fn a_new_column_gets_its_default_or_stands_in_the_way(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'x'); delete from t").await;
        let id = entry(&api, "DELETE", "t", "1").await;
        migrate(&world, &api, "t", "alter table t add column c text default 'new'").await;
        undo(&api, &id).await;
        assert_eq!(world.scalar("select c from t").await, "new");
        world.sql("delete from t").await;
        let again = id;
        migrate(&world, &api, "t", sql_text(&world, "alter table t add column must integer not null",
            "create table t2 (id integer primary key, a text, b text, c text, must integer not null); drop table t; alter table t2 rename to t")).await;
        let plan = preview(&api, &entry(&api, "DELETE", "t", "1").await, false).await;
        assert_eq!(plan["code"], "NOT_UNDOABLE", "{plan}");
        assert!(plan["reason"].as_str().is_some_and(|reason| reason.contains("must")), "{plan}");
        assert!(!again.is_empty());
    }

    async fn a_value_that_the_column_does_not_take_any_more_is_told_with_the_column(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'word', 'x'), (2, 'word', '3'); update t set a = '5' where id = 1; delete from t where id = 2").await;
        let (update, deletion) = (entry(&api, "UPDATE", "t", "1").await, entry(&api, "DELETE", "t", "2").await);
        migrate(&world, &api, "t", sql_text(&world, "alter table t alter column a type integer using a::integer",
            "create table t2 (id integer primary key, a integer, b text) strict; insert into t2 select id, cast(a as integer), b from t; \
             drop table t; alter table t2 rename to t")).await;
        // The present value is the number now, and no longer the entry's text.
        let done = undo_as_planned(&api, &update, false).await;
        assert_eq!(done["skipped"][0]["field"], "a");
        let (code, message) = refused(&world, &api, &deletion).await;
        assert!(["CONFLICT", "NOT_UNDOABLE"].contains(&code.as_str()), "{code}: {message}");
        assert!(message.contains(sql_text(&world, "\"a\"", "t.a")), "{message}");
    }


    async fn a_table_that_is_gone_or_renamed_is_not_undoable(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'x')").await;
        let id = transaction(&world, &api, "update t set a = 'b'").await;
        let update = entry(&api, "UPDATE", "t", "1").await;
        world.sql("alter table t rename to elsewhere").await;
        assert_eq!(refused(&world, &api, &update).await.0, "NOT_UNDOABLE");
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "NOT_UNDOABLE" && message.contains("\"t\""), "{message}");
    }

    async fn a_foreign_key_that_came_since_is_kept_to(world: World) {
        let api = tracked(&world, "create table p (id integer primary key); create table c (id integer primary key, p integer)", &["p", "c"]).await;
        world.sql("insert into p values (1); insert into c values (1, 5), (2, 1); update c set p = 1").await;
        let (orphan, parent) = (entry(&api, "UPDATE", "c", "1").await, entry(&api, "CREATE", "p", "1").await);
        migrate(&world, &api, "c", sql_text(&world, "alter table c add constraint to_p foreign key (p) references p on delete cascade",
            "create table c2 (id integer primary key, p integer references p on delete cascade); insert into c2 select * from c; \
             drop table c; alter table c2 rename to c")).await;
        conflict(&world, &api, &orphan, "\"p\"").await;
        undo_as_planned(&api, &parent, false).await;
        assert!(rows(&world, "c").await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_another_type_is_no_fault_of_the_server_s_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, "create table k (id text primary key, a text)", &["k"]).await;
    world
        .sql("insert into k values ('one', 'a'), ('2', 'a'); update k set a = 'b'; delete from k where id = 'one'")
        .await;
    let (deletion, update) = (entry(&api, "DELETE", "k", "one").await, entry(&api, "UPDATE", "k", "2").await);
    migrate(&world, &api, "k", "alter table k alter column id type integer using id::integer").await;
    let (code, message) = refused(&world, &api, &deletion).await;
    assert!(code == "CONFLICT" && message.contains("id"), "{message}");
    undo(&api, &update).await;
}
