//! Rows that refer to themselves, and whose key changes: what the foreign key sets belongs to the change.

use super::World;

const KEYS: [(&str, &str); 3] =
    [("INT NOT NULL PRIMARY KEY", ""), ("INTEGER PRIMARY KEY", ""), ("INT PRIMARY KEY", " WITHOUT ROWID")];

async fn world((key, end): (&str, &str), action: &str) -> World {
    let schema = format!(
        "PRAGMA foreign_keys = ON; CREATE TABLE t (k {key}, c TEXT UNIQUE CHECK (c <> 'no'), f INT DEFAULT 1 REFERENCES t {action}){end};
         INSERT INTO t VALUES (1, 'one', NULL), (3, 'x', 3)"
    );
    World::tracking(&schema, &["t"]).await
}

async fn stashed(world: &World) -> Vec<String> {
    world.read("SELECT table_name || ' ' || record_id FROM afterimage_stash ORDER BY rowid").await
}

#[tokio::test]
async fn what_the_key_change_sets_in_the_row_itself_is_part_of_it() {
    for key in KEYS {
        for (action, set) in [("CASCADE", "2"), ("SET NULL", "null"), ("SET DEFAULT", "1")] {
            let world = world(key, &format!("ON UPDATE {action}")).await;
            let expected = [
                r#"DELETE 3 was {"k":3,"c":"x","f":3} key 2"#.to_owned(),
                format!(r#"CREATE 2 is {{"k":2,"c":"x","f":{set}}} key 3"#),
            ];
            assert_eq!(world.logged("UPDATE t SET k = 2 WHERE k = 3").await, expected, "{key:?} {action}");
            assert!(stashed(&world).await.is_empty());
            let expected = [r#"UPDATE 2 was {"c":"x"} is {"c":"y"}"#];
            assert_eq!(world.logged("UPDATE t SET c = 'y' WHERE k = 2").await, expected);
        }
    }
}

#[tokio::test]
async fn other_rows_that_follow_are_recorded_by_themselves() {
    for key in KEYS {
        let world = world(key, "ON UPDATE CASCADE").await;
        world.run("INSERT INTO t VALUES (4, 'y', 3)").await;
        let mut found = world.logged("UPDATE t SET k = 2, f = 3 WHERE k = 3").await;
        found.sort();
        let expected = [
            r#"CREATE 2 is {"k":2,"c":"x","f":2} key 3"#,
            r#"DELETE 3 was {"k":3,"c":"x","f":3} key 2"#,
            r#"UPDATE 4 was {"f":3} is {"f":2}"#,
        ];
        assert_eq!(found, expected, "{key:?}");
    }
}

#[tokio::test]
async fn a_key_change_that_does_not_come_about_hides_nothing_later() {
    for key in KEYS {
        let world = world(key, "ON UPDATE CASCADE ON DELETE CASCADE").await;
        for refused in ["c = 'no'", "c = 'one'", "k = 1"] {
            // Neither the check, nor the unique value, nor the key that is taken.
            let statement = format!("UPDATE OR IGNORE t SET k = 2, {refused} WHERE k = 3");
            let statement = statement.replace("k = 2, k = 1", "k = 1");
            assert!(world.logged(&statement).await.is_empty(), "{key:?}");
            assert!(world.attempt(&statement.replace("IGNORE", "FAIL")).await.is_err());
            assert!(world.attempt(&statement.replace(" OR IGNORE", "")).await.is_err());
        }
        // Whatever way the row goes, an UPDATE of another one that gets the key is recorded.
        let gone =
            ["DELETE FROM t WHERE k = 3", "REPLACE INTO t VALUES (9, 'x', NULL)", "UPDATE t SET k = 9 WHERE k = 3"];
        for statement in gone {
            world.run("DELETE FROM t WHERE k IN (2, 3, 9); INSERT INTO t VALUES (3, 'x', 3)").await;
            assert!(world.logged("UPDATE OR IGNORE t SET k = 2, c = 'one' WHERE k = 3").await.is_empty());
            world.run(statement).await;
            world.run("INSERT INTO t VALUES (2, 'two', 2)").await;
            let expected = [r#"UPDATE 2 was {"c":"two"} is {"c":"2"}"#];
            assert_eq!(world.logged("UPDATE t SET c = '2' WHERE k = 2").await, expected, "{key:?} {statement}");
        }
    }
}

#[tokio::test]
async fn a_row_that_was_ignored_before_is_deleted_once_when_its_key_changes() {
    for key in KEYS {
        let world = world(key, "ON UPDATE CASCADE ON DELETE SET NULL").await;
        assert!(world.logged("INSERT OR IGNORE INTO t VALUES (3, 'z', NULL)").await.is_empty());
        let expected = [r#"DELETE 3 was {"k":3,"c":"x","f":3} key 2"#, r#"CREATE 2 is {"k":2,"c":"x","f":2} key 3"#];
        assert_eq!(world.logged("UPDATE t SET k = 2 WHERE k = 3").await, expected, "{key:?}");
        let expected = [r#"UPDATE 2 was {"f":2} is {"f":null}"#];
        assert_eq!(world.logged("UPDATE t SET f = NULL WHERE k = 2").await, expected);
        let found = world.logged("REPLACE INTO t VALUES (5, 'x', NULL)").await;
        let expected = [r#"DELETE 2 was {"k":2,"c":"x","f":null}"#, r#"CREATE 5 is {"k":5,"c":"x","f":null}"#];
        assert_eq!(found, expected, "{key:?}");
    }
}

#[tokio::test]
async fn a_row_replaced_by_one_that_follows_itself_is_recorded_as_it_was() {
    // In the first of the tables SQLite, tracked or not, finds the row in its own way on the other unique column.
    for key in &KEYS[1..] {
        for recursive in ["OFF", "ON"] {
            let world = world(*key, "ON UPDATE CASCADE").await;
            world.run(&format!("PRAGMA recursive_triggers = {recursive}")).await;
            let expected = [
                r#"DELETE 1 was {"k":1,"c":"one","f":null}"#,
                r#"DELETE 3 was {"k":3,"c":"x","f":3} key 1"#,
                r#"CREATE 1 is {"k":1,"c":"x","f":1} key 3"#,
            ];
            assert_eq!(world.logged("UPDATE OR REPLACE t SET k = 1 WHERE k = 3").await, expected, "{key:?}");
        }
    }
}

#[tokio::test]
async fn a_row_that_refers_to_itself_by_way_of_another_table_is_recorded_so_too() {
    let schema = "PRAGMA foreign_keys = ON;
        CREATE TABLE t (k INTEGER PRIMARY KEY, f INT REFERENCES u (x) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
        CREATE TABLE u (id INTEGER PRIMARY KEY, x INT UNIQUE REFERENCES t ON UPDATE CASCADE);
        BEGIN; INSERT INTO t VALUES (3, 3); INSERT INTO u VALUES (7, 3); COMMIT";
    let world = World::tracking(schema, &["t", "u"]).await;
    let expected = [
        r#"u UPDATE 7 was {"x":3} is {"x":2}"#,
        r#"DELETE 3 was {"k":3,"f":3} key 2"#,
        r#"CREATE 2 is {"k":2,"f":2} key 3"#,
    ];
    assert_eq!(world.logged("UPDATE t SET k = 2 WHERE k = 3").await, expected);
}

#[tokio::test]
async fn what_is_noted_of_ignored_key_changes_is_bounded() {
    let world = world(KEYS[0], "ON UPDATE CASCADE").await;
    world.run("WITH n (i) AS (VALUES (10) UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, i, i FROM n").await;
    assert!(world.logged("UPDATE OR IGNORE t SET k = k + 1000, c = 'one'").await.len() < 3);
    let left = stashed(&world).await.len();
    assert!(left <= 20, "{left} rows are left");
}
