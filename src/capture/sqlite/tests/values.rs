//! How values are written.

use super::World;
use crate::capture::Hidden;
use crate::capture::sqlite::describe;
use crate::capture::sqlite::image::{image_of, record_id_of, value_of};
use crate::capture::sqlite::keys::shape;
use crate::capture::sqlite::triggers::triggers;

/// How deep the brackets of the triggers go.
const DEEPEST: usize = 17;

async fn image(literal: &str) -> String {
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a)", &["t"]).await;
    let found = world.logged(&format!("INSERT INTO t VALUES (1, {literal})")).await.remove(0);
    let found = found.strip_prefix(r#"CREATE 1 is {"id":1,"a":"#).unwrap().strip_suffix('}').unwrap().to_owned();
    let live = world
        .read(&format!("SELECT {} FROM t", value_of(&describe(&world.conn, "t").await.unwrap().columns[1], "t")))
        .await;
    assert_eq!(live, [found.as_str()], "the live value reads as the entry's");
    found
}

#[tokio::test]
async fn every_storage_class_has_its_form() {
    let cases = [
        ("NULL", "null"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775807", "9223372036854775807"),
        ("'it''s'", r#""it's""#),
        ("''", r#""""#),
        (r#"'say "hi" \ {é漢😀}'"#, r#""say \"hi\" \\ {é漢😀}""#),
        ("'a' || char(10, 9, 13, 8, 12, 1, 31, 127) || 'b'", "\"a\\n\\t\\r\\b\\f\\u0001\\u001f\u{7f}b\""),
        ("'a' || char(0) || 'b'", r#"{"$text":"610062"}"#),
        ("char(0)", r#"{"$text":"00"}"#),
        ("x'00FFa0'", r#"{"$blob":"00ffa0"}"#),
        ("x''", r#"{"$blob":""}"#),
        ("1.5", "1.5"),
        ("100.0", "100.0"),
        ("0.1", "0.1"),
        ("9.95", "9.95"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("-12345678.9", "-12345678.9"),
        ("1e300", "1.0e+300"),
        ("1.5e-7", "1.5e-07"),
        ("9e999", r#"{"$real":"Inf"}"#),
        ("-9e999", r#"{"$real":"-Inf"}"#),
    ];
    for (literal, expected) in cases {
        assert_eq!(image(literal).await, expected, "{literal}");
    }
}

#[tokio::test]
async fn a_record_id_is_the_key_as_text() {
    for (key, expected) in [("7", "7"), ("'a\"b'", "a\"b"), ("x'0aFF'", "0aff"), ("1.5", "1.5"), ("NULL", "null")] {
        let world = World::tracking("CREATE TABLE t (id PRIMARY KEY, a)", &["t"]).await;
        let found = world.logged(&format!("INSERT INTO t VALUES ({key}, 1)")).await.remove(0);
        assert_eq!(found.split(" is ").next().unwrap(), format!("CREATE {expected}"));
    }
    for (key, expected) in [
        ("1, 'a\"b\\c'", r#"["1","a\"b\\c"]"#),
        ("x'ff', 1.5", r#"["ff","1.5"]"#),
        ("'a' || char(10), char(0)", r#"["a\n","00"]"#),
        ("1, NULL", "null"),
    ] {
        let world = World::tracking("CREATE TABLE t (a, b, PRIMARY KEY (a, b))", &["t"]).await;
        let found = world.logged(&format!("INSERT INTO t VALUES ({key})")).await.remove(0);
        assert_eq!(found.split(" is ").next().unwrap(), format!("CREATE {expected}"));
    }
}

#[tokio::test]
async fn the_whole_image_of_a_live_row_can_hold_what_is_hidden() {
    let world =
        World::new("CREATE TABLE t (id INTEGER PRIMARY KEY, secret, g AS (id * 2)); INSERT INTO t VALUES (3, 's')")
            .await;
    let table = describe(&world.conn, "t").await.unwrap();
    let hidden = super::redacting(&["secret"], &[]);
    let read =
        async |include| world.read(&format!("SELECT {} FROM t AS r", image_of(&table, &hidden, "r", include))).await;
    assert_eq!(read(false).await, [r#"{"id":3,"g":6}"#]);
    assert_eq!(read(true).await, [r#"{"id":3,"secret":"s","g":6}"#]);
    assert_eq!(world.read(&format!("SELECT {} FROM t AS r", record_id_of(&table, "r"))).await, ["3"]);
}

#[tokio::test]
async fn names_of_every_sort_are_quoted() {
    let cases = [
        ("we\"ird", "we\"\"ird", "\"we\"\"ird\""),
        ("a.b", "a.b", "\"a.b\""),
        ("it's", "it's", "it's"),
        ("Mixed Case", "Mixed Case", "Mixed Case"),
        ("order", "order", "order"),
        ("new", "new", "new"),
        ("OLD", "OLD", "OLD"),
        ("j", "j", "j"),
        ("naïve 表", "naïve 表", "naïve 表"),
    ];
    for (name, quoted, filed) in cases {
        let schema = format!("CREATE TABLE \"{quoted}\" (\"{quoted}\" PRIMARY KEY, \"a'\\b\" UNIQUE)");
        let world = World::tracking(&schema, &[filed]).await;
        world.run(&format!("INSERT INTO \"{quoted}\" VALUES (1, 1); REPLACE INTO \"{quoted}\" VALUES (2, 1)")).await;
        let tables =
            world.read("SELECT table_name || ' ' || action || record_id FROM afterimage_log ORDER BY id").await;
        assert_eq!(tables, ["CREATE1", "DELETE1", "CREATE2"].map(|action| format!("{filed} {action}")));
        let image = world.read("SELECT new_values FROM afterimage_log LIMIT 1").await.remove(0);
        let key = serde_json::Value::from(name);
        assert_eq!(image, format!(r#"{{{key}:1,"a'\\b":1}}"#));
    }
}

#[tokio::test]
async fn a_table_may_have_hundreds_of_columns() {
    let columns = (0..500).map(|number| format!(", c{number} REAL DEFAULT 0.5")).collect::<String>();
    let world = World::new(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY{columns})")).await;
    world.track("t", &Hidden::default()).await;
    world.run("INSERT INTO t (id) VALUES (1)").await;
    assert_eq!(world.logged("UPDATE t SET c499 = 1").await, [r#"UPDATE 1 was {"c499":0.5} is {"c499":1.0}"#]);
    assert_eq!(world.logged("REPLACE INTO t (id) VALUES (1)").await.len(), 2);
}

/// The parser of older versions (3.40 among them) has a stack of 100, where the bundled one's grows: what passes here
/// could make a database that older writers cannot open. Text of this depth was opened with 3.31 and 3.40.
#[tokio::test]
async fn the_triggers_nest_no_deeper_than_older_parsers_follow() {
    let columns = (0..1500).map(|number| format!(", c{number} REAL")).collect::<String>();
    let world = World::new(&format!(
        "CREATE TABLE t (id, k{columns}, PRIMARY KEY (id, k)); CREATE UNIQUE INDEX i ON t (c1 || 1)"
    ))
    .await;
    let table = describe(&world.conn, "t").await.unwrap();
    let shape = shape(&world.conn, &table).await.unwrap();
    for trigger in triggers(&table, &shape, &super::choice(&super::redacting(&["c5", "c1499"], &["c6"]))) {
        let (mut depth, mut deepest, mut quoted) = (0, 0, false);
        for character in trigger.sql.chars() {
            match character {
                '\'' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        assert!(deepest <= DEEPEST, "{}: {deepest}", trigger.name);
    }
}
