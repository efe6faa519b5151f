//! SQLite: the server looks after the triggers while the schema changes under it.
//! It does so in this very process, beside commands that are waited for: each test needs a thread for either.

use std::time::Duration;

use afterimage::auth::Role;
use afterimage::server::Server;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{about, field, recorded, track};
use crate::command::run;
use crate::support::{Api, Kind, World, auth_settings, serve_settings};

const T: &str = "create table t (id integer primary key, a text, secret text); insert into t values (1, 'a', 's')";

/// What SQLite's documentation tells to do where ALTER TABLE does not suffice.
pub(super) fn rebuild(columns: &str, copied: &str) -> String {
    format!(
        "pragma foreign_keys = off; begin; create table new_t ({columns}); insert into new_t select {copied} from t; \
         drop table t; alter table new_t rename to t; commit"
    )
}

/// A server that serves.
pub(super) struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    pub(super) async fn start(world: &World) -> Serving {
        let server = Server::prepare(&world.database_url, &auth_settings(), &serve_settings()).await.expect("a server");
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            server.serve(async { drop(stopped.await) }).await.expect("it serves");
        });
        Serving { stop, task }
    }

    pub(super) async fn end(self) {
        self.stop.send(()).expect("it serves still");
        self.task.await.expect("it ends");
    }
}

/// A tracked table and a server over it, and one that merely answers.
async fn world(tables: &str, options: &str) -> (World, Api, Serving) {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::start(&world).await;
    world.sql(tables).await;
    track(&api, "t", options).await;
    let serving = Serving::start(&world).await;
    (world, api, serving)
}

/// Waits until a field of the table is this.
async fn becomes(api: &Api, name: &str, wanted: Value) {
    let reached = async {
        while field(api, "t", name).await != wanted {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), reached).await.unwrap_or_else(|_| panic!("{name} never became {wanted}"));
}

