//! Who may ask, what may be asked, and what the server itself may read.

use afterimage::auth::Role;
use serde_json::{Value, json};

use super::{OBJECT, ask, current, tracked};
use crate::support::{Kind, World, both};

const TABLE: &str = "create table t (id integer primary key, a text)";

both! {
    async fn administrators_and_auditors_may_ask(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a')").await;
        let query = format!("{OBJECT}current at(instant: \"2100-01-01\") blame {{ field }} history {{ totalCount }} }} }}");
        let variables = json!({"t": "t", "r": "1"});
        let row = json!({"id": 1, "a": "a"});
        for role in [Role::Admin, Role::Auditor] {
            let answer = api.answer_as(&[role], &query, variables.clone()).await;
            assert_eq!(answer["data"]["trackedObject"], json!({"current": row, "at": row,
                "blame": [{"field": "id"}, {"field": "a"}], "history": {"totalCount": 1}}));
        }
        assert_eq!(api.refusal_as(&[Role::Writer], &query, variables).await.0, "FORBIDDEN");
    }

    async fn null_is_answered_where_nothing_is_known(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a'); create table hidden (id integer primary key)").await;
        world.sql("insert into hidden values (1)").await;
        for (table, key) in [("t", "2"), ("t", "x"), ("t", ""), ("t", "[\"1\"]"), ("t", "1.0"), ("t", "99999999999999999999"),
            ("nothing", "1"), ("hidden", "1"), ("public.t", "1"), ("\"t\"", "1"), ("", "1"), ("afterimage.log", "1")] {
            assert_eq!(ask(&api, table, key, "recordId").await, Value::Null, "{table} {key}");
        }
        assert_eq!(ask(&api, "t", "1", "recordId tableName").await, json!({"recordId": "1", "tableName": "t"}));
    }

    async fn a_row_that_no_entry_tells_of_is_known_where_its_table_is_tracked(world: World) {
        world.sql(TABLE).await;
        world.sql("insert into t values (1, 'a')").await;
        let api = tracked(&world, "select 1", &["t"]).await;
        assert_eq!(current(&api, "t", "1").await, json!({"id": 1, "a": "a"}));
    }

    async fn what_is_none_is_refused(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a')").await;
        for (fields, table) in [("at(instant: \"yesterday\")", "t"), ("at(instant: \"2026-02-30\")", "t"),
            ("history(first: 0) { totalCount }", "t"), ("history(first: 1, last: 1) { totalCount }", "t"), ("current", "a\0b")] {
            let refusal = api.refusal(&format!("{OBJECT}{fields} }} }}"), json!({"t": table, "r": "1"})).await;
            assert_eq!(refusal.0, "BAD_USER_INPUT", "{fields}: {}", refusal.1);
        }
    }

    /// Asking leaves nothing behind: not a setting of the session, not a lock, not an entry.
    async fn asking_changes_nothing(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a')").await;
        let before = api.entries().await;
        for _ in 0..12 {
            ask(&api, "t", "1", "current at(instant: \"2100-01-01\") blame { field }").await;
            ask(&api, "t", "no number", "current").await;
        }
        assert_eq!(api.entries().await, before);
        if world.kind == Kind::Postgres {
            let held = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 't'";
            assert_eq!(world.scalar(held).await, "0");
            let pool = &api.server.services.database.reader;
            let statement = sea_orm_statement("select current_setting('row_security') || current_setting('IntervalStyle')");
            use sea_orm::ConnectionTrait as _;
            let row = pool.query_one_raw(statement).await.expect("an answer").expect("a row");
            assert_eq!(row.try_get_by_index::<String>(0).expect("text"), "onpostgres");
        }
        world.sql("update t set a = 'b'; drop table t").await;
    }
}

fn sea_orm_statement(sql: &str) -> sea_orm::Statement {
    sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql)
}

/// A row is read while another transaction holds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_locked_is_shown_as_it_is_committed() {
    use sqlx::Connection as _;
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, TABLE, &["t"]).await;
    world.sql("insert into t values (1, 'a')").await;
    let mut holder = sqlx::PgConnection::connect(&world.database_url).await.expect("a connection");
    sqlx::raw_sql("begin; update t set a = 'b' where id = 1").execute(&mut holder).await.expect("an update");
    assert_eq!(current(&api, "t", "1").await, json!({"id": 1, "a": "a"}));
    assert_eq!(super::at(&api, "t", "1", "2100-01-01").await, json!({"id": 1, "a": "a"}));
}
