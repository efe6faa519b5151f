//! Whatever a row held, it holds again after an undo, byte for byte.

use serde_json::json;

use super::{log_table, rows, tracked};
use crate::support::{Api, Kind, World};

/// A column's type, and values for it, as SQL writes them.
pub(crate) type Values = (&'static str, &'static [&'static str]);

pub(crate) const POSTGRES: &[Values] = &[
    ("smallint", &["-32768", "32767"]),
    ("bigint", &["-9223372036854775808", "9223372036854775807", "9007199254740993"]),
    ("numeric", &["1.0", "1.00", "'NaN'", "'Infinity'", "'-Infinity'", "1e-200", "repeat('9', 300)::numeric"]),
    ("numeric(40,12)", &["1234567890123456789012345678.123456789012", "0", "-0.000000000001"]),
    ("real", &["0.1", "'NaN'", "'-Infinity'", "1.17549435e-38", "'-0'"]),
    ("double precision", &["0.1", "1e308", "5e-324", "'NaN'", "'Infinity'", "'-0'", "0.30000000000000004"]),
    ("money", &["'-1234567.89'", "'0.01'"]),
    (
        "text",
        &["''", "'a\"b\\c/d'", "E'tab\\tnew\\nline\\x01'", "'null'", "'ä€😀'", "'{\"$json\":\"x\"}'", "'[1:2]={a,b}'"],
    ),
    ("varchar(10)", &["'abc  '", "''"]),
    ("char(5)", &["'ab'", "'     '"]),
    ("\"char\"", &["'x'"]),
    ("name", &["'a name'"]),
    ("boolean", &["true", "false"]),
    ("bytea", &["''", "'\\x00ff5c27'"]),
    ("date", &["'infinity'", "'0044-03-15 BC'", "'2020-02-29'", "'99999-12-31'"]),
    ("time", &["'24:00:00'", "'00:00:00.000001'"]),
    ("timetz", &["'12:00:00+05:30'"]),
    ("timestamp", &["'-infinity'", "'2020-02-29 12:00:00.123456'", "'0001-01-01 00:00:00 BC'"]),
    ("timestamptz", &["'infinity'", "'2020-02-29 12:00:00.123456+05:45'", "'294276-12-31 23:59:59+00'"]),
    ("interval", &["'30 days'", "'1 mon'", "'-1 mon +2 days -03:04:05.678'", "'178000000 years'"]),
    ("interval day to second", &["'1 02:03:04.5'"]),
    ("uuid", &["'00000000-0000-0000-0000-000000000001'"]),
    ("inet", &["'10.0.0.1/8'", "'::1'", "'10.0.0.1'"]),
    ("cidr", &["'10.0.0.0/8'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("bit(3)", &["B'101'"]),
    ("bit varying", &["B''", "B'0001'"]),
    ("point", &["'(0.1,-1e300)'"]),
    ("box", &["'(1,2),(0.1,0.2)'"]),
    ("path", &["'[(0,0),(1,1)]'", "'((0,0),(1,1))'"]),
    ("circle", &["'<(0,0),0.1>'"]),
    ("tsvector", &["'a:1A b:2 ''it''''s'':3'"]),
    ("tsquery", &["'a & !b <-> c'"]),
    ("xml", &["'<a b=\"1\">x</a>'"]),
    (
        "json",
        &[
            "'{\"b\":1, \"a\" : 1.10,\"b\":2}'",
            "'null'",
            "' null '",
            "'\"\\u0000\"'",
            "'{\"$json\":\"x\"}'",
            "'[1e400]'",
            "'\"\\ud83d\\ude00\"'",
            "'\"\\ud800\"'",
            "E'\\n[ ]'",
            "'\"x\"'",
            "'1'",
        ],
    ),
    (
        "jsonb",
        &[
            "'{\"b\":1,\"a\":1.10}'",
            "'null'",
            "'\"x\"'",
            "'12345678901234567890.00'",
            "'[]'",
            "'{\"$json\": 1}'",
            "E'[\"\\\\\\\\u0000\", \"\\\\u0001\"]'",
        ],
    ),
    ("jsonpath", &["'$.a[*] ? (@ > 1)'"]),
    ("pg_lsn", &["'16/B374D848'"]),
    ("oid", &["4294967295"]),
    ("regclass", &["'pg_class'", "'keeper'", "'other.keeper'"]),
    ("regclass[]", &["'{keeper,pg_class}'", "'[0:0]={keeper}'"]),
    ("regtype", &["'mood'", "'int'"]),
    ("regprocedure", &["'keep(int)'"]),
    ("relation", &["'keeper'"]),
    ("relations", &["row('keeper', '{keeper,other.keeper}')"]),
    ("xid8", &["'18446744073709551615'"]),
    ("int4range", &["'empty'", "'[1,5)'", "'(,5)'", "'(,)'"]),
    ("numrange", &["'(1.0,1.00]'", "'[1.10,2.200)'"]),
    ("tstzrange", &["'[2020-01-01 00:00+05,infinity)'"]),
    ("daterange", &["'[2020-01-01,2020-02-01)'"]),
    ("int4multirange", &["'{}'", "'{[1,2),[5,7)}'"]),
    ("tstzmultirange", &["'{[2020-01-01,2020-01-02),[2021-01-01,2021-01-02)}'"]),
    (
        "int[]",
        &["'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[2:3]={1,2}'", "'[0:1][-1:0]={{1,2},{3,4}}'", "'{{{1}}}'"],
    ),
    ("text[]", &["'{a,\"NULL\",NULL,\"\",\"a,b\",\"q\\\"\"}'", "'{\"[1:2]={a}\"}'", "array['{x}']"]),
    ("numeric[]", &["'{1.0,1.00,NaN}'"]),
    ("float8[]", &["'{0.1,NaN,-Infinity,-0}'"]),
    ("bytea[]", &["array['\\x00'::bytea,''::bytea]"]),
    ("timestamptz[]", &["'{\"2020-01-01 00:00:00.5+05\",infinity}'"]),
    ("interval[]", &["'{\"30 days\",\"1 mon\"}'"]),
    ("numrange[]", &["'{\"[1.0,2)\",empty}'"]),
    ("json[]", &["array['{\"b\": 1, \"a\":2}'::json, 'null'::json, null]"]),
    ("jsonb[]", &["array['null'::jsonb, null]"]),
    ("point[]", &["'{\"(1,2)\"}'"]),
    ("box[]", &["'{(1,1),(0,0);(2,2),(1,1)}'"]),
    ("bool[]", &["'{t,f,NULL}'"]),
    ("char(3)[]", &["'{a,b}'"]),
    ("mood", &["'o\"k'", "'Ä'"]),
    ("mood[]", &["'{\"o\\\"k\",NULL}'"]),
    ("pair", &["row(1.0,'a,b')", "row(null,null)", "row(1,'')"]),
    ("pair[]", &["array[row(1.10,'x')::pair, null]"]),
    ("nested", &["row(row(1.0,'\"'),array[1,2],'2020-01-01 00:00+05')"]),
    ("posint", &["5"]),
    ("posints", &["'{1,2}'", "'[5:6]={1,2}'"]),
    ("docdom", &["'{\"b\":1,  \"a\":2}'", "'null'"]),
    ("must", &["'x'", "'y'"]),
    ("pairdom", &["row(2.50,'z')"]),
    ("floatrange", &["'[0.1,0.3)'"]),
    ("other.kind", &["'k'"]),
];

pub(crate) const SETUP: &str = "create type mood as enum ('o\"k', 'Ä', 'x'); \
    create type pair as (n numeric, t text); create type nested as (p pair, a int[], at timestamptz); \
    create domain posint as int check (value > 0); create domain posints as int[]; create domain docdom as json; \
    create domain must as text not null; create domain pairdom as pair; \
    create type floatrange as range (subtype = float8); create schema other; create type other.kind as enum ('k', 'l'); \
    create table keeper (id int); create table other.keeper (id int); \
    create function keep(int) returns int language sql as 'select 1'; \
    create domain relation as regclass; create type relations as (one regclass, more regclass[])";

/// Settings of the writing session, none of which may change what is recorded.
pub(crate) const STRANGE: &str = "set datestyle = 'SQL, DMY'; set intervalstyle = 'iso_8601'; set extra_float_digits = -5; \
    set timezone = 'Asia/Kathmandu'; set bytea_output = 'escape'; \
    set xmloption = 'content'; set search_path = public, pg_catalog; ";

/// Undoes an entry. Of the values nothing is asked, since this test's reader of JSON knows fewer numbers than the
/// databases do.
async fn reverse(api: &Api, id: &str) {
    api.ask("mutation($id: ID!) { undo(id: $id) { auditLog { id } } }", json!({"id": id})).await;
}

async fn every_type_comes_back(settings: &str) {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, SETUP, &[]).await;
    for (number, (kind, values)) in POSTGRES.iter().enumerate() {
        let table = format!("t{number}");
        let filler = if *kind == "must" { "'filler'" } else { "null" };
        world.sql(&format!("create table {table} (id int primary key, v {kind})")).await;
        api.track(&table).await;
        let tuples: Vec<String> = values.iter().enumerate().map(|(id, value)| format!("({id}, {value})")).collect();
        world.sql(&format!("{settings} insert into {table} values {}", tuples.join(", "))).await;
        let full = rows(&world, &table).await;
        world.sql(&format!("{settings} update {table} set v = {filler}")).await;
        reverse_all(&world, &api, &table, "UPDATE").await;
        assert_eq!(rows(&world, &table).await, full, "{kind}: UPDATEs undone");
        world.sql(&format!("{settings} delete from {table}")).await;
        reverse_all(&world, &api, &table, "DELETE").await;
        assert_eq!(rows(&world, &table).await, full, "{kind}: DELETEs undone");
    }
}

/// Undoes all entries of this action about a table, the last first.
async fn reverse_all(world: &World, api: &Api, table: &str, action: &str) {
    let log = log_table(world);
    let entries = format!("select id from {log} where table_name = '{table}' and action = '{action}' order by id desc");
    for id in world.rows(&entries).await {
        reverse(api, id[0].as_deref().expect("an id")).await;
    }
}

#[tokio::test]
async fn every_type_comes_back_byte_for_byte_on_postgres() {
    every_type_comes_back("").await;
}

#[tokio::test]
async fn the_writers_settings_change_nothing_on_postgres() {
    every_type_comes_back(STRANGE).await;
}

/// Versions before marked documents as having escapes that they do not have.
#[tokio::test]
async fn a_document_that_bears_a_needless_mark_in_the_log_comes_back_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, "create table t (id int primary key, j jsonb)", &["t"]).await;
    let (old, new) = (r#"["\\u0000"]"#, r#"["\\ud800"]"#);
    world.sql(&format!("insert into t values (1, '{new}')")).await;
    let image = |document: &str| json!({"j": {"$json": document}}).to_string();
    let (before, after) = (image(old), image(new));
    let id = world
        .scalar(&format!(
            "insert into afterimage.log (action, table_name, record_id, old_values, new_values) \
             values ('UPDATE', 't', '1', '{before}', '{after}') returning id"
        ))
        .await;
    let undo = "mutation($id: ID!) { undo(id: $id) { effects { changes { field } } derived { recordId } } }";
    let done = api.ask(undo, json!({"id": id})).await;
    assert_eq!(world.scalar("select j from t").await, old);
    assert_eq!(done["undo"], json!({"effects": [{"changes": [{"field": "j"}]}], "derived": []}));
}

/// Keys of every sort are found again by the text that the log knows them by.
#[tokio::test]
async fn keys_of_every_type_are_found_again_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, SETUP, &[]).await;
    let unfit = ["json", "xml", "point", "box", "path", "circle", "json[]", "point[]", "box[]", "jsonpath", "docdom"];
    let by_search_path = ["regclass", "regclass[]", "regtype", "regprocedure", "relation", "relations"];
    let unfit = [&unfit[..], &by_search_path[..]].concat();
    for (number, (kind, values)) in POSTGRES.iter().filter(|(kind, _)| !unfit.contains(kind)).enumerate() {
        let table = format!("k{number}");
        world.sql(&format!("create table {table} (v {kind}, n int, primary key (v, n))")).await;
        api.track(&table).await;
        let tuples: Vec<String> = values.iter().enumerate().map(|(n, value)| format!("({value}, {n})")).collect();
        world.sql(&format!("insert into {table} values {}", tuples.join(", "))).await;
        let full = rows(&world, &table).await;
        world.sql(&format!("{STRANGE} delete from {table}")).await;
        reverse_all(&world, &api, &table, "DELETE").await;
        assert_eq!(rows(&world, &table).await, full, "{kind}");
        world.sql(&format!("{STRANGE} update {table} set n = n + 100")).await;
        let ids = world
            .rows(&format!(
                "select id from afterimage.log where table_name = '{table}' and action = 'CREATE' \
            and previous_record_id is not null"
            ))
            .await;
        for id in ids {
            reverse(&api, id[0].as_deref().expect("an id")).await;
        }
        assert_eq!(rows(&world, &table).await, full, "{kind}");
    }
}