/// Waits until there is another entry about the table than this one.
pub(super) async fn next_about(api: &Api, last: &Value) -> Value {
    let found = async {
        loop {
            let entry = about(api, "t").await;
            if entry != *last {
                return entry;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), found).await.expect("an entry about the table")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_rebuilt_is_captured_again_and_the_gap_is_an_entry() {
    let (world, api, serving) = world(T, "").await;
    let last = about(&api, "t").await;
    let before = chrono::Utc::now();
    world.sql(&rebuild("id integer primary key, a text not null, secret text, extra int default 5", "*, 5")).await;
    let entry = next_about(&api, &last).await;
    let gap = &entry["metadata"]["gap"];
    let instant =
        |end: &str| chrono::DateTime::parse_from_rfc3339(gap[end].as_str().expect("text")).expect("an instant");
    assert!((before - instant("since").to_utc()).num_seconds() < 5, "{entry}: the look before was a moment ago");
    assert!(instant("since") < instant("until"), "{entry}");
    assert_eq!((&entry["source"], &entry["userId"]), (&json!("API"), &json!(null)));
    assert!(entry["description"].as_str().expect("text").contains("may not have been recorded"), "{entry}");
    assert_eq!(entry["newValues"]["columns"], json!(["id", "a", "secret", "extra"]));
    assert_eq!(field(&api, "t", "health").await, "OK");
    world.sql("update t set extra = 6").await;
    assert_eq!(recorded(&world, "t").await, [r#"UPDATE 1 {"extra":5} {"extra":6}"#]);
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_rebuilt_with_another_key_is_captured_under_that_one_and_undoes_nothing_older() {
    let (world, api, serving) = world(T, "").await;
    world.sql("update t set a = '1'; update t set secret = 'other'").await;
    let ids = "{ objectHistory(tableName: \"t\", recordId: \"1\") { nodes { id } } }";
    let older = api.ask(ids, json!({})).await["objectHistory"]["nodes"][0]["id"].take();
    let last = about(&api, "t").await;
    world.sql(&rebuild("id integer, a text not null primary key, secret text", "*")).await;
    let entry = next_about(&api, &last).await;
    assert_eq!(entry["oldValues"], json!({"primaryKey": ["id"]}));
    assert_eq!(entry["newValues"], json!({"primaryKey": ["a"]}));
    let undo = "mutation($id: ID!) { undo(id: $id) { auditLog { id } } }";
    let (code, message) = api.refusal_as(&[Role::Admin], undo, json!({"id": older})).await;
    assert!(code == "NOT_UNDOABLE" && message.contains("the key of \"t\" has changed since"), "{message}");
    world.sql("update t set secret = 'newer'").await;
    let newer = api.ask(ids, json!({})).await["objectHistory"]["nodes"][0]["id"].take();
    api.ask(undo, json!({"id": newer})).await;
    assert_eq!(world.scalar("select secret from t").await, "other");
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_rebuilt_while_no_server_ran_is_captured_before_one_serves_again() {
    let (world, api, serving) = world(T, "").await;
    serving.end().await;
    let ended = chrono::Utc::now();
    world.sql(&rebuild("id integer primary key, a text, secret text", "*")).await;
    world.sql("update t set a = 'unseen'").await;
    let again = Serving::start(&world).await;
    assert_eq!(field(&api, "t", "health").await, "OK");
    let entry = about(&api, "t").await;
    let since = entry["metadata"]["gap"]["since"].as_str().expect("a gap").to_owned();
    let since = chrono::DateTime::parse_from_rfc3339(&since).expect("an instant").to_utc();
    assert!(since <= ended && (ended - since).num_seconds() < 5, "{entry}: the server wrote down when all was well");
    world.sql("update t set a = 'seen'").await;
    assert_eq!(recorded(&world, "t").await, [r#"UPDATE 1 {"a":"unseen"} {"a":"seen"}"#]);
    again.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_added_a_renamed_column_and_a_later_trigger_bring_capture_up_to_date() {
    let (world, api, serving) = world(T, "").await;
    for (statement, columns) in [
        ("alter table t add column b int default 1", json!(["id", "a", "secret", "b"])),
        ("alter table t rename column a to z", json!(["id", "z", "secret", "b"])),
    ] {
        let last = about(&api, "t").await;
        world.sql(statement).await;
        let entry = next_about(&api, &last).await;
        assert_eq!(entry["newValues"], json!({"columns": columns}), "{statement}");
        assert_eq!(entry["metadata"], json!(null));
        assert!(entry["description"].as_str().expect("text").contains("up to date"), "{entry}");
    }
    world.sql("update t set b = 2, z = 'y'").await;
    let last = about(&api, "t").await;
    world.sql("create trigger later after insert on t begin update t set z = 'set' where id = new.id; end").await;
    next_about(&api, &last).await;
    world.sql("insert into t (id, z) values (2, 'q')").await;
    assert_eq!(
        recorded(&world, "t").await,
        [
            r#"UPDATE 1 {"z":"a","b":1} {"z":"y","b":2}"#,
            r#"CREATE 2 - {"id":2,"z":"q","secret":null,"b":1}"#,
            r#"UPDATE 2 {"z":"q"} {"z":"set"}"#,
        ]
    );
    serving.end().await;
}

/// Between the renaming and the server's look SQLite's own rewriting of the triggers keeps the value out; after it, that
/// the new column may be the old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redacted_column_that_is_renamed_or_rebuilt_under_another_name_stays_redacted() {
    for rename in [
        "alter table t rename column secret to hidden".to_owned(),
        rebuild("id integer primary key, a text, hidden text", "id, a, secret"),
    ] {
        let (world, api, serving) = world(T, "redactedColumns: [\"secret\"]").await;
        world.sql(&rename).await;
        world.sql("update t set hidden = 'hush'").await;
        becomes(&api, "health", json!("OK")).await;
        assert_eq!(field(&api, "t", "redactedColumns").await, json!(["secret", "hidden"]));
        world.sql("update t set hidden = 'hush, hush'; delete from t").await;
        let everything = world.rows("select * from afterimage_log").await;
        assert!(!format!("{everything:?}").contains("hush"), "{rename}: {everything:?}");
        serving.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_is_dropped_under_a_pause_which_the_server_does_not_end() {
    let (world, api, serving) = world(T, "").await;
    let refusal = world.try_sql("alter table t drop column a").await.expect_err("refused").to_string();
    assert!(refusal.contains("error in trigger afterimage_t_") && refusal.contains("after drop column"), "{refusal}");
    assert!(run(&world, &["pause", "t"]).status.success());
    let paused = about(&api, "t").await;
    world.sql("alter table t drop column a").await;
    // Another table shows that the server has looked since.
    world.sql("create table u (id integer primary key)").await;
    track(&api, "u", "").await;
    world.sql("drop trigger afterimage_u_insert").await;
    let looked = async {
        while field(&api, "u", "health").await != "OK" {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), looked).await.expect("the server looks");
    assert_eq!(about(&api, "t").await, paused);
    assert_eq!(field(&api, "t", "health").await, "MISSING");
    assert!(run(&world, &["resume", "t"]).status.success());
    assert_eq!(field(&api, "t", "health").await, "OK");
    world.sql("insert into t values (2, 's')").await;
    assert_eq!(recorded(&world, "t").await, [r#"CREATE 2 - {"id":2,"secret":"s"}"#]);
    serving.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_captured_any_more_is_left_and_what_can_be_is_not_held_up_by_it() {
    let (world, api, serving) =
        world(&format!("{T}; create table a (id integer primary key); create table b (id integer primary key)"), "")
            .await;
    for table in ["a", "b"] {
        track(&api, table, "").await;
    }
    world.sql("alter table b rename to renamed; drop table a; create table a (x)").await;
    world.sql(&rebuild("id integer primary key, a text", "id, a")).await;
    becomes(&api, "health", json!("OK")).await;
    assert_eq!(
        (field(&api, "a", "health").await, field(&api, "b", "health").await),
        (json!("OUTDATED"), json!("OUTDATED"))
    );
    // A table of the old name is another one, and its own: what becomes of the renamed one is not filed under it.
    world.sql("create table b (id integer primary key)").await;
    let whole = async {
        while field(&api, "b", "health").await != "OK" {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), whole).await.expect("the new table is captured");
    world.sql("insert into b values (7); insert into renamed values (8)").await;
    assert_eq!(recorded(&world, "b").await, [r#"CREATE 7 - {"id":7}"#]);
    serving.end().await;
}

/// A table that was gone when the server looked, and came back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gap_of_a_table_that_was_away_begins_when_it_was_last_whole() {
    let (world, api, serving) = world(T, "").await;
    let last = about(&api, "t").await;
    world.sql("alter table t rename to away; drop table away").await;
    let gone = chrono::Utc::now();
    becomes(&api, "health", json!("MISSING")).await;
    // Longer than the server takes from one look to the next.
    sleep(Duration::from_millis(1_000)).await;
    world.sql(T).await;
    let entry = next_about(&api, &last).await;
    let since = entry["metadata"]["gap"]["since"].as_str().expect("a gap").to_owned();
    assert!(chrono::DateTime::parse_from_rfc3339(&since).expect("an instant") <= gone, "{entry}");
    serving.end().await;
}
