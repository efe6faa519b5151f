//! Changes of the schema, and whether the triggers are those of today.

use super::{World, choice, redacting};
use crate::capture::sqlite::{health, remove};
use crate::capture::{Health, Hidden};

async fn world() -> World {
    World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)", &["t"]).await
}

async fn state(world: &World) -> Health {
    health(&world.conn, "t", &choice(&Hidden::default())).await.unwrap()
}

#[tokio::test]
async fn fresh_triggers_are_healthy_also_after_vacuum_and_when_installed_twice() {
    let world = world().await;
    assert_eq!(state(&world).await, Health::Ok);
    world.run("VACUUM").await;
    world.track("t", &Hidden::default()).await;
    assert_eq!(state(&world).await, Health::Ok);
    assert_eq!(health(&world.conn, "t", &choice(&redacting(&["a"], &[]))).await.unwrap(), Health::Outdated);
}

#[tokio::test]
async fn a_missing_trigger_and_a_missing_table_are_noticed() {
    let world = world().await;
    world.run("DROP TRIGGER afterimage_t_rekey").await;
    assert_eq!(state(&world).await, Health::Missing);
    world.run("DROP TABLE t").await;
    assert_eq!(state(&world).await, Health::Missing);
}

/// What an older release installed has no such view.
#[tokio::test]
async fn the_view_that_all_triggers_share_comes_with_the_first_table_and_goes_with_the_last() {
    let world =
        World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE TABLE u (id PRIMARY KEY)", &["t"]).await;
    world.track("u", &Hidden::default()).await;
    let views = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name";
    assert_eq!(world.read(views).await, ["afterimage_change", "afterimage_line"]);
    world.run("DROP TRIGGER afterimage_line_renew").await;
    assert_eq!(state(&world).await, Health::Outdated);
    world.track("t", &Hidden::default()).await;
    assert_eq!(state(&world).await, Health::Ok);
    assert_eq!(world.logged("INSERT INTO u VALUES (1)").await, [r#"u CREATE 1 is {"id":1}"#]);
    remove(&world.conn, "t").await.unwrap();
    assert_eq!(world.read(views).await.len(), 2);
    remove(&world.conn, "u").await.unwrap();
    assert!(world.read(views).await.is_empty());
}

#[tokio::test]
async fn a_trigger_of_the_users_that_came_later_is_noticed_and_mended() {
    let world = world().await;
    world.run("CREATE TRIGGER later AFTER INSERT ON t BEGIN UPDATE t SET a = 'set' WHERE id = NEW.id; END").await;
    assert_eq!(state(&world).await, Health::Outdated);
    world.track("t", &Hidden::default()).await;
    assert_eq!(state(&world).await, Health::Ok);
    let expected = [r#"CREATE 1 is {"id":1,"a":1,"b":1}"#, r#"UPDATE 1 was {"a":1} is {"a":"set"}"#];
    assert_eq!(world.logged("INSERT INTO t VALUES (1, 1, 1)").await, expected);
}

#[tokio::test]
async fn an_added_column_breaks_no_write_and_is_noticed() {
    let world = world().await;
    world.run("ALTER TABLE t ADD COLUMN c DEFAULT 3").await;
    assert_eq!(state(&world).await, Health::Outdated);
    assert_eq!(world.logged("INSERT INTO t VALUES (1, 1, 1, 1)").await, [r#"CREATE 1 is {"id":1,"a":1,"b":1}"#]);
    world.track("t", &Hidden::default()).await;
    assert_eq!(world.logged("UPDATE t SET c = 2").await, [r#"UPDATE 1 was {"c":1} is {"c":2}"#]);
}

#[tokio::test]
async fn a_new_unique_index_is_noticed() {
    let world = world().await;
    world.run("CREATE UNIQUE INDEX i ON t (a)").await;
    assert_eq!(state(&world).await, Health::Outdated);
}

#[tokio::test]
async fn a_renamed_column_breaks_no_write_and_is_noticed() {
    let world = world().await;
    world.run("ALTER TABLE t RENAME COLUMN a TO z").await;
    assert_eq!(state(&world).await, Health::Outdated);
    assert_eq!(world.logged("INSERT INTO t VALUES (1, 1, 1)").await, [r#"CREATE 1 is {"id":1,"a":1,"b":1}"#]);
}

#[tokio::test]
async fn a_renamed_table_breaks_no_write_and_is_noticed() {
    let world = world().await;
    world.run("ALTER TABLE t RENAME TO z").await;
    assert_eq!(state(&world).await, Health::Outdated);
    assert_eq!(world.logged("REPLACE INTO z VALUES (1, 1, 1)").await.len(), 1);
    remove(&world.conn, "t").await.unwrap();
    assert!(world.read("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'z'").await.is_empty());
}

#[tokio::test]
async fn a_column_can_be_dropped_once_the_triggers_are_removed() {
    let world = world().await;
    assert!(world.attempt("ALTER TABLE t DROP COLUMN a").await.is_err());
    remove(&world.conn, "t").await.unwrap();
    world.run("ALTER TABLE t DROP COLUMN a").await;
    world.track("t", &Hidden::default()).await;
    assert_eq!(state(&world).await, Health::Ok);
}

#[tokio::test]
async fn one_tables_triggers_are_not_anothers() {
    let world = World::tracking(
        "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE a_insert (id INTEGER PRIMARY KEY)",
        &["a", "a_insert"],
    )
    .await;
    remove(&world.conn, "a").await.unwrap();
    assert_eq!(world.logged("INSERT INTO a VALUES (1); INSERT INTO a_insert VALUES (1)").await.len(), 1);
}

#[tokio::test]
async fn the_logs_checks_make_no_table_of_a_list_and_refuse_what_they_did() {
    let world = world().await;
    let log = world.read("SELECT sql FROM sqlite_master WHERE name = 'afterimage_log'").await.remove(0);
    assert!(log.contains("CHECK (action = 'CREATE' OR ") && log.contains("CHECK (source = 'TRIGGER' OR "), "{log}");
    assert!(!log.contains(" IN ("), "{log}");
    for (columns, refused) in
        [("action, table_name", "'NONE', 't'"), ("action, table_name, source", "'READ', 't', 'X'")]
    {
        assert!(world.attempt(&format!("INSERT INTO afterimage_log ({columns}) VALUES ({refused})")).await.is_err());
    }
    for action in ["CREATE", "UPDATE", "DELETE", "READ"] {
        world.run(&format!("INSERT INTO afterimage_log (action, table_name) VALUES ('{action}', 't')")).await;
    }
    assert_eq!(world.read("PRAGMA integrity_check").await, ["ok"]);
}

/// Until the last table is tracked anew, the triggers of an older release use another view.
#[tokio::test]
async fn the_view_of_an_older_release_goes_with_the_last_trigger_that_uses_it() {
    let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY);
        CREATE VIEW afterimage_entry (action) AS SELECT NULL;
        CREATE TRIGGER afterimage_t_insert AFTER INSERT ON t BEGIN INSERT INTO afterimage_entry (action) VALUES (1); END;
        CREATE TRIGGER afterimage_u_insert AFTER INSERT ON u BEGIN INSERT INTO afterimage_entry (action) VALUES (1); END";
    let world = World::tracking(schema, &["t"]).await;
    let views = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name";
    assert_eq!(world.read(views).await, ["afterimage_change", "afterimage_entry", "afterimage_line"]);
    world.track("u", &Hidden::default()).await;
    assert_eq!(world.read(views).await, ["afterimage_change", "afterimage_line"]);
}
