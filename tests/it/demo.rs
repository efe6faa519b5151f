//! The demo: what it makes, and what it leaves alone.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use afterimage::audit::{Code, Filter};
use afterimage::demo;
use afterimage::server::Server;
use chrono::Utc;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::cluster::Cluster;
use crate::support::{Api, Kind, World, auth_settings, both, serve_settings};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

async fn try_start(world: &World) -> afterimage::audit::Result<Server> {
    demo::start(&world.database_url, &auth_settings(), &serve_settings(), &|_| {}).await
}

async fn start(world: &World) -> Api {
    Api { server: try_start(world).await.expect("the demo starts") }
}

fn log(world: &World) -> &'static str {
    match world.kind {
        Kind::Sqlite => "afterimage_log",
        Kind::Postgres => "afterimage.log",
    }
}

/// All tables, ours among them.
async fn tables(world: &World) -> Vec<Vec<Option<String>>> {
    let sql = match world.kind {
        Kind::Sqlite => "select name from sqlite_master order by name",
        Kind::Postgres => {
            "select schemaname || '.' || tablename from pg_tables where schemaname not like 'pg\\_%' \
                           and schemaname <> 'information_schema' order by 1"
        }
    };
    world.rows(sql).await
}

both! {
    async fn the_past_has_something_for_every_query(world: World) {
        let api = start(&world).await;
        let data = api.ask(
            "{ summary { total byAction { action count } byTable { tableName } byUser { username } \
               timeline(bucket: WEEK) { start count } }
               trash(first: 1) { totalCount nodes { tableName } }
               undone: auditLogs(filter: { source: [UNDO] }, first: 3) { totalCount nodes { undoOf { id } } }
               looks: auditLogs(filter: { action: [READ], tableName: [\"users\"] }, first: 1) {
                 nodes { source ipAddress correlationId metadata } }
               renumbered: auditLogs(filter: { search: \"Numbered anew\" }, first: 2) {
                 nodes { recordId previousRecordId } }
               trackedTables { tableName health redactedColumns } }",
            json!({}),
        ).await;
        let length = |value: &Value| value.as_array().expect("a list").len();
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok()).expect("a number");
        assert!((2_000..=3_000).contains(&number(&data["summary"]["total"])), "{}", data["summary"]);
        assert_eq!(length(&data["summary"]["byAction"]), 4);
        assert!(length(&data["summary"]["byUser"]) > 12);
        assert!(length(&data["summary"]["timeline"]) > 24);
        assert!(number(&data["trash"]["totalCount"]) > 20);
        assert!(number(&data["undone"]["totalCount"]) >= 10);
        assert!(data["undone"]["nodes"].as_array().expect("a list").iter().all(|node| node["undoOf"]["id"].is_string()));
        assert_eq!(data["looks"]["nodes"][0]["source"], "API");
        assert!(data["looks"]["nodes"][0]["ipAddress"].is_string());
        let renumbered = &data["renumbered"]["nodes"];
        assert_eq!(renumbered[0]["recordId"], renumbered[1]["previousRecordId"]);
        assert_eq!(length(&data["trackedTables"]), demo::TABLES.len());
        for table in data["trackedTables"].as_array().expect("a list") {
            assert_eq!(table["health"], "OK");
            let redacted = if table["tableName"] == "users" { json!(["password_hash"]) } else { json!([]) };
            assert_eq!(table["redactedColumns"], redacted);
        }
    }

    /// Of the two fields that it changed, one has been changed again since.
    async fn an_undo_that_leaves_a_field_alone_can_be_tried(world: World) {
        let api = start(&world).await;
        let data = api.ask("{ auditLogs(filter: { search: \"New model: name and weight\" }) { nodes { id } } }", json!({})).await;
        let undo = "mutation($id: ID!) { undo(id: $id) { auditLog { changes { field } } skipped { field } } }";
        let data = api.ask(undo, json!({"id": data["auditLogs"]["nodes"][0]["id"]})).await;
        assert_eq!(data["undo"], json!({
            "auditLog": {"changes": [{"field": "weight_grams"}]}, "skipped": [{"field": "name"}],
        }));
    }

    /// Also over the end of the past: what comes next is later.
    async fn ids_and_timestamps_rise_together(world: World) {
        start(&world).await;
        world.sql("update machines set status = 'moved'").await;
        let sql = format!(
            "select count(*) from (select timestamp, lag(timestamp) over (order by id) as earlier from {}) as entries \
             where timestamp < earlier",
            log(&world)
        );
        assert_eq!(world.scalar(&sql).await, "0");
    }

    async fn the_log_is_append_only_again(world: World) {
        start(&world).await;
        let statements = [
            format!("update {} set action = 'READ' where id = 9", log(&world)),
            format!("delete from {} where id = 9", log(&world)),
        ];
        for sql in statements {
            let error = world.try_sql(&sql).await.expect_err("the log refuses it").to_string();
            assert!(error.contains("append-only"), "{error}");
        }
        if world.kind == Kind::Postgres {
            let always = "select count(*) from pg_trigger where tgrelid = 'afterimage.log'::regclass and tgenabled = 'A'";
            assert_eq!(world.scalar(always).await, "2");
        }
    }

    async fn starting_again_changes_nothing(world: World) {
        drop(start(&world).await);
        let everything = format!("select * from {} order by id", log(&world));
        let before = world.rows(&everything).await;
        drop(start(&world).await);
        assert_eq!(world.rows(&everything).await, before);
    }

    async fn a_database_with_other_tables_is_left_alone(world: World) {
        world.sql("create table invoices (id integer primary key)").await;
        let before = tables(&world).await;
        let error = try_start(&world).await.err().expect("the demo refuses it");
        assert_eq!(error.code(), Code::Conflict);
        assert!(error.message().contains("invoices"), "{}", error.message());
        assert_eq!(tables(&world).await, before);
        if world.kind == Kind::Sqlite {
            assert_eq!(world.scalar("pragma journal_mode").await, "delete");
        }
    }

    /// Not taken for the demo's own, though they are called so.
    async fn a_user_s_own_users_are_left_alone(world: World) {
        world.sql("create table users (id integer primary key)").await;
        let before = tables(&world).await;
        let error = try_start(&world).await.err().expect("the demo refuses it");
        assert_eq!(error.code(), Code::Conflict);
        assert_eq!(tables(&world).await, before);
    }

    async fn the_feed_shows_the_traffic(world: World) {
        let api = start(&world).await;
        let services = &api.server.services;
        let mut entries = services.feed.subscribe(Filter::everything()).await.expect("the database answers");
        let some = async {
            for _ in 0..3 {
                let event = entries.next().await.expect("the feed goes on").expect("an event");
                let entry = event.entry().expect("an entry");
                assert!(entry.user_id.is_some() && entry.correlation_id.is_some(), "{entry:?}");
            }
        };
        tokio::select! {
            seen = timeout(PATIENCE, some) => seen.expect("somebody does something"),
            never = demo::traffic(&services.database, &world.database_url) => match never.expect("the URL is one") {},
        }
    }
}

/// The traffic is an application like any other: it does not know when the database goes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_traffic_outlives_an_outage() {
    let cluster = Cluster::start();
    let url = cluster.database().await;
    let server = demo::start(&url, &auth_settings(), &serve_settings(), &|_| {}).await.expect("the demo starts");
    let database = server.services.database.clone();
    let outage = async {
        let mut entries = server.services.feed.subscribe(Filter::everything()).await.expect("the database answers");
        entries.next().await.expect("the feed goes on").expect("an entry");
        tokio::task::block_in_place(|| cluster.crash());
        // Long enough for requests to fail.
        tokio::time::sleep(Duration::from_secs(5)).await;
        tokio::task::block_in_place(|| cluster.restart());
        let restarted = Utc::now();
        loop {
            let event = entries.next().await.expect("the feed goes on").expect("an event");
            if event.entry().expect("an entry").timestamp > restarted {
                break;
            }
        }
    };
    tokio::select! {
        seen = timeout(PATIENCE, outage) => seen.expect("somebody does something again"),
        never = demo::traffic(&database, &url) => match never.expect("the URL is one") {},
    }
}

/// A program that ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// As a program: it announces itself on standard output alone, and ends when it is asked to. The variables that lead
/// `serve` to a user's database do not lead the demo there.
#[test]
fn the_command_announces_itself_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = "sqlite://elsewhere.db?mode=rwc";
    let child = Command::new(env!("CARGO_BIN_EXE_afterimage"))
        .args(["demo", "--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .env("AFTERIMAGE_DATABASE_URL", elsewhere)
        .env("DATABASE_URL", elsewhere)
        .env("AFTERIMAGE_OWNER_DATABASE_URL", elsewhere)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Running(child.expect("the demo is started"));
    let mut lines = BufReader::new(child.0.stdout.take().expect("its output")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(first.starts_with("listening on http://127.0.0.1:"), "{first}");
    let id = child.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
    let status = child.0.wait().expect("its end");
    assert!(status.success(), "{status}");
    assert!(lines.next().is_none());
    assert!(folder.path().join("afterimage-demo.db").exists());
    assert!(!folder.path().join("elsewhere.db").exists());
}
