//! The database goes away, and comes back.

use afterimage::auth::Role;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use crate::support::cluster::Cluster;
use crate::support::{Api, Kind, World};

const NEWEST: &str = "{ auditLogs(first: 1) { nodes { id } } }";
const RECORD: &str =
    "mutation { createAuditLog(input: {userId: \"1\", action: READ, tableName: \"t\"}) { auditLog { id } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_away_the_answer_is_unavailable_and_then_the_server_recovers_by_itself() {
    let cluster = Cluster::start();
    let database_url = cluster.database().await;
    let world = World { kind: Kind::Postgres, database_url, ..World::new(Kind::Sqlite).await };
    let api = Api::start(&world).await;
    api.ask(RECORD, json!({})).await;
    cluster.stop();
    for question in [NEWEST, RECORD] {
        let (code, message) = api.refusal(question, json!({})).await;
        assert_eq!(code, "UNAVAILABLE", "{message}");
        assert!(message.contains("cannot be reached"), "{message}");
    }
    // What needs no database is answered all the same.
    assert_eq!(api.ask("{ viewer { userId } }", json!({})).await, json!({"viewer": {"userId": "42"}}));
    cluster.restart();
    assert_eq!(api.ask(NEWEST, json!({})).await["auditLogs"]["nodes"][0]["id"], "1");
    assert_eq!(api.ask(RECORD, json!({})).await["createAuditLog"]["auditLog"]["id"], "2");
}

/// Of the connections that are kept for reading, one proves that all are dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_postgresql_one_reader_at_the_most_is_refused() {
    let cluster = Cluster::start();
    let database_url = cluster.database().await;
    let world = World { kind: Kind::Postgres, database_url, ..World::new(Kind::Sqlite).await };
    let api = Api::start(&world).await;
    api.ask(RECORD, json!({})).await;
    let slow =
        "{ a: auditLog(id: 1) { id } b: auditLogs { totalCount } c: summary { total } d: auditLogs { nodes { id } } }";
    futures_util::future::join_all((0..40).map(|_| api.ask(slow, json!({})))).await;
    cluster.stop();
    cluster.restart();
    let mut refused = 0;
    for _ in 0..20 {
        let answer = api.answer_as(&[Role::Admin], NEWEST, json!({})).await;
        refused += usize::from(answer.get("errors").is_some());
    }
    assert!(refused <= 1, "{refused} were refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_program_does_not_let_go_of_sqlite_reading_goes_on_and_writing_is_unavailable() {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::start(&world).await;
    api.ask(RECORD, json!({})).await;
    let mut other = SqliteConnection::connect(&world.database_url).await.expect("it opens the file");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("it takes the lock");
    assert_eq!(api.ask(NEWEST, json!({})).await["auditLogs"]["nodes"][0]["id"], "1");
    assert_eq!(api.refusal(RECORD, json!({})).await.0, "UNAVAILABLE");
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("it lets go");
    assert_eq!(api.ask(RECORD, json!({})).await["createAuditLog"]["auditLog"]["id"], "2");
}
