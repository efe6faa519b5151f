//! Rows that a REPLACE deletes, and statements that look like one.

use super::World;

const ROWS: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b);
    INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3)";

async fn world() -> World {
    World::tracking(ROWS, &["t"]).await
}

#[tokio::test]
async fn a_row_replaced_by_its_key_is_deleted_before_the_new_one_is_created() {
    let world = world().await;
    let expected = [r#"DELETE 1 was {"id":1,"a":"x","b":1} key 1"#, r#"CREATE 1 is {"id":1,"a":"w","b":9} key 1"#];
    assert_eq!(world.logged("REPLACE INTO t VALUES (1, 'w', 9)").await, expected);
    let expected = [r#"DELETE 1 was {"id":1,"a":"w","b":9} key 1"#, r#"CREATE 1 is {"id":1,"a":"w","b":9} key 1"#];
    assert_eq!(world.logged("REPLACE INTO t VALUES ('1', 'w', 9)").await, expected);
}

#[tokio::test]
async fn rows_replaced_on_other_keys_are_deleted_too() {
    let world = world().await;
    let expected = [r#"DELETE 2 was {"id":2,"a":"y","b":2}"#, r#"CREATE 4 is {"id":4,"a":"y","b":9}"#];
    assert_eq!(world.logged("INSERT OR REPLACE INTO t (a, b) VALUES ('y', 9)").await, expected);
    let mut found = world.logged("REPLACE INTO t VALUES (1, 'z', 0)").await;
    assert_eq!(found.pop().unwrap(), r#"CREATE 1 is {"id":1,"a":"z","b":0} key 1"#);
    // The row under its own key comes last, beside the one that takes its place.
    assert_eq!(found, [r#"DELETE 3 was {"id":3,"a":"z","b":3}"#, r#"DELETE 1 was {"id":1,"a":"x","b":1} key 1"#]);
    assert!(world.read("SELECT record_id FROM afterimage_stash").await.is_empty());
}

#[tokio::test]
async fn update_or_replace_deletes_what_stands_in_the_way() {
    let world = world().await;
    let expected = [r#"DELETE 2 was {"id":2,"a":"y","b":2}"#, r#"UPDATE 1 was {"a":"x"} is {"a":"y"}"#];
    assert_eq!(world.logged("UPDATE OR REPLACE t SET a = 'y' WHERE id = 1").await, expected);
    let expected = [
        r#"DELETE 3 was {"id":3,"a":"z","b":3}"#,
        r#"DELETE 1 was {"id":1,"a":"y","b":1} key 3"#,
        r#"CREATE 3 is {"id":3,"a":"y","b":1} key 1"#,
    ];
    assert_eq!(world.logged("UPDATE OR REPLACE t SET id = 3 WHERE id = 1").await, expected);
}

#[tokio::test]
async fn recursive_triggers_record_nothing_twice() {
    let world = world().await;
    world.run("PRAGMA recursive_triggers = ON").await;
    let expected = [r#"DELETE 1 was {"id":1,"a":"x","b":1}"#, r#"CREATE 1 is {"id":1,"a":"w","b":9}"#];
    assert_eq!(world.logged("REPLACE INTO t VALUES (1, 'w', 9)").await, expected);
    let expected = [r#"DELETE 2 was {"id":2,"a":"y","b":2}"#, r#"UPDATE 1 was {"a":"w"} is {"a":"y"}"#];
    assert_eq!(world.logged("UPDATE OR REPLACE t SET a = 'y' WHERE id = 1").await, expected);
}

#[tokio::test]
async fn what_is_ignored_or_updated_instead_is_never_recorded_as_deleted() {
    let world = world().await;
    assert!(world.logged("INSERT OR IGNORE INTO t VALUES (1, 'y', 9)").await.is_empty());
    assert!(world.logged("INSERT INTO t VALUES (1, 'y', 9) ON CONFLICT DO NOTHING").await.is_empty());
    assert!(world.logged("UPDATE OR IGNORE t SET a = 'x' WHERE id = 3").await.is_empty());
    let upsert = "INSERT INTO t VALUES (1, 'new', 9) ON CONFLICT (id) DO UPDATE SET b = excluded.b";
    assert_eq!(world.logged(upsert).await, [r#"UPDATE 1 was {"b":1} is {"b":9}"#]);
    assert!(world.attempt("INSERT INTO t VALUES (1, 'z', 9)").await.is_err());
    assert!(world.attempt("INSERT OR FAIL INTO t VALUES (7, 'seven', 7), (1, 'z', 9)").await.is_err());
    let expected = [r#"UPDATE 1 was {"b":9} is {"b":10}"#];
    assert_eq!(world.logged("UPDATE t SET b = 10 WHERE id = 1").await, expected);
    assert_eq!(world.logged("DELETE FROM t WHERE id = 2").await, [r#"DELETE 2 was {"id":2,"a":"y","b":2}"#]);
    assert_eq!(world.logged("INSERT INTO t VALUES (2, 'y', 3)").await, [r#"CREATE 2 is {"id":2,"a":"y","b":3}"#]);
    let expected = [r#"DELETE 1 was {"id":1,"a":"x","b":10} key 1"#, r#"CREATE 1 is {"id":1,"a":"x","b":11} key 1"#];
    assert_eq!(world.logged("REPLACE INTO t VALUES (1, 'x', 11)").await, expected);
}

#[tokio::test]
async fn what_ignored_inserts_leave_in_the_stash_is_bounded() {
    let world = world().await;
    world.run("WITH n (i) AS (VALUES (10) UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, i, i FROM n").await;
    assert!(world.logged("INSERT OR IGNORE INTO t SELECT id, 'other' || id, 0 FROM t").await.is_empty());
    let left: usize = world.read("SELECT CAST(count(*) AS TEXT) FROM afterimage_stash").await[0].parse().unwrap();
    assert!(left <= 10, "{left} rows are left");
}

#[tokio::test]
async fn a_nested_statement_on_the_same_table_loses_no_outer_replace() {
    let world = World::tracking(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b);
         INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2);
         CREATE TRIGGER nested BEFORE INSERT ON t WHEN NEW.b = 9 BEGIN
             UPDATE t SET b = b + 100; INSERT OR IGNORE INTO t VALUES (2, 'q', 0); REPLACE INTO t VALUES (5, 'y', 5); END",
        &["t"],
    )
    .await;
    let expected = [
        r#"UPDATE 1 was {"b":1} is {"b":101}"#,
        r#"UPDATE 2 was {"b":2} is {"b":102}"#,
        r#"DELETE 2 was {"id":2,"a":"y","b":102}"#,
        r#"CREATE 5 is {"id":5,"a":"y","b":5}"#,
        r#"DELETE 1 was {"id":1,"a":"x","b":101} key 1"#,
        r#"CREATE 1 is {"id":1,"a":"w","b":9} key 1"#,
    ];
    // A trigger takes over the conflict resolution of the statement that fires it, hence a trigger that ignores: 2 goes.
    let found = world.logged("REPLACE INTO t VALUES (1, 'w', 9)").await;
    assert_eq!(found.first().unwrap(), expected[0]);
    assert_eq!(found[found.len() - 2..], expected[4..]);
}

#[tokio::test]
async fn a_self_reference_that_is_set_null_loses_no_replace() {
    let world = World::tracking(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, up INT REFERENCES t ON DELETE SET NULL);
         INSERT INTO t VALUES (1, 'x', NULL), (2, 'y', 1)",
        &["t"],
    )
    .await;
    let mut found = world.logged("REPLACE INTO t VALUES (1, 'w', NULL)").await;
    assert_eq!(found.pop().unwrap(), r#"CREATE 1 is {"id":1,"a":"w","up":null}"#);
    found.sort();
    assert_eq!(found, [r#"DELETE 1 was {"id":1,"a":"x","up":null}"#, r#"UPDATE 2 was {"up":1} is {"up":null}"#]);
}

#[tokio::test]
async fn unique_keys_of_every_kind_are_watched() {
    let schemas = [
        ("CREATE TABLE t (id TEXT PRIMARY KEY, a) WITHOUT ROWID", "REPLACE INTO t VALUES ('k', 2)"),
        ("CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, a) WITHOUT ROWID", "REPLACE INTO t VALUES ('K', 2)"),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE)", "REPLACE INTO t VALUES ('l', 1)"),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, a UNIQUE ON CONFLICT REPLACE)", "INSERT INTO t VALUES ('l', 1)"),
        ("CREATE TABLE t (id PRIMARY KEY, a INT); CREATE UNIQUE INDEX i ON t (a)", "REPLACE INTO t VALUES ('l', '1')"),
        (
            "CREATE TABLE t (id PRIMARY KEY, a); CREATE UNIQUE INDEX i ON t (abs(a) DESC)",
            "REPLACE INTO t VALUES ('l', -1)",
        ),
        (
            "CREATE TABLE t (id PRIMARY KEY, a); CREATE UNIQUE INDEX i ON t (a) WHERE t.a > 0",
            "REPLACE INTO t VALUES ('l', 1)",
        ),
        ("CREATE TABLE t (id PRIMARY KEY, a NOT NULL DEFAULT 1 UNIQUE)", "REPLACE INTO t VALUES ('l', NULL)"),
        ("CREATE TABLE t (id PRIMARY KEY, a)", "REPLACE INTO t (rowid, id, a) VALUES (1, 'l', 2)"),
        ("CREATE TABLE t (id PRIMARY KEY, a, g AS (a % 10) UNIQUE)", "REPLACE INTO t (id, a) VALUES ('l', 11)"),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER UNIQUE) STRICT", "REPLACE INTO t VALUES ('l', '1')"),
        (
            "CREATE TABLE t (id PRIMARY KEY, a); CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE, id COLLATE NOCASE)",
            "REPLACE INTO t VALUES ('K', 1)",
        ),
        (
            "CREATE TABLE t (id, a, b AS (1), c AS (1), d AS (1), e AS (1), rowid AS (1), oid AS (1), _rowid_ AS (1), \
             PRIMARY KEY (id, a))",
            "REPLACE INTO t (id, a) VALUES ('k', 1)",
        ),
        (
            "CREATE TABLE t (id TEXT, a INT, b INT DEFAULT 1, c INT DEFAULT 1, d INT DEFAULT 1, e INT DEFAULT 1, \
             PRIMARY KEY (b, c, d, e, id, a)) WITHOUT ROWID",
            "REPLACE INTO t (id, a) VALUES ('k', 1)",
        ),
    ];
    for (schema, replace) in schemas {
        let world = World::tracking(schema, &["t"]).await;
        world.run("INSERT INTO t (id, a) VALUES ('k', 1)").await;
        let found = world.logged(replace).await;
        let actions: Vec<_> = found.iter().filter_map(|entry| entry.split(' ').next()).collect();
        assert_eq!(actions, ["DELETE", "CREATE"], "{schema}: {found:?}");
        assert!(found[0].contains(r#""id":"k","a":1"#), "{schema}: {found:?}");
        assert!(world.read("SELECT old_values FROM afterimage_stash").await.is_empty(), "{schema}");
    }
}

/// What the foreign key sets in other rows comes between the deletion and its AFTER trigger.
#[tokio::test]
async fn a_deletion_that_sets_other_rows_of_the_table_is_recorded_once() {
    let schema = "PRAGMA foreign_keys = ON; CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, up REFERENCES t ON DELETE SET NULL);
        INSERT INTO t VALUES (1, 'x', NULL), (2, 'y', 1)";
    let expected = [r#"UPDATE 2 was {"up":1} is {"up":null}"#, r#"DELETE 1 was {"id":1,"a":"x","up":null}"#];
    let world = World::tracking(schema, &["t"]).await;
    assert!(world.logged("INSERT OR IGNORE INTO t VALUES (1, 'x', NULL)").await.is_empty());
    assert_eq!(world.logged("DELETE FROM t WHERE id = 1").await, expected);
    let world = World::tracking(schema, &["t"]).await;
    world.run("PRAGMA recursive_triggers = ON").await;
    let found = world.logged("REPLACE INTO t VALUES (3, 'x', NULL)").await;
    assert_eq!(found, [expected[0], expected[1], r#"CREATE 3 is {"id":3,"a":"x","up":null}"#]);
}

#[tokio::test]
async fn a_default_that_stands_in_for_a_null_collides_in_an_expression_too() {
    let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT NOT NULL DEFAULT 'None', w);
        CREATE UNIQUE INDEX i ON t (lower(code)); INSERT INTO t VALUES (1, 'NONE', 'a'), (2, 'x', 'b')";
    let world = World::tracking(schema, &["t"]).await;
    let expected = [r#"DELETE 1 was {"id":1,"code":"NONE","w":"a"}"#, r#"CREATE 3 is {"id":3,"code":"None","w":"c"}"#];
    assert_eq!(world.logged("INSERT OR REPLACE INTO t VALUES (3, NULL, 'c')").await, expected);
    let expected =
        [r#"DELETE 3 was {"id":3,"code":"None","w":"c"}"#, r#"UPDATE 2 was {"code":"x"} is {"code":"None"}"#];
    assert_eq!(world.logged("UPDATE OR REPLACE t SET code = NULL WHERE id = 2").await, expected);
}

/// SQLite takes a word for a text there, and the catalogue gives it as it stands.
#[tokio::test]
async fn a_default_that_is_a_bare_word_is_a_text() {
    for default in ["None", "\"None\"", "'None'", "\"w\""] {
        let schema = format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT NOT NULL DEFAULT {default} UNIQUE, w);
             CREATE UNIQUE INDEX i ON t (lower(code) || 'x'); INSERT INTO t (id) VALUES (1)"
        );
        let world = World::tracking(&schema, &["t"]).await;
        let found = world.logged("INSERT OR REPLACE INTO t VALUES (3, NULL, 'c')").await;
        assert_eq!(found.len(), 2, "{default}: {found:?}");
        assert!(found[0].starts_with("DELETE 1 ") && found[1].starts_with("CREATE 3 "), "{default}: {found:?}");
    }
}
