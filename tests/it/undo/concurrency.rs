//! Undos beside other transactions.

use std::time::Duration;

use afterimage::auth::Role;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::{all, entry, tracked, transaction, undo_mutation, undo_transaction_mutation};
use crate::support::{Kind, World, both};

fn code(answer: &Value) -> Option<String> {
    answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
}

const TABLES: &str = "create table p (id integer primary key, a text); \
    create table c (id integer primary key, p integer references p)";

both! {
    async fn of_two_undos_at_one_instant_one_goes_through(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        let other = crate::support::Api::start(&world).await;
        world.sql("insert into p values (1, 'a'), (2, 'b')").await;
        for round in 0..5 {
            let id = transaction(&world, &api, &format!("update p set a = 'r{round}'; insert into c values ({round}, 1)")).await;
            let (query, variables) = (undo_transaction_mutation(), json!({"id": id}));
            let (one, two) = tokio::join!(
                api.answer_as(&[Role::Admin], &query, variables.clone()),
                other.answer_as(&[Role::Admin], &query, variables.clone()),
            );
            let mut codes = [code(&one), code(&two)];
            codes.sort();
            assert_eq!(codes, [None, Some("CONFLICT".to_owned())], "{one} {two}");
            let created = entry(&api, "CREATE", "p", "2").await;
            let (query, variables) = (undo_mutation(), json!({"id": created}));
            let (one, two) = tokio::join!(
                api.answer_as(&[Role::Admin], &query, variables.clone()),
                other.answer_as(&[Role::Admin], &query, variables.clone()),
            );
            let mut codes = [code(&one), code(&two)];
            codes.sort();
            assert_eq!(codes, [None, Some("CONFLICT".to_owned())], "{one} {two}");
            world.sql("insert into p values (2, 'b')").await;
        }
    }


}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_goes_through_once_the_row_is_let_go_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, TABLES, &["p", "c"]).await;
    world.sql("insert into p values (1, 'a'); update p set a = 'b'").await;
    let id = entry(&api, "UPDATE", "p", "1").await;
    let mut holder = PgConnection::connect(&world.database_url).await.expect("a connection");
    sqlx::raw_sql("begin; select 1 from p for update").execute(&mut holder).await.expect("a lock");
    let query = undo_mutation();
    let undo = api.answer_as(&[Role::Admin], &query, json!({"id": id}));
    let release = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        sqlx::raw_sql("rollback").execute(&mut holder).await.expect("unhindered");
    };
    let (answer, ()) = tokio::join!(undo, release);
    assert_eq!(code(&answer), None, "{answer}");
    assert_eq!(world.scalar("select a from p").await, "a");
    // Held all the time, it is told, by the preview too.
    world.sql("update p set a = 'b'").await;
    let id = entry(&api, "UPDATE", "p", "1").await;
    sqlx::raw_sql("begin; select 1 from p for update").execute(&mut holder).await.expect("a lock");
    let plan = crate::undo::preview(&api, &id, false).await;
    assert_eq!((&plan["possible"], &plan["code"]), (&json!(false), &json!("CONFLICT")));
    assert_eq!(plan["reason"], "another transaction holds the row \"p\" \"1\"; try again", "{plan}");
}

/// It is the undo that gives way, whatever the order in which both take their rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_never_meets_a_deadlock_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, TABLES, &["p", "c"]).await;
    world.sql("insert into p select n, 'a' from generate_series(1, 30) n").await;
    let mut writers = Vec::new();
    for writer in 0..2 {
        let url = world.database_url.clone();
        writers.push(tokio::spawn(async move {
            let mut connection = PgConnection::connect(&url).await?;
            for round in 0..60 {
                let (one, two) = ((round * 7 + writer) % 30 + 1, (round * 11 + 5) % 30 + 1);
                // Two writers of the application keep to one order between themselves.
                let (one, two) = (i32::max(one, two), i32::min(one, two));
                let sql = format!(
                    "begin; update p set a = a || 'x' where id = {one}; \
                    select pg_sleep(0.005); update p set a = a || 'y' where id = {two}; commit"
                );
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
            }
            Ok::<(), sqlx::Error>(())
        }));
    }
    for round in 0..6 {
        let change: Vec<String> =
            (7..=30).map(|id| format!("insert into c values ({}, {id})", 1000 * (round + 1) + id)).collect();
        let id = transaction(&world, &api, &change.join("; ")).await;
        let answer = api.answer_as(&[Role::Admin], &undo_transaction_mutation(), json!({"id": id})).await;
        assert!([None, Some("CONFLICT".to_owned())].contains(&code(&answer)), "{answer}");
        let created = entry(&api, "CREATE", "p", &(round + 1).to_string()).await;
        api.answer_as(&[Role::Admin], &undo_mutation(), json!({"id": created})).await;
    }
    for writer in writers {
        writer.await.expect("no panic").expect("no deadlock");
    }
    assert_eq!(all(&world, &["p"]).await.len(), 1);
}

/// SQLite has one lock for all who write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_beside_a_writer_says_what_is_in_its_way_on_sqlite() {
    let world = World::new(Kind::Sqlite).await;
    let api = tracked(&world, TABLES, &["p", "c"]).await;
    world.sql("insert into p values (1, 'a'); update p set a = 'b'").await;
    let id = entry(&api, "UPDATE", "p", "1").await;
    let mut holder = SqliteConnection::connect(&world.database_url).await.expect("a connection");
    sqlx::raw_sql("begin immediate").execute(&mut holder).await.expect("the lock");
    let plan = crate::undo::preview(&api, &id, false).await;
    assert_eq!((&plan["possible"], &plan["code"]), (&json!(false), &json!("CONFLICT")), "{plan}");
    assert!(plan["reason"].as_str().is_some_and(|reason| reason.contains("write lock")), "{plan}");
    let answer = api.answer_as(&[Role::Admin], &undo_mutation(), json!({"id": id})).await;
    assert_eq!(code(&answer).as_deref(), Some("CONFLICT"), "{answer}");
    assert_eq!(world.scalar("select a from p").await, "b");
    sqlx::raw_sql("rollback").execute(&mut holder).await.expect("unhindered");
    api.ask(&undo_mutation(), json!({"id": id})).await;
    assert_eq!(world.scalar("select a from p").await, "a");
}
