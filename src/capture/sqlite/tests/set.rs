//! Which UPDATEs fire what: the triggers that keys need are compiled into those alone that may change one.

use super::{World, redacting};

/// The columns for which the table's triggers are, each trigger once.
async fn lists(world: &World) -> Vec<String> {
    let sql = "SELECT substr(name, 14) || ':' || substr(sql, instr(sql, ' OF ') + 3, instr(sql, ' ON ') - instr(sql, ' OF ') - 3) \
        FROM sqlite_master WHERE tbl_name = 't' AND instr(sql, ' UPDATE OF ') ORDER BY rowid";
    world.read(sql).await
}

#[tokio::test]
async fn triggers_about_keys_are_for_updates_that_set_one() {
    let all = ["updating", "rekey", "updateover"];
    let aliases = "rowid, _rowid_, oid";
    for (columns, key, unique) in [
        ("id INTEGER PRIMARY KEY, a", r#""id""#, r#""id""#),
        ("id INTEGER PRIMARY KEY, a UNIQUE, \"b\"\"c\" UNIQUE", r#""id""#, r#""id", "a", "b""c""#),
        ("a, id, b, PRIMARY KEY (id, b)", r#""id", "b""#, r#""id", "b""#),
        ("id INTEGER PRIMARY KEY, a REFERENCES t ON DELETE SET NULL, b REFERENCES t", r#""id""#, r#""id", "a""#),
    ] {
        let world = World::tracking(&format!("CREATE TABLE t ({columns})"), &["t"]).await;
        let expected = [unique, key, unique].map(|list| format!("{list}, {aliases}"));
        let expected: Vec<_> = all.iter().zip(expected).map(|(event, list)| format!("{event}: {list}")).collect();
        assert_eq!(lists(&world).await, expected, "{columns}");
    }
    // Where it cannot be told what a unique key hangs on, its triggers are for all.
    for (columns, index) in [
        ("id INTEGER PRIMARY KEY, a", "CREATE UNIQUE INDEX i ON t (lower(a))"),
        ("id INTEGER PRIMARY KEY, a, b", "CREATE UNIQUE INDEX i ON t (a) WHERE b"),
        ("id INTEGER PRIMARY KEY, a, g AS (a + 1) UNIQUE", "SELECT 1"),
        ("id INTEGER PRIMARY KEY, a REFERENCES t ON UPDATE CASCADE", "SELECT 1"),
    ] {
        let world = World::tracking(&format!("CREATE TABLE t ({columns}); {index}"), &["t"]).await;
        let found = lists(&world).await;
        assert!(
            found.iter().all(|list| ["rekey: ", "moving: "].iter().any(|event| list.starts_with(event))),
            "{found:?}"
        );
        assert!(!found.is_empty());
    }
    // A column may bear a name of the row's number, and then is no such name.
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, oid, rowid UNIQUE)", &["t"]).await;
    let expected =
        [r#"updating: "id", "rowid", _rowid_"#, r#"rekey: "id", _rowid_"#, r#"updateover: "id", "rowid", _rowid_"#];
    assert_eq!(lists(&world).await, expected);
}

#[tokio::test]
async fn a_key_that_is_set_by_whatever_name_and_way_is_a_change_of_the_key() {
    let expected = [r#"DELETE 1 was {"id":1,"a":"x","b":1} key 5"#, r#"CREATE 5 is {"id":5,"a":"x","b":1} key 1"#];
    for statement in [
        "UPDATE t SET rowid = 5",
        "UPDATE t SET OID = 5",
        "UPDATE t SET \"_RowID_\" = 5",
        "UPDATE t SET ID = 5",
        "UPDATE t SET (b, [id]) = (1, 5)",
        "UPDATE t SET id = s.n FROM (SELECT 5 AS n) AS s",
        "INSERT INTO t VALUES (1, 'y', 2) ON CONFLICT (id) DO UPDATE SET id = 5",
        "INSERT INTO t VALUES (7, 'x', 2) ON CONFLICT (a) DO UPDATE SET oid = 5",
    ] {
        let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b); INSERT INTO t VALUES (1, 'x', 1)";
        let world = World::tracking(schema, &["t"]).await;
        assert_eq!(world.logged(statement).await, expected, "{statement}");
        // The row in the way of the key, and of the other unique column, is gone.
        world.run("DELETE FROM t; INSERT INTO t VALUES (1, 'x', 1), (5, 'z', 9)").await;
        if statement.starts_with("UPDATE") {
            let found = world.logged(&statement.replace("UPDATE", "UPDATE OR REPLACE")).await;
            assert_eq!(
                found.first().map(String::as_str),
                Some(r#"DELETE 5 was {"id":5,"a":"z","b":9}"#),
                "{statement}"
            );
        }
    }
}

#[tokio::test]
async fn a_key_that_a_cascade_sets_is_a_change_of_the_key() {
    let schema = "PRAGMA foreign_keys = ON; CREATE TABLE p (a PRIMARY KEY);
        CREATE TABLE t (id, \"Of p\" REFERENCES p ON UPDATE CASCADE, c, PRIMARY KEY (id, \"Of p\"));
        INSERT INTO p VALUES (1); INSERT INTO t VALUES (7, 1, 0)";
    let world = World::tracking(schema, &["t"]).await;
    let expected = [
        r#"DELETE ["7","1"] was {"id":7,"Of p":1,"c":0} key ["7","2"]"#,
        r#"CREATE ["7","2"] is {"id":7,"Of p":2,"c":0} key ["7","1"]"#,
    ];
    assert_eq!(world.logged("UPDATE p SET a = 2").await, expected);
}

/// Unique keys that hang on more than their own columns.
#[tokio::test]
async fn what_is_replaced_on_an_expression_a_condition_or_a_generated_column_is_recorded() {
    for index in [
        "CREATE UNIQUE INDEX i ON t (abs(a))",
        "CREATE UNIQUE INDEX i ON t (k) WHERE a < 0",
        "CREATE UNIQUE INDEX i ON t (g)",
    ] {
        let schema = format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, k, a, g AS (abs(a))); {index}; INSERT INTO t VALUES (1, 7, -1), (2, 7, 2)"
        );
        let world = World::tracking(&schema, &["t"]).await;
        let found = world.logged("UPDATE OR REPLACE t SET a = -1 WHERE id = 2").await;
        assert_eq!(found.len(), 2, "{index}: {found:?}");
        assert_eq!(found[0], r#"DELETE 1 was {"id":1,"k":7,"a":-1,"g":1}"#, "{index}");
    }
}

/// What OR IGNORE leaves in the stash is renewed by an UPDATE that sets no key.
#[tokio::test]
async fn a_row_that_was_updated_after_it_was_stashed_is_deleted_as_it_was_last() {
    for (columns, key, id) in [
        ("id INTEGER PRIMARY KEY, a UNIQUE, b)", "1", "1"),
        ("id TEXT PRIMARY KEY, a UNIQUE, b)", "'1'", "1"),
        ("id TEXT PRIMARY KEY, a UNIQUE, b)", "NULL", "null"),
        ("id TEXT COLLATE NOCASE PRIMARY KEY, a UNIQUE, b) WITHOUT ROWID", "'k'", "k"),
        (
            "id, a UNIQUE, b, c DEFAULT 1, d DEFAULT 2, e DEFAULT 3, f DEFAULT 4, PRIMARY KEY (c, d, e, f, id)) WITHOUT ROWID",
            "'k'",
            r#"["1","2","3","4","k"]"#,
        ),
    ] {
        let world = World::tracking(&format!("CREATE TABLE t ({columns}"), &["t"]).await;
        world.run(&format!("INSERT INTO t (id, a, b) VALUES ({key}, 'x', 1), ('2', 'y', 1)")).await;
        assert!(
            world.logged("INSERT OR IGNORE INTO t (id, a, b) VALUES ('3', 'x', 1), ('3', 'y', 1)").await.is_empty()
        );
        world.run("UPDATE t SET b = 'a' || char(9) || 'b' WHERE a = 'x'; UPDATE t SET b = 7 WHERE a = 'y'").await;
        let stashed = world.read("SELECT old_values FROM afterimage_stash ORDER BY rowid").await;
        assert!(stashed[0].contains(r#""b":"a\tb""#) && stashed[1].contains(r#""b":7"#), "{columns}: {stashed:?}");
        let found = world.logged("REPLACE INTO t (id, a, b) VALUES ('9', 'x', 1)").await;
        assert!(found[0].starts_with(&format!("DELETE {id} was ")) && found[0].contains(r#""b":"a\tb""#), "{found:?}");
        assert_eq!(found.len(), 2);
    }
}

#[tokio::test]
async fn a_renamed_column_of_a_key_is_still_one() {
    let world = World::tracking(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE); INSERT INTO t VALUES (1, 1), (2, 2)",
        &["t"],
    )
    .await;
    world.run("ALTER TABLE t RENAME COLUMN a TO \"z \"\"z\"; ALTER TABLE t RENAME COLUMN id TO ident").await;
    let found = world.logged("UPDATE OR REPLACE t SET \"Z \"\"z\" = 1 WHERE ident = 2").await;
    assert_eq!(found, [r#"DELETE 1 was {"id":1,"a":1}"#, r#"UPDATE 2 was {"a":2} is {"a":1}"#]);
    let found = world.logged("UPDATE t SET ident = 3").await;
    assert_eq!(found, [r#"DELETE 2 was {"id":2,"a":1} key 3"#, r#"CREATE 3 is {"id":3,"a":1} key 2"#]);
}

/// The images of an UPDATE come as one text, and are parted by quotation marks.
#[tokio::test]
async fn no_value_parts_the_images_elsewhere() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let first = format!("PRAGMA encoding = '{encoding}'; CREATE TABLE first (a)");
        let world = World::first(&first, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c UNIQUE)").await;
        world.track("t", &redacting(&["c"], &[])).await;
        world.run("INSERT INTO t VALUES (1, '\"\"\"', '∀∀∀∀', 1)").await;
        assert!(world.logged("INSERT OR IGNORE INTO t VALUES (1, 2, 3, 4)").await.is_empty());
        let found = world.logged("UPDATE t SET a = '\"', b = '∢∢∢∢' || char(8704, 0x22, 0x22, 0x22)").await;
        let expected = r#"UPDATE 1 was {"a":"\"\"\"","b":"∀∀∀∀"} is {"a":"\"","b":"∢∢∢∢∀\"\"\""}"#;
        assert_eq!(found, [expected], "{encoding}");
        let found = world.logged("REPLACE INTO t VALUES (1, 2, 3, 4)").await;
        assert!(found[0].starts_with(r#"DELETE 1 was {"id":1,"a":"\"","b":"∢∢∢∢∀\"\"\""} key 1"#), "{found:?}");
    }
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b)", &["t"]).await;
    world.run("INSERT INTO t VALUES (1, CAST(x'80c361ff80e2' AS TEXT), 1)").await;
    world.run("UPDATE t SET a = CAST(x'8061bfbfc3' AS TEXT), b = 2").await;
    let images = world.read("SELECT hex(old_values) || ' ' || hex(new_values) FROM afterimage_log WHERE id = 2").await;
    let image = |a: &str, b: &str| format!("7B2261223A22{a}222C2262223A{b}7D");
    assert_eq!(images, [format!("{} {}", image("80C361FF80E2", "31"), image("8061BFBFC3", "32"))]);
}
