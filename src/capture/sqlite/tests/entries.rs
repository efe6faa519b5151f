//! Which entries a statement leaves.

use super::{World, redacting};

#[tokio::test]
async fn insert_update_and_delete_leave_one_entry_each() {
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INT)", &["t"]).await;
    world.run("INSERT INTO t (a, b) VALUES ('x', 1); UPDATE t SET b = 2; DELETE FROM t").await;
    let expected = [
        r#"CREATE 1 is {"id":1,"a":"x","b":1}"#,
        r#"UPDATE 1 was {"b":1} is {"b":2}"#,
        r#"DELETE 1 was {"id":1,"a":"x","b":2}"#,
    ];
    assert_eq!(world.log().await, expected);
}

#[tokio::test]
async fn a_statement_over_many_rows_leaves_an_entry_for_each() {
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a)", &["t"]).await;
    let numbers = "WITH n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, i FROM n";
    assert_eq!(world.logged(&format!("INSERT INTO t {numbers}")).await.len(), 300);
    assert_eq!(world.logged("UPDATE t SET a = a + 1 WHERE id <= 100").await.len(), 100);
    assert_eq!(world.logged("DELETE FROM t").await.len(), 300);
}

#[tokio::test]
async fn an_update_that_changes_no_byte_leaves_nothing() {
    let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b)";
    let world = World::tracking(schema, &["t"]).await;
    world.run("INSERT INTO t VALUES (1, 'x', 1), (2, NULL, NULL)").await;
    assert!(world.logged("UPDATE t SET a = a, b = b, id = id").await.is_empty());
    assert_eq!(world.logged("UPDATE t SET a = 'X' WHERE id = 1").await, [r#"UPDATE 1 was {"a":"x"} is {"a":"X"}"#]);
    assert_eq!(world.logged("UPDATE t SET b = 1.0 WHERE id = 1").await, [r#"UPDATE 1 was {"b":1} is {"b":1.0}"#]);
    assert_eq!(world.logged("UPDATE t SET b = '1.0' WHERE id = 1").await, [r#"UPDATE 1 was {"b":1.0} is {"b":"1.0"}"#]);
}

#[tokio::test]
async fn a_change_of_the_key_leaves_a_delete_and_a_create_that_point_at_each_other() {
    let world = World::tracking("CREATE TABLE t (a TEXT, b INT, c, PRIMARY KEY (a, b))", &["t"]).await;
    world.run("INSERT INTO t VALUES ('x', 1, 7)").await;
    let expected = [
        r#"DELETE ["x","1"] was {"a":"x","b":1,"c":7} key ["x","2"]"#,
        r#"CREATE ["x","2"] is {"a":"x","b":2,"c":8} key ["x","1"]"#,
    ];
    assert_eq!(world.logged("UPDATE t SET b = 2, c = 8").await, expected);
}

#[tokio::test]
async fn redacted_and_ignored_columns_leave_no_value() {
    let world = World::new("CREATE TABLE t (id INTEGER PRIMARY KEY, a, secret, b, junk, pin)").await;
    world.track("t", &redacting(&["secret", "pin"], &["junk"])).await;
    let expected = [r#"CREATE 1 is {"id":1,"a":2,"b":4} redacted {"secret":2,"pin":3}"#];
    assert_eq!(world.logged("INSERT INTO t VALUES (1, 2, 3, 4, 5, 6)").await, expected);
    assert!(world.logged("UPDATE t SET junk = 9").await.is_empty());
    assert_eq!(world.logged("UPDATE t SET secret = 9").await, [r#"UPDATE 1 was {} is {} redacted {"secret":0}"#]);
    let expected = [r#"UPDATE 1 was {"b":4} is {"b":5} redacted {"pin":1}"#];
    assert_eq!(world.logged("UPDATE t SET b = 5, pin = 8, junk = 7").await, expected);
    assert_eq!(world.logged("UPDATE t SET a = 3").await, [r#"UPDATE 1 was {"a":2} is {"a":3}"#]);
    let expected = [r#"DELETE 1 was {"id":1,"a":3,"b":5} redacted {"secret":2,"pin":3}"#];
    assert_eq!(world.logged("DELETE FROM t").await, expected);
}

#[tokio::test]
async fn a_cascade_is_recorded_in_the_child() {
    let schema = "PRAGMA foreign_keys = ON; CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE t (id INTEGER PRIMARY KEY, p INT REFERENCES p ON DELETE CASCADE);
        CREATE TABLE u (id INTEGER PRIMARY KEY, p INT REFERENCES p ON DELETE SET NULL)";
    let world = World::tracking(schema, &["p", "t", "u"]).await;
    world.run("INSERT INTO p VALUES (1); INSERT INTO t VALUES (5, 1); INSERT INTO u VALUES (6, 1)").await;
    let mut found = world.logged("DELETE FROM p").await;
    found.sort();
    let expected =
        [r#"DELETE 5 was {"id":5,"p":1}"#, r#"p DELETE 1 was {"id":1}"#, r#"u UPDATE 6 was {"p":1} is {"p":null}"#];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_the_users_trigger_does_to_a_new_row_is_logged_after_its_create() {
    let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, a);
        CREATE TRIGGER zzz AFTER INSERT ON t BEGIN UPDATE t SET a = 'set' WHERE id = NEW.id; END;
        CREATE TRIGGER aaa AFTER DELETE ON t BEGIN INSERT INTO t VALUES (OLD.id + 1, 'again'); END";
    let world = World::tracking(schema, &["t"]).await;
    let expected = [r#"CREATE 1 is {"id":1,"a":1}"#, r#"UPDATE 1 was {"a":1} is {"a":"set"}"#];
    assert_eq!(world.logged("INSERT INTO t VALUES (1, 1)").await, expected);
    let expected = [
        r#"DELETE 1 was {"id":1,"a":"set"}"#,
        r#"CREATE 2 is {"id":2,"a":"again"}"#,
        r#"UPDATE 2 was {"a":"again"} is {"a":"set"}"#,
    ];
    assert_eq!(world.logged("DELETE FROM t WHERE id = 1").await, expected);
}

#[tokio::test]
async fn a_rolled_back_change_leaves_nothing() {
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE)", &["t"]).await;
    world.run("INSERT INTO t VALUES (1, 1); BEGIN; REPLACE INTO t VALUES (2, 1); ROLLBACK").await;
    assert_eq!(world.log().await.len(), 1);
    assert!(world.read("SELECT record_id FROM afterimage_stash").await.is_empty());
}

#[tokio::test]
async fn capture_changes_neither_changes_nor_the_last_rowid() {
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE)", &["t"]).await;
    world.run("INSERT INTO t VALUES (41, 1), (42, 2)").await;
    let found = world.read("SELECT changes() || ' ' || last_insert_rowid()").await;
    assert_eq!(found, ["2 42"]);
}
