//! Tables that take no write without a user.

use serde_json::json;

use super::{about, by_ann, field, recorded, track};
use crate::support::{Api, Kind, World, both};

const T: &str = "create table t (id integer primary key, a text, quiet text)";

/// A server over a table that requires a user.
async fn strict(world: &World, tables: &str) -> Api {
    let api = Api::start(world).await;
    world.sql(tables).await;
    track(&api, "t", "requireUser: true").await;
    api
}

async fn refused(world: &World, sql: &str) {
    let refusal = world.try_sql(sql).await.expect_err(sql).to_string();
    assert!(refusal.contains("t takes no change without a user"), "{sql}: {refusal}");
}

both! {
    async fn every_kind_of_write_is_refused_without_a_user_and_taken_with_one(world: World) {
        let _api = strict(&world, T).await;
        refused(&world, "insert into t values (1, 'a', 'q')").await;
        world.sql(&by_ann(&world, "insert into t values (1, 'a', 'q'), (2, 'b', 'q')")).await;
        for write in [
            "update t set a = 'x' where id = 1",
            "update t set id = 7 where id = 1",
            "delete from t where id = 7",
            "insert into t values (1, 'c', 'q') on conflict (id) do update set a = excluded.a",
        ] {
            refused(&world, write).await;
            world.sql(&by_ann(&world, write)).await;
        }
        assert_eq!(world.scalar("select count(*) from t").await, "2");
        let users = format!("select distinct user_id from {} where table_name = 't'", world.log());
        assert_eq!(world.rows(&users).await, [[Some("42".to_owned())]]);
    }

    async fn what_changes_nothing_that_would_be_recorded_is_not_refused(world: World) {
        let api = strict(&world, T).await;
        track(&api, "t", "ignoredColumns: [\"quiet\"]").await;
        assert_eq!(field(&api, "t", "requiresUser").await, true, "what is not given stays");
        world.sql(&by_ann(&world, "insert into t values (1, 'a', 'q')")).await;
        world.sql("update t set a = a").await;
        world.sql("update t set quiet = 'hush'").await;
        world.sql("delete from t where id = 99").await;
        world.sql("insert into t select * from t where id = 99").await;
        assert_eq!(recorded(&world, "t").await.len(), 1);
    }

    async fn an_empty_user_is_none(world: World) {
        let _api = strict(&world, T).await;
        let context = match world.kind {
            Kind::Sqlite => "insert into afterimage_context (user_id, username) values ('', 'ann')",
            Kind::Postgres => "select set_config('afterimage.context', '{\"userId\": \"\", \"username\": \"ann\"}', true)",
        };
        refused(&world, &format!("begin; {context}; insert into t values (1, 'a', 'q'); commit")).await;
        assert_eq!(world.scalar("select count(*) from t").await, "0");
    }

    async fn what_names_no_user_is_none(world: World) {
        let _api = strict(&world, T).await;
        for user in [r#"" \t ""#, "[]", "[ ]", "{}", "false", "true", "null", r#""\n""#] {
            let context = match (world.kind, user) {
                (Kind::Sqlite, "[ ]" | "null") => continue,
                (Kind::Sqlite, _) => {
                    let text = user.trim_matches('"').replace("\\t", "\t").replace("\\n", "\n");
                    format!("insert into afterimage_context (user_id) values ('{text}')")
                }
                (Kind::Postgres, _) => format!("select set_config('afterimage.context', '{{\"userId\": {user}}}', true)"),
            };
            refused(&world, &format!("begin; {context}; insert into t values (1, 'a', 'q'); commit")).await;
            assert_eq!(world.scalar("select count(*) from t").await, "0", "{user}");
        }
    }

    async fn a_cascade_into_the_table_obeys_too(world: World) {
        let _api = strict(
            &world,
            "create table p (id integer primary key); \
             create table t (id integer primary key, a integer references p on delete cascade, quiet text); \
             insert into p values (1); insert into t values (1, 1, 'q')",
        )
        .await;
        refused(&world, "delete from p").await;
        world.sql(&by_ann(&world, "delete from p")).await;
        assert_eq!(world.scalar("select count(*) from t").await, "0");
    }

    async fn an_undo_names_its_caller_and_goes_through(world: World) {
        let api = strict(&world, T).await;
        world.sql(&by_ann(&world, "insert into t values (1, 'a', 'q'); update t set a = 'b'")).await;
        let id = world.scalar(&format!("select max(id) from {}", world.log())).await;
        api.ask("mutation($id: ID!) { undo(id: $id) { auditLog { userId } } }", json!({"id": id})).await;
        assert_eq!(world.scalar("select a from t").await, "a");
    }

    async fn the_choice_is_an_entry_and_can_be_taken_back(world: World) {
        let api = strict(&world, T).await;
        assert_eq!(about(&api, "t").await["newValues"]["requiresUser"], true);
        assert_eq!(field(&api, "t", "health").await, "OK");
        let answer = track(&api, "t", "requireUser: false").await;
        assert_eq!(answer["trackedTable"]["requiresUser"], false);
        let entry = about(&api, "t").await;
        assert_eq!((&entry["oldValues"], &entry["newValues"]), (&json!({"requiresUser": true}), &json!({"requiresUser": false})));
        world.sql("insert into t values (1, 'a', 'q')").await;
    }
}

