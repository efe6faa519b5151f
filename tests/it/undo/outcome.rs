//! Which entries can be undone at all, who may, and what else is in the way.

use afterimage::auth::Role;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{UNDO, conflict, entry, log_table, refused, rows, tracked, undo};
use crate::support::{Api, Kind, World, both};

const TABLE: &str = "create table t (id integer primary key, a text)";
const CREATE: &str = "mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }";

async fn by_hand(api: &Api, role: Role, input: serde_json::Value) -> String {
    let answer = api.answer_as(&[role], CREATE, json!({"i": input})).await;
    answer["data"]["createAuditLog"]["auditLog"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

both! {
    async fn what_no_undo_can_reverse_is_not_undoable(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a')").await;
        let read = json!({"userId": "1", "action": "READ", "tableName": "t", "recordId": "1"});
        let nameless = json!({"userId": "1", "action": "DELETE", "tableName": "t"});
        let bare = json!({"userId": "1", "action": "DELETE", "tableName": "t", "recordId": "5"});
        let elsewhere = json!({"userId": "1", "action": "DELETE", "tableName": "nowhere", "recordId": "5"});
        for input in [read, nameless, bare, elsewhere] {
            let id = by_hand(&api, Role::Admin, input.clone()).await;
            assert_eq!(refused(&world, &api, &id).await.0, "NOT_UNDOABLE", "{input}");
        }
        let tracking = entry(&api, "CREATE", "afterimage.tracked_table", "t").await;
        assert_eq!(refused(&world, &api, &tracking).await.0, "NOT_UNDOABLE");
        let id = entry(&api, "CREATE", "t", "1").await;
        api.ask("mutation { untrackTable(tableName: \"t\") { tableName } }", json!({})).await;
        assert_eq!(refused(&world, &api, &id).await.0, "NOT_UNDOABLE");
        world.sql("drop table t").await;
        assert_eq!(refused(&world, &api, &id).await.0, "NOT_UNDOABLE");
        for id in ["999999", "9223372036854775807"] {
            assert_eq!(refused(&world, &api, id).await.0, "NOT_FOUND");
        }
    }

    async fn only_an_administrator_undoes(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a')").await;
        let id = entry(&api, "CREATE", "t", "1").await;
        for role in [Role::Auditor, Role::Writer] {
            assert_eq!(api.refusal_as(&[role], UNDO, json!({"id": id})).await.0, "FORBIDDEN");
        }
        assert_eq!(rows(&world, "t").await.len(), 1);
    }

    /// A writer could otherwise make up a row's past and have an administrator bring it back.
    async fn what_a_writer_says_of_the_past_is_not_believed(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a'); update t set a = 'b'").await;
        let deletion = json!({"userId": "1", "action": "DELETE", "tableName": "t", "recordId": "7",
            "oldValues": {"id": 7, "a": "forged"}});
        let forged = by_hand(&api, Role::Writer, deletion.clone()).await;
        assert_eq!(refused(&world, &api, &forged).await.0, "NOT_UNDOABLE");
        // Nor does it stand in the way of what is true.
        let creation = json!({"userId": "1", "action": "CREATE", "tableName": "t", "recordId": "1", "newValues": {"id": 1}});
        by_hand(&api, Role::Writer, creation).await;
        let true_creation = world.scalar(&format!("select min(id) from {} where record_id = '1'", log_table(&world))).await;
        undo(&api, &true_creation).await;
        let trusted = by_hand(&api, Role::Admin, deletion).await;
        undo(&api, &trusted).await;
        assert_eq!(world.scalar("select a from t where id = 7").await, "forged");
    }

    async fn entries_by_hand_with_strange_contents_do_no_harm(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        let make = |id: &str, values: serde_json::Value| {
            json!({"userId": "1", "action": "DELETE", "tableName": "t", "recordId": id, "oldValues": values})
        };
        for input in [
            make("x", json!({"id": "x", "a": "y"})),
            make("1", json!({"a": "y"})),
            make("2", json!({"id": 3, "a": "y"})),
            make("99999999999999999999999999", json!({"id": 1})),
            make("[\"1\"]", json!({"id": 1})),
            make("", json!({"id": null})),
        ] {
            let id = by_hand(&api, Role::Admin, input.clone()).await;
            let (code, message) = refused(&world, &api, &id).await;
            assert!(["CONFLICT", "NOT_UNDOABLE"].contains(&code.as_str()), "{input}: {code} {message}");
        }
        assert!(rows(&world, "t").await.is_empty());
    }


    async fn two_undos_at_one_instant_do_it_once(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a'); delete from t").await;
        let id = entry(&api, "DELETE", "t", "1").await;
        let (one, two) = tokio::join!(
            api.answer_as(&[Role::Admin], UNDO, json!({"id": id})),
            api.answer_as(&[Role::Admin], UNDO, json!({"id": id})),
        );
        let code = |answer: &serde_json::Value| answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned);
        let mut codes = [code(&one), code(&two)];
        codes.sort();
        assert_eq!(codes, [None, Some("CONFLICT".to_owned())], "{one} {two}");
        assert_eq!(rows(&world, "t").await.len(), 1);
    }
}

/// It is the undo that gives way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_another_transaction_holds_is_a_conflict_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let tables = "create table p (id integer primary key, a text unique); \
        create table c (id integer primary key, p integer references p)";
    let api = tracked(&world, tables, &["p", "c"]).await;
    world
        .sql("insert into p values (1, 'a'), (2, 'q'); update p set a = 'b' where id = 1; delete from p where id = 2")
        .await;
    world.sql("insert into c values (1, 1)").await;
    let mut other = PgConnection::connect(&world.database_url).await.expect("a connection");
    for (hold, action, id) in [
        ("update p set a = 'c' where id = 1", "UPDATE", "1"),
        ("update c set id = 2", "CREATE", "1"),
        ("insert into p values (2, 'z')", "DELETE", "2"),
        ("insert into p values (3, 'q')", "DELETE", "2"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("begin; {hold}"))).execute(&mut other).await.expect("a lock");
        conflict(&world, &api, &entry(&api, action, "p", id).await, "another transaction").await;
        sqlx::raw_sql("rollback").execute(&mut other).await.expect("unhindered");
    }
    undo(&api, &entry(&api, "UPDATE", "p", "1").await).await;
}

/// The application cannot pass its own changes off as an undo's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_makes_no_undo_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, TABLE, &["t"]).await;
    world.sql("insert into t values (1, 'a'); update t set a = 'b'").await;
    undo(&api, &entry(&api, "UPDATE", "t", "1").await).await;
    world.sql("begin; select set_config('afterimage.server', 'on', true); update t set a = 'c'; commit").await;
    let data = api.ask("{ auditLogs(first: 1) { nodes { source userId undoOf { id } } } }", json!({})).await;
    assert_eq!(data["auditLogs"]["nodes"][0], json!({"source": "TRIGGER", "userId": null, "undoOf": null}));
    let left =
        "select (select count(*) from afterimage.server_context) + (select count(*) from afterimage.server_undo)";
    assert_eq!(world.scalar(left).await, "0", "nothing stays that a later transaction of that number could use");
}
