//! Hidden columns whose names change: what is hidden follows the column, and no secret is in the log.

use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::watched::{Serving, next_about, rebuild};
use super::{about, field, recorded, track};
use crate::command::{run, told};
use crate::support::{Api, Kind, World, both};

const COLUMNS: &str = "(id integer primary key, a text, secret text, b text)";
const RENAMED_AND_REPLACED: &str =
    "alter table t rename column secret to was; alter table t add column secret text default 'other'";
const SWAPPED: &str = "alter table t rename column a to x; alter table t rename column secret to a; \
    alter table t rename column x to secret";

/// A table in which every value of the column to hide is a `hush`, and a server over it.
async fn tracked(world: &World, hide: &str) -> Api {
    let api = Api::start(world).await;
    world.sql(&format!("create table t {COLUMNS}; insert into t values (1, 'a', 'hush', 'b')")).await;
    track(&api, "t", &format!("{hide}: [\"secret\"]")).await;
    api
}

/// The lists of the hidden columns.
async fn hidden(api: &Api) -> (Value, Value) {
    (field(api, "t", "redactedColumns").await, field(api, "t", "ignoredColumns").await)
}

/// Changes every row in every action, and asserts that nothing in the log tells what the hidden column holds.
async fn writes_tell_nothing(world: &World, hushed: &str) {
    world
        .sql(&format!(
            "update t set {hushed} = 'hush 2'; update t set {hushed} = 'hush 3', b = 'c'; \
             insert into t (id, {hushed}, b) values (2, 'hush 4', 'd'); update t set id = 3 where id = 2; delete from t"
        ))
        .await;
    let everything = format!("{:?}", world.rows(&format!("select * from {}", world.log())).await);
    assert!(!everything.contains("hush"), "{everything}");
}

fn sentences(payload: &Value) -> String {
    payload["warnings"].to_string()
}