pub const SQLITE_VALUES: &[&str] = &[
    "0",
    "-9223372036854775808",
    "9223372036854775807",
    "9007199254740993",
    "0.1",
    "-0.5",
    "1e300",
    "5e-324",
    "9e999",
    "-9e999",
    "0.30000000000000004",
    "123456789012345680.0",
    "1e15",
    "1.0",
    "''",
    "'a\"b\\c'",
    "'null'",
    "'1'",
    "'1.0'",
    "'{\"$blob\":\"00\"}'",
    "char(9, 10, 1, 31, 127)",
    "'ä€😀'",
    "'a' || char(0) || 'b'",
    "cast(x'00' as text)",
    "x''",
    "x'00ff'",
    "zeroblob(3000)",
    "x'61'",
];

#[tokio::test]
async fn every_storage_class_comes_back_byte_for_byte_on_sqlite() {
    let world = World::new(Kind::Sqlite).await;
    let api = tracked(&world, "create table strict_one (id integer primary key, v any) strict", &["strict_one"]).await;
    let forms = ["", "blob", "text", "integer", "real", "numeric"];
    let mut tables = vec!["strict_one".to_owned()];
    for (number, form) in forms.iter().enumerate() {
        let table = format!("t{number}");
        let tail = if number % 2 == 0 { "without rowid" } else { "" };
        world.sql(&format!("create table {table} (id integer primary key not null, v {form}) {tail}")).await;
        api.track(&table).await;
        tables.push(table);
    }
    for table in &tables {
        for (id, value) in SQLITE_VALUES.iter().enumerate() {
            world.sql(&format!("insert into {table} values ({id}, {value})")).await;
        }
        let full = rows(&world, table).await;
        world.sql(&format!("update {table} set v = null; delete from {table}")).await;
        reverse_all(&world, &api, table, "DELETE").await;
        reverse_all(&world, &api, table, "UPDATE").await;
        assert_eq!(rows(&world, table).await, full, "{table}");
    }
}

#[tokio::test]
async fn keys_of_every_storage_class_are_found_again_on_sqlite() {
    let world = World::new(Kind::Sqlite).await;
    let api = tracked(
        &world,
        "create table k (v, n text, primary key (n, v)) without rowid; create table s (v primary key)",
        &["k", "s"],
    )
    .await;
    // A text and bytes may share one record id; a key that holds both kinds is not told apart.
    for value in
        SQLITE_VALUES.iter().filter(|value| !value.starts_with(['x', 'z']) && !["'1'", "'1.0'"].contains(value))
    {
        world.sql(&format!("insert into k values ({value}, 'n'); insert into s values ({value})")).await;
    }
    for table in ["k", "s"] {
        let full = rows(&world, table).await;
        world.sql(&format!("delete from {table}")).await;
        reverse_all(&world, &api, table, "DELETE").await;
        assert_eq!(rows(&world, table).await, full, "{table}");
    }
}