#[tokio::test]
async fn on_sqlite_no_conflict_clause_and_no_replacement_passes_by_it() {
    let world = World::new(Kind::Sqlite).await;
    let api = strict(&world, "create table t (id integer primary key, a text unique, quiet text unique)").await;
    track(&api, "t", "ignoredColumns: [\"quiet\"]").await;
    world.sql(&by_ann(&world, "insert into t values (1, 'a', 'x'), (2, 'b', 'y')")).await;
    for write in [
        "insert or ignore into t values (3, 'c', 'z')",
        "insert or fail into t values (3, 'c', 'z')",
        "replace into t values (1, 'c', 'z')",
        "replace into t values (3, 'a', 'z')",
        "update or ignore t set a = 'c' where id = 1",
        // Records nothing of its own row, and deletes the other.
        "update or replace t set quiet = 'x' where id = 2",
        "pragma recursive_triggers = on; replace into t values (1, 'c', 'z')",
    ] {
        refused(&world, write).await;
        assert_eq!(recorded(&world, "t").await.len(), 2, "{write}");
    }
    // What was stashed for a refused replacement is no deletion.
    world.sql(&by_ann(&world, "update t set a = 'd' where id = 2")).await;
    assert_eq!(recorded(&world, "t").await.len(), 3);
}

#[tokio::test]
async fn on_sqlite_an_old_context_and_one_that_was_deleted_too_early_name_nobody() {
    let world = World::new(Kind::Sqlite).await;
    let _api = strict(&world, T).await;
    let old = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-11 minutes')";
    refused(
        &world,
        &format!("begin; insert into afterimage_context (user_id, created_at) values ('1', {old}); insert into t values (1, 'a', 'q')"),
    )
    .await;
    refused(
        &world,
        "begin; insert into afterimage_context (user_id) values ('1'); delete from afterimage_context; insert into t values (1, 'a', 'q')",
    )
    .await;
}

#[tokio::test]
async fn on_postgresql_copied_rows_partitions_and_replicas_obey_and_the_refusal_names_the_table() {
    let world = World::new(Kind::Postgres).await;
    let _api = strict(
        &world,
        "create table t (id int primary key, a text) partition by list (id); create table t1 partition of t for values in (1, 2)",
    )
    .await;
    refused(&world, "insert into t1 values (1, 'a')").await;
    refused(&world, "set session_replication_role = replica; insert into t values (1, 'a')").await;
    let error = world.try_sql("insert into t values (1, 'a')").await.expect_err("refused");
    let error = error.as_database_error().expect("of the database");
    assert_eq!((error.code().as_deref(), error.constraint()), (Some("23514"), Some("afterimage_require_user")));
    world.sql("create table source (id int primary key, a text); insert into source values (2, 'b')").await;
    refused(&world, "insert into t select * from source").await;
    refused(&world, "begin; select set_config('afterimage.context', '{', true); insert into t values (1, 'a')").await;
}
