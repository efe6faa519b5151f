//! Settings of the writing connection, and of the file.

use super::World;

const STATEMENTS: &str = "INSERT INTO t VALUES (1, 'é\u{1}\"'), (2, x'00ff'); UPDATE t SET a = 0.1 WHERE id = 1;
    REPLACE INTO t VALUES (2, 'r'); UPDATE t SET id = 3 WHERE id = 2; DELETE FROM t WHERE 1";
const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a)";

fn expected() -> Vec<String> {
    [
        r#"CREATE 1 is {"id":1,"a":"é\u0001\""}"#,
        r#"CREATE 2 is {"id":2,"a":{"$blob":"00ff"}}"#,
        r#"UPDATE 1 was {"a":"é\u0001\""} is {"a":0.1}"#,
        r#"DELETE 2 was {"id":2,"a":{"$blob":"00ff"}} key 2"#,
        r#"CREATE 2 is {"id":2,"a":"r"} key 2"#,
        r#"DELETE 2 was {"id":2,"a":"r"} key 3"#,
        r#"CREATE 3 is {"id":3,"a":"r"} key 2"#,
        r#"DELETE 1 was {"id":1,"a":0.1}"#,
        r#"DELETE 3 was {"id":3,"a":"r"}"#,
    ]
    .map(str::to_owned)
    .into()
}

#[tokio::test]
async fn no_setting_of_the_writers_changes_what_is_recorded() {
    for setting in [
        "trusted_schema = ON",
        "trusted_schema = OFF",
        "foreign_keys = OFF",
        "foreign_keys = ON",
        "journal_mode = WAL",
        "journal_mode = DELETE",
        "journal_mode = MEMORY",
        "ignore_check_constraints = ON",
        "legacy_alter_table = ON",
        "writable_schema = ON",
        "case_sensitive_like = ON",
        "reverse_unordered_selects = OFF",
        "cell_size_check = ON",
        "secure_delete = ON",
        "automatic_index = OFF",
        "temp_store = MEMORY",
        "locking_mode = EXCLUSIVE",
        "defer_foreign_keys = ON",
    ] {
        let world = World::tracking(TABLE, &["t"]).await;
        world.run(&format!("PRAGMA {setting}")).await;
        assert_eq!(world.logged(STATEMENTS).await, expected(), "{setting}");
    }
}

#[tokio::test]
async fn a_database_in_utf_16_is_recorded_as_any_other() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let world = World::first(&format!("PRAGMA encoding = '{encoding}'; CREATE TABLE first (a)"), TABLE).await;
        assert_eq!(world.read("PRAGMA encoding").await, [encoding]);
        world.track("t", &crate::capture::Hidden::default()).await;
        assert_eq!(world.logged(STATEMENTS).await, expected(), "{encoding}");
        let key = "CREATE TABLE k (k TEXT PRIMARY KEY, a) WITHOUT ROWID";
        world.run(key).await;
        world.track("k", &crate::capture::Hidden::default()).await;
        assert_eq!(world.logged("INSERT INTO k VALUES ('😀\"', 1)").await, [r#"k CREATE 😀" is {"k":"😀\"","a":1}"#]);
    }
}

/// The names in a trigger are those of the file that it stands in, whatever else the connection has.
#[tokio::test]
async fn a_writer_that_attaches_the_database_to_another_is_recorded_in_it() {
    let world = World::tracking(TABLE, &["t"]).await;
    let path = world.read("SELECT file FROM pragma_database_list WHERE name = 'main'").await.remove(0);
    let other = World::new(TABLE).await;
    other
        .run(&format!(
            "ATTACH '{path}' AS ours; CREATE TEMP TABLE afterimage_context (id, user_id, created_at); \
             INSERT INTO temp.afterimage_context VALUES (1, 'forged', strftime('%Y-%m-%dT%H:%M:%fZ', 'now')); \
             INSERT INTO main.t VALUES (1, 'theirs'); {}",
            STATEMENTS.replace(" t ", " ours.t ")
        ))
        .await;
    assert_eq!(world.log().await, expected());
    assert!(other.log().await.is_empty());
    assert_eq!(world.read("SELECT DISTINCT coalesce(user_id, 'nobody') FROM afterimage_log").await, ["nobody"]);
}

#[tokio::test]
async fn a_temporary_trigger_of_the_writers_is_recorded_too() {
    let world = World::tracking(TABLE, &["t"]).await;
    world
        .run("CREATE TEMP TRIGGER mine AFTER INSERT ON main.t BEGIN UPDATE t SET a = 'temp' WHERE id = NEW.id; END")
        .await;
    let mut found = world.logged("INSERT INTO t VALUES (1, 'a')").await;
    // It fires before ours or after, as no file knows of it; either way both changes are there.
    found.sort();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("CREATE 1") && found[1].starts_with(r#"UPDATE 1 was {"a":"a"} is {"a":"temp"}"#),
        "{found:?}"
    );
}
