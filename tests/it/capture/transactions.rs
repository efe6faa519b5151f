//! What is rolled back leaves no entry, and what is committed leaves each of its own.

use super::{entries, tracked};

const T: &str = "create table t (id int primary key, a text)";

#[tokio::test]
async fn savepoints_and_exception_blocks_take_their_entries_along() {
    let (world, _api) = tracked(T, &["t"]).await;
    world
        .sql(
            "begin; insert into t values (1, 'a'); savepoint s; insert into t values (2, 'b'); update t set a = 'x'; \
             rollback to s; update t set a = 'y'; savepoint r; update t set a = 'z'; release r; commit",
        )
        .await;
    world
        .sql(
            "do $$ begin update t set a = 'caught'; perform 1 / 0; \
             exception when division_by_zero then update t set a = 'kept'; end $$",
        )
        .await;
    world.sql("begin; delete from t; rollback").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"a":"a"}"#,
            r#"UPDATE t 1 {"a":"a"} {"a":"y"}"#,
            r#"UPDATE t 1 {"a":"y"} {"a":"z"}"#,
            r#"UPDATE t 1 {"a":"z"} {"a":"kept"}"#,
        ]
    );
}

#[tokio::test]
async fn a_statement_that_fails_at_its_end_or_at_the_commit_leaves_nothing() {
    let (world, _api) = tracked(
        "create table t (id int primary key, a text unique deferrable initially deferred); \
         create function no() returns trigger language plpgsql as $$ begin \
           if new.a = 'no' then raise exception 'no'; end if; return null; end $$; \
         create constraint trigger z after insert or update on t deferrable initially deferred for each row execute function no()",
        &["t"],
    )
    .await;
    world.sql("insert into t values (1, 'a')").await;
    for statement in [
        "begin; insert into t values (2, 'no'); commit",
        "begin; insert into t values (2, 'a'); commit",
        "insert into t values (3, 'c'), (1, 'b')",
    ] {
        assert!(world.try_sql(statement).await.is_err(), "{statement}");
    }
    assert_eq!(entries(&world).await, [r#"CREATE t 1 - {"id":1,"a":"a"}"#]);
}

#[tokio::test]
async fn a_transaction_that_is_prepared_is_recorded_when_it_is_committed() {
    let (world, _api) = tracked(T, &["t"]).await;
    world.sql("begin; insert into t values (1, 'a'); prepare transaction 'kept'").await;
    world.sql("begin; insert into t values (2, 'b'); prepare transaction 'dropped'").await;
    assert_eq!(entries(&world).await, Vec::<String>::new());
    world.sql("commit prepared 'kept'").await;
    world.sql("rollback prepared 'dropped'").await;
    assert_eq!(entries(&world).await, [r#"CREATE t 1 - {"id":1,"a":"a"}"#]);
}
