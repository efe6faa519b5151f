//! What the catalogue says.

use super::World;
use crate::audit::Code;
use crate::capture::OnDelete;
use crate::capture::sqlite::{describe, list, references};

#[tokio::test]
async fn the_users_tables_are_listed_as_filed_virtual_ones_too() {
    let world = World::new(
        "CREATE TABLE b (id); CREATE TABLE \"a.b\" (id); CREATE VIEW v AS SELECT 1; \
         CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE VIRTUAL TABLE docs USING fts5 (body)",
    )
    .await;
    assert_eq!(list(&world.conn).await.unwrap(), ["\"a.b\"", "auto", "b", "docs"]);
    let error = describe(&world.conn, "docs").await.unwrap_err();
    assert!(error.message().contains("virtual table"), "{error}");
}

#[tokio::test]
async fn a_table_is_described_in_the_catalogues_spelling() {
    let world = World::new(
        "CREATE TABLE Things (Name VARCHAR(10), b, id INT, g AS (id) STORED, v AS (id), PRIMARY KEY (id, Name))",
    )
    .await;
    let table = describe(&world.conn, "tHINGS").await.unwrap();
    assert_eq!((table.name.as_str(), table.sql_name.as_str()), ("Things", "\"Things\""));
    assert_eq!(table.primary_key, ["id", "Name"]);
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| (column.number, column.name.as_str(), column.type_name.as_str(), column.generated))
        .collect();
    let expected = [
        (0, "Name", "VARCHAR(10)", false),
        (1, "b", "", false),
        (2, "id", "INT", false),
        (3, "g", "", true),
        (4, "v", "", true),
    ];
    assert_eq!(columns, expected);
}

#[tokio::test]
async fn what_cannot_be_tracked_is_refused_with_the_reason() {
    let world = World::new(
        "CREATE TABLE bare (a); CREATE VIEW v AS SELECT 1; CREATE TABLE auto (i INTEGER PRIMARY KEY AUTOINCREMENT)",
    )
    .await;
    let cases = [
        ("nowhere", Code::NotFound, "there is no table nowhere"),
        ("x' OR '1", Code::NotFound, "there is no table"),
        ("v", Code::BadUserInput, "it is a view"),
        ("bare", Code::BadUserInput, "PRIMARY KEY"),
        ("afterimage_log", Code::BadUserInput, "Afterimage itself"),
        ("SQLITE_sequence", Code::BadUserInput, "Afterimage itself"),
    ];
    for (name, code, part) in cases {
        let error = describe(&world.conn, name).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}");
        assert!(error.message().contains(part), "{error}");
    }
}

#[tokio::test]
async fn references_name_the_children_and_what_becomes_of_them() {
    let world = World::new(
        "CREATE TABLE P (a, B, PRIMARY KEY (a, B), UNIQUE (B));
         CREATE TABLE c (id INTEGER PRIMARY KEY, x, y, z REFERENCES p (b) ON DELETE SET NULL, FOREIGN KEY (x, y) REFERENCES p);
         CREATE TABLE \"d.d\" (id INTEGER PRIMARY KEY, q DEFAULT 1 REFERENCES P (B) ON DELETE SET DEFAULT)",
    )
    .await;
    let table = describe(&world.conn, "p").await.unwrap();
    let mut found = references(&world.conn, &table).await.unwrap();
    found.sort_by(|one, other| one.constraint.cmp(&other.constraint));
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(found.len(), 3);
    assert_eq!((found[0].child.as_str(), found[0].child_sql_name.as_str()), ("\"d.d\"", "\"d.d\""));
    assert_eq!((&found[0].columns, found[0].on_delete), (&vec![pair("q", "B")], OnDelete::SetDefault));
    assert_eq!((&found[1].columns, found[1].on_delete), (&vec![pair("x", "a"), pair("y", "B")], OnDelete::Deleted));
    assert_eq!((&found[2].columns, found[2].on_delete), (&vec![pair("z", "B")], OnDelete::SetNull));
}