both! {
    async fn one_that_is_renamed_stays_hidden_beside_the_one_that_took_its_name(world: World) {
        for (hide, paused) in
            [("redactedColumns", false), ("ignoredColumns", false), ("redactedColumns", true), ("ignoredColumns", true)]
        {
            let world = World::new(world.kind).await;
            let api = tracked(&world, hide).await;
            if paused {
                assert!(run(&world, &["pause", "t"]).status.success());
            }
            world.sql(RENAMED_AND_REPLACED).await;
            let payload = track(&api, "t", "").await;
            assert!(sentences(&payload).contains("was"), "{payload}");
            let expected = match (world.kind, hide) {
                (_, "redactedColumns") => (json!(["secret", "was"]), json!([])),
                (Kind::Postgres, _) => (json!([]), json!(["secret", "was"])),
                // That it is the same column is not certain there.
                (Kind::Sqlite, _) => (json!(["was"]), json!(["secret"])),
            };
            assert_eq!(hidden(&api).await, expected);
            assert!(about(&api, "t").await["description"].as_str().expect("text").contains("\"was\""));
            let again = track(&api, "t", "").await;
            assert_eq!((sentences(&again), hidden(&api).await), ("[]".to_owned(), expected), "and no more than that");
            writes_tell_nothing(&world, "was").await;
            assert!(recorded(&world, "t").await.iter().any(|entry| entry.contains(r#""b":"c""#)));
        }
    }

    async fn two_that_have_swapped_their_names_are_both_hidden(world: World) {
        for hide in ["redactedColumns", "ignoredColumns"] {
            let world = World::new(world.kind).await;
            let api = tracked(&world, hide).await;
            world.sql(SWAPPED).await;
            let payload = track(&api, "t", "").await;
            assert!(sentences(&payload).contains("\\\"a\\\""), "{payload}");
            assert_eq!(field(&api, "t", "health").await, "OK");
            writes_tell_nothing(&world, "a").await;
            assert!(recorded(&world, "t").await.iter().any(|entry| entry.contains(r#""b":"c""#)));
            // Whoever knows better says so.
            world.sql("insert into t (id, secret) values (9, 'plain')").await;
            assert!(!recorded(&world, "t").await.concat().contains("plain"));
            track(&api, "t", "redactedColumns: [\"a\"], ignoredColumns: []").await;
            world.sql("update t set secret = 'shown', a = 'hush'").await;
            let last = recorded(&world, "t").await.pop().expect("an entry");
            assert!(last.contains("shown") && !last.contains("hush"), "{last}");
        }
    }

    async fn one_that_is_dropped_and_added_again_is_hidden(world: World) {
        let api = tracked(&world, "redactedColumns").await;
        assert!(run(&world, &["pause", "t"]).status.success());
        world.sql("alter table t drop column secret; alter table t add column secret text").await;
        assert!(run(&world, &["resume", "t"]).status.success());
        let expected = match world.kind {
            Kind::Postgres => json!(["secret"]),
            // As if one of the others had been dropped, and the secret had its name.
            Kind::Sqlite => json!(["secret", "a", "b"]),
        };
        assert_eq!(hidden(&api).await.0, expected);
        writes_tell_nothing(&world, "secret").await;
    }

    async fn one_that_took_the_name_of_a_dropped_one_is_hidden(world: World) {
        let api = tracked(&world, "redactedColumns").await;
        assert!(run(&world, &["pause", "t"]).status.success());
        world.sql("alter table t drop column a; alter table t rename column secret to a").await;
        let resumed = run(&world, &["resume", "t"]);
        assert!(resumed.status.success());
        assert!(told(&resumed.stderr).contains("hidden column \"secret\""), "{}", told(&resumed.stderr));
        writes_tell_nothing(&world, "a").await;
        // An empty list takes it all back, on the command line too.
        assert!(run(&world, &["track", "t", "--redact", ""]).status.success());
        assert_eq!(hidden(&api).await, (json!([]), json!([])));
    }

    /// Rows are read as they are now, also before the table is tracked again.
    async fn the_present_row_shows_none_that_has_swapped_its_name(world: World) {
        let api = tracked(&world, "redactedColumns").await;
        world.sql(SWAPPED).await;
        let query = "{ trackedObject(tableName: \"t\", recordId: 1) { current } }";
        let row = api.ask(query, json!({})).await;
        assert_eq!(row["trackedObject"]["current"], json!({"id": 1, "b": "b"}));
    }

    async fn one_that_became_part_of_the_key_is_asked_for(world: World) {
        let api = tracked(&world, "redactedColumns").await;
        assert!(run(&world, &["pause", "t"]).status.success());
        match world.kind {
            Kind::Postgres => world.sql("alter table t rename secret to key; alter table t drop constraint t_pkey; \
                alter table t add primary key (key)").await,
            Kind::Sqlite => world.sql(&rebuild("id integer, a text, key text primary key, b text", "*")).await,
        }
        let (code, message) = api.refusal("mutation { trackTable(input: {tableName: \"t\"}) { warnings } }", json!({})).await;
        assert!(code == "BAD_USER_INPUT" && message.contains("\"key\""), "{message}");
    }
}

/// Somebody alters the table while another waits to track it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_columns_are_looked_at_when_nobody_can_rename_them_any_more() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, "redactedColumns").await;
    let altering = format!("begin; {RENAMED_AND_REPLACED}; select pg_sleep(0.3); commit");
    let tracking = async {
        sleep(Duration::from_millis(100)).await;
        track(&api, "t", "").await;
    };
    tokio::join!(world.sql(&altering), tracking);
    assert_eq!(hidden(&api).await.0, json!(["secret", "was"]));
    writes_tell_nothing(&world, "was").await;
}

/// What an older version has stored are names alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_tables_that_were_tracked_before_get_their_numbers() {
    let back = "alter table afterimage.tracked_table drop column hidden_numbers; \
        delete from afterimage.afterimage_migrations where version = 'm0008_hidden_columns'";
    // The functions know them, from before anything was renamed; ones that tell nothing leave the names.
    for (before, after) in [
        (RENAMED_AND_REPLACED, "select 1"),
        (
            "do $$ begin execute (select format('create or replace function afterimage.%I() returns trigger \
                language plpgsql as ''begin return null; end''', p.proname) \
                from pg_proc p where p.proname like 'capture%update'); end $$",
            RENAMED_AND_REPLACED,
        ),
    ] {
        let world = World::new(Kind::Postgres).await;
        let api = tracked(&world, "redactedColumns").await;
        world.sql(&format!("{back}; {before}")).await;
        assert!(run(&world, &["migrate"]).status.success());
        let numbers = world.scalar("select hidden_numbers::text from afterimage.tracked_table").await;
        assert_eq!(serde_json::from_str::<Value>(&numbers).expect("a document"), json!({"secret": 3}));
        world.sql(after).await;
        track(&api, "t", "").await;
        assert_eq!(hidden(&api).await.0, json!(["secret", "was"]));
        writes_tell_nothing(&world, "was").await;
    }
}

/// In one transaction, so that the server sees nothing but its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_the_server_hides_what_may_be_hidden_and_says_so() {
    for (alter, hushed) in [
        (format!("begin; {RENAMED_AND_REPLACED}; commit"), "was"),
        (format!("begin; {SWAPPED}; commit"), "a"),
        (rebuild("id integer primary key, secret text, a text, b text", "id, a, secret, b"), "a"),
        (rebuild("id integer primary key, a text, b text", "id, secret, b"), "a"),
    ] {
        let world = World::new(Kind::Sqlite).await;
        let api = tracked(&world, "redactedColumns").await;
        let serving = Serving::start(&world).await;
        let last = about(&api, "t").await;
        world.sql(&alter).await;
        let entry = next_about(&api, &last).await;
        let description = entry["description"].as_str().expect("text");
        assert!(description.contains(&format!("\"{hushed}\"")), "{alter}: {description}");
        assert!(hidden(&api).await.0.as_array().expect("a list").contains(&json!(hushed)), "{alter}");
        writes_tell_nothing(&world, hushed).await;
        serving.end().await;
    }
}
