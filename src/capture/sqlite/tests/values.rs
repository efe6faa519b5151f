//! How values are written.

use super::World;
use crate::capture::Hidden;
use crate::capture::sqlite::image::{image_of, record_id_of, value_of};
use crate::capture::sqlite::keys::shape;
use crate::capture::sqlite::triggers::triggers;
use crate::capture::sqlite::{describe, entry};

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

/// As many as SQLite takes.
#[tokio::test]
async fn a_table_may_have_as_many_columns_as_any() {
    for count in [1998, 1999] {
        let columns = (0..count).map(|number| format!(", c{number}")).collect::<String>();
        let world = World::tracking(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY{columns})"), &["t"]).await;
        world.run("INSERT INTO t (id) VALUES (1); INSERT OR IGNORE INTO t (id) VALUES (1)").await;
        let last = count - 1;
        let expected = [format!(r#"UPDATE 1 was {{"c{last}":null}} is {{"c{last}":1}}"#)];
        assert_eq!(world.logged(&format!("UPDATE t SET c{last} = 1")).await, expected);
        let found = world.logged("REPLACE INTO t (id) VALUES (1)").await;
        assert!(found[0].contains(&format!(r#""c{last}":1}}"#)), "what was stashed is renewed");
    }
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
    let choice = super::choice(&super::redacting(&["c5", "c1499"], &["c6"]));
    let of_table = triggers(&table, &shape, &choice).into_iter().map(|trigger| (trigger.name, trigger.sql));
    let of_all = entry::statements().into_iter().map(|sql| ("entry".to_owned(), sql));
    for (name, sql) in of_table.chain(of_all) {
        let (mut depth, mut deepest, mut quoted) = (0, 0, false);
        for character in sql.chars() {
            match character {
                '\'' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        assert!(deepest <= DEEPEST, "{name}: {deepest}");
    }
}

/// A value as SQL, from what its image says.
fn of_image(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    match &value {
        serde_json::Value::Null => "NULL".to_owned(),
        serde_json::Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        serde_json::Value::Object(mark) => {
            match mark.iter().next().map(|(name, text)| (name.as_str(), text.as_str().unwrap())) {
                Some(("$blob", hex)) => format!("x'{hex}'"),
                Some(("$text", hex)) => format!("CAST(x'{hex}' AS TEXT)"),
                Some(("$real", "Inf")) => "9e999".to_owned(),
                Some(("$real", "-Inf")) => "-9e999".to_owned(),
                other => panic!("{other:?}"),
            }
        }
        _ => json.to_owned(),
    }
}

/// Every storage class in a column of every affinity: the image, the live value and the image of the deletion are one, and
/// the value that it spells is the one that is stored.
#[tokio::test]
async fn every_storage_class_in_every_affinity_can_be_read_back() {
    let types = [
        "",
        "INTEGER",
        "TEXT",
        "BLOB",
        "REAL",
        "NUMERIC",
        "VARCHAR(3)",
        "DOUBLE PRECISION",
        "DECIMAL(10,2)",
        "BOOLEAN",
        "DATETIME",
    ];
    let values = [
        "NULL",
        "0",
        "1",
        "-9223372036854775808",
        "9223372036854775807",
        "9007199254740993",
        "0.1",
        "1.0",
        "1e15",
        "1e16",
        "123456789012345680.0",
        "2.5e-300",
        "9e999",
        "-9e999",
        "'12'",
        "'1.50'",
        "' 7'",
        "'9e999'",
        "'0x10'",
        "'x'",
        "''",
        "'1e400'",
        "'9223372036854775808'",
        "x''",
        "x'31'",
        "x'c3'",
        "char(0)",
        "'a' || char(0, 1) || 'b'",
    ];
    for kind in types {
        let world = World::tracking(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, a {kind})"), &["t"]).await;
        let column = describe(&world.conn, "t").await.unwrap().columns[1].clone();
        for value in values {
            let created = world.logged(&format!("INSERT INTO t VALUES (1, {value})")).await.remove(0);
            let image =
                created.strip_prefix(r#"CREATE 1 is {"id":1,"a":"#).unwrap().strip_suffix('}').unwrap().to_owned();
            assert_eq!(world.read(&format!("SELECT {} FROM t", value_of(&column, "t"))).await, [image.as_str()]);
            let stored = of_image(&image);
            let same = format!(
                "SELECT typeof(a) || ' ' || quote(a) || CASE WHEN +a IS {stored} AND typeof(a) = typeof({stored}) THEN '' ELSE ' differs' END FROM t"
            );
            let found = world.read(&same).await.remove(0);
            assert!(!found.ends_with("differs"), "{value} in {kind}: {found} was recorded as {image}");
            let gone = world.logged("DELETE FROM t").await;
            assert_eq!(gone, [format!(r#"DELETE 1 was {{"id":1,"a":{image}}}"#)], "{value} in {kind}");
        }
    }
}

/// Such keys look like the number of the row, and are none.
#[tokio::test]
async fn an_integer_key_that_is_not_the_rows_number_may_hold_anything() {
    for (end, key, id, image) in [
        ("PRIMARY KEY DESC)", "'k'", "k", r#""k""#),
        ("PRIMARY KEY DESC)", "NULL", "null", "null"),
        ("PRIMARY KEY) WITHOUT ROWID", "1.5", "1.5", "1.5"),
        (", b, PRIMARY KEY (id, b)) WITHOUT ROWID", "x'0a'", r#"["0a","1"]"#, r#"{"$blob":"0a"}"#),
    ] {
        let world = World::tracking(&format!("CREATE TABLE t (a, id INTEGER {end}"), &["t"]).await;
        let rest = if end.contains("b,") { (", b", ", 1", r#","b":1"#) } else { ("", "", "") };
        let found = world.logged(&format!("INSERT INTO t (a, id{}) VALUES (1, {key}{})", rest.0, rest.1)).await;
        assert_eq!(found, [format!(r#"CREATE {id} is {{"a":1,"id":{image}{}}}"#, rest.2)], "{key} {end}");
    }
}

/// SQLite stores NaN as NULL, and has one zero for all purposes but its sign bit.
#[tokio::test]
async fn a_nan_is_null_and_a_negative_zero_is_no_change_of_zero() {
    assert_eq!(image("9e999 - 9e999").await, "null");
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a REAL)", &["t"]).await;
    world.run("INSERT INTO t VALUES (1, 0.0)").await;
    assert!(world.logged("UPDATE t SET a = -0.0").await.is_empty());
}

/// A PRIMARY KEY of a rowid table may be NULL, many times over: such rows are recorded, and have no record id.
#[tokio::test]
async fn rows_without_a_key_value_are_recorded_without_a_record_id() {
    let world = World::tracking("CREATE TABLE t (id TEXT PRIMARY KEY, a)", &["t"]).await;
    let expected = [r#"CREATE null is {"id":null,"a":1}"#, r#"CREATE null is {"id":null,"a":2}"#];
    assert_eq!(world.logged("REPLACE INTO t VALUES (NULL, 1), (NULL, 2)").await, expected);
    assert_eq!(world.logged("UPDATE t SET a = 3 WHERE a = 1").await, [r#"UPDATE null was {"a":1} is {"a":3}"#]);
    let expected = [r#"DELETE null was {"id":null,"a":2} key k"#, r#"CREATE k is {"id":"k","a":2}"#];
    assert_eq!(world.logged("UPDATE t SET id = 'k' WHERE a = 2").await, expected);
    let expected = [r#"DELETE k was {"id":"k","a":2}"#, r#"CREATE null is {"id":null,"a":2} key k"#];
    assert_eq!(world.logged("UPDATE t SET id = NULL WHERE id = 'k'").await, expected);
    assert_eq!(world.logged("DELETE FROM t").await.len(), 2);
}

#[tokio::test]
async fn a_key_that_changes_its_type_alone_is_an_update_of_the_same_object() {
    let world = World::tracking("CREATE TABLE t (id PRIMARY KEY, a)", &["t"]).await;
    world.run("INSERT INTO t VALUES (1, 1)").await;
    assert_eq!(world.logged("UPDATE t SET id = '1'").await, [r#"UPDATE 1 was {"id":1} is {"id":"1"}"#]);
    let expected = [r#"DELETE 1 was {"id":"1","a":1} key 1.0"#, r#"CREATE 1.0 is {"id":1.0,"a":1} key 1"#];
    assert_eq!(world.logged("UPDATE t SET id = 1.0").await, expected);
    let expected = [r#"DELETE 1.0 was {"id":1.0,"a":1} key 0a"#, r#"CREATE 0a is {"id":{"$blob":"0a"},"a":1} key 1.0"#];
    assert_eq!(world.logged("UPDATE t SET id = x'0a'").await, expected);
}

/// No function of SQLite's tells such text from other: it is recorded byte for byte, and fails nobody's write.
#[tokio::test]
async fn text_that_is_no_utf_8_is_recorded_byte_for_byte() {
    let world = World::tracking("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE)", &["t"]).await;
    world.run("INSERT INTO t VALUES (1, CAST(x'61ff62' AS TEXT))").await;
    world.run("UPDATE t SET a = CAST(x'61fe62' AS TEXT); REPLACE INTO t VALUES (2, CAST(x'61fe62' AS TEXT))").await;
    let images =
        world.read("SELECT action || hex(coalesce(new_values, old_values)) FROM afterimage_log ORDER BY id").await;
    let holds = |image: &str, action: &str, bytes: &str| image.starts_with(action) && image.contains(bytes);
    assert!(holds(&images[0], "CREATE", "61FF62") && holds(&images[1], "UPDATE", "61FE62"), "{images:?}");
    assert!(holds(&images[2], "DELETE", "61FE62") && holds(&images[3], "CREATE", "61FE62"), "{images:?}");
}
