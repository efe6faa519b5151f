//! Settings of the writing session change nothing of what is recorded.

use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{entries, tracked};
use crate::support::Api;

const SETTINGS: &[&str] = &[
    "datestyle = 'SQL, DMY'",
    "datestyle = 'German'",
    "intervalstyle = 'sql_standard'",
    "intervalstyle = 'iso_8601'",
    "extra_float_digits = -15",
    "extra_float_digits = 3",
    "timezone = 'Asia/Kathmandu'",
    "timezone = '-14'",
    "bytea_output = 'escape'",
    "lc_monetary = 'C'",
    "standard_conforming_strings = off",
    "backslash_quote = off",
    "escape_string_warning = off",
    "quote_all_identifiers = on",
    "row_security = off",
    "search_path = hostile, pg_catalog",
    "search_path = ''",
    "client_encoding = 'LATIN1'",
    "client_encoding = 'SQL_ASCII'",
    "xmloption = 'document'",
    "xmlbinary = 'hex'",
    "array_nulls = off",
    "transform_null_equals = on",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_isolation = 'repeatable read'",
    "default_transaction_deferrable = on",
    "statement_timeout = '1min'",
    "plan_cache_mode = 'force_custom_plan'",
    "plan_cache_mode = 'force_generic_plan'",
    "session_replication_role = 'replica'",
    "jit = on",
    "enable_seqscan = off",
    "check_function_bodies = off",
    "role = 'postgres'",
    "synchronous_commit = off",
    "default_toast_compression = 'pglz'",
    "constraint_exclusion = on",
    "track_functions = 'all'",
];

/// Functions and operators in a schema that comes first, named as those that capture uses.
const HOSTILE: &str = "create schema hostile; \
    create function hostile.concat(variadic \"any\") returns text language internal as 'text_concat'; drop function hostile.concat(variadic \"any\"); \
    create function hostile.concat(text) returns text language sql as $$ select 'stolen' $$; \
    create function hostile.to_json(text) returns json language sql as $$ select '\"stolen\"'::json $$; \
    create function hostile.current_setting(text, boolean) returns text language sql as $$ select 'stolen' $$; \
    create function hostile.clock_timestamp() returns timestamptz language sql as $$ select '2000-01-01'::timestamptz $$; \
    create function hostile.ne(text, text) returns boolean language sql as $$ select false $$; \
    create operator hostile.<> (leftarg = text, rightarg = text, function = hostile.ne)";

const TABLE: &str = "create table public.t (id int primary key, d date, ts timestamp, tz timestamptz, i interval, f float8, r real, \
    b bytea, c money, x xml, a text[], p point, ra tstzrange, dr daterange, fa float8[], j json, jb jsonb, s text, ti timetz, \
    rc regclass, rt regtype)";
/// Written with casts that read alike whatever the settings.
const WRITE: &str = "insert into public.t select 1, make_date(2020, 2, 3), make_timestamp(2020, 2, 3, 4, 5, 6.5), to_timestamp(1580702706.5), \
    make_interval(days => 30, hours => 1), 0.1::float8 + 0.2, 0.1, decode('00ff5c27', 'hex'), 1234.5::numeric::money, '<a/>'::xml, \
    array['a', null, 'null'], point(0.1, 0.30000000000000004), tstzrange(to_timestamp(0), to_timestamp(86400)), \
    daterange(make_date(2020, 2, 3), make_date(2020, 3, 2)), array[0.1::float8 + 0.2, 'NaN'::float8], '{\"b\": 1,  \"a\": 2}'::json, '[null]'::jsonb, \
    chr(233) || chr(39) || chr(92), '12:00:00+05:30'::timetz, 'pg_catalog.pg_class'::regclass, 'pg_catalog.bytea'::regtype; update public.t set f = 0.3::float8, tz = to_timestamp(0), s = chr(92) || 'u0000', j = 'null'; delete from public.t";

#[tokio::test]
async fn whatever_the_session_says_the_entries_are_the_same() {
    for alter in ["", "; alter table public.t add more int"] {
        let (world, _api) = tracked(&format!("{HOSTILE}; {TABLE}"), &["t"]).await;
        if !alter.is_empty() {
            world.sql(&alter[2..]).await;
        }
        world.sql(WRITE).await;
        let usual = entries(&world).await;
        assert_eq!(usual.len(), 3);
        assert!(
            usual[0].contains(r#""f":0.30000000000000004"#) && usual[0].contains("2020-02-03T04:05:06.5"),
            "{usual:?}"
        );
        for (round, setting) in SETTINGS.iter().enumerate() {
            let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("set {setting}"))).execute(&mut connection).await.expect(setting);
            sqlx::raw_sql(WRITE).execute(&mut connection).await.unwrap_or_else(|error| panic!("{setting}: {error}"));
            assert_eq!(entries(&world).await[3 * (round + 1)..], usual, "{setting}{alter}");
        }
        let odd = "select count(*) from afterimage.log where timestamp < '2020-01-01' or source <> 'TRIGGER' and table_name = 't' \
            or metadata is not null";
        assert_eq!(world.scalar(odd).await, "0");
    }
}

/// What names things of the catalogue, each in a table of its own: the columns, and a value of the first one.
const NAMES: &[(&str, &str)] = &[
    ("c regclass", "'pg_catalog.pg_class'"),
    ("c regclass primary key", "'public.\"Many words\"'"),
    ("c regtype", "'pg_catalog.bytea'"),
    ("c regproc", "'pg_catalog.now'"),
    ("c regprocedure", "'pg_catalog.sum(int)'"),
    ("c regoperator", "'public.<>(int,int)'"),
    ("c regrole", "'postgres'"),
    ("c regnamespace", "'pg_catalog'"),
    ("c regcollation", "'pg_catalog.\"C\"'"),
    ("c regconfig", "'pg_catalog.english'"),
    ("c regdictionary", "'pg_catalog.simple'"),
    ("c regclass[]", "array['pg_catalog.pg_class'::regclass]"),
    ("c of_regclass", "'pg_catalog.pg_class'"),
    ("c with_regclass", "row('pg_catalog.pg_class')"),
];

#[tokio::test]
async fn names_of_the_catalogue_are_recorded_alike_whether_or_not_identifiers_are_quoted() {
    let types = "create table \"Many words\" (id int primary key); create domain of_regclass as regclass; \
        create type with_regclass as (c regclass); \
        create operator <> (leftarg = int, rightarg = int, function = int4ne)";
    let (world, api) = tracked(types, &[]).await;
    let (mut writes, mut count) = (String::new(), 0);
    for (columns, value) in NAMES {
        for alter in ["", "; alter table t{n} add more int"] {
            let key = if columns.ends_with("primary key") { "" } else { "id int primary key default 1, " };
            world.sql(&format!("create table t{count} ({key}{columns}, b bytea default '\\x00ff5c')")).await;
            api.track(&format!("t{count}")).await;
            if !alter.is_empty() {
                world.sql(&alter[2..].replace("{n}", &count.to_string())).await;
            }
            writes += &format!(
                "insert into t{count} (c) values ({value}); update t{count} set b = 'x'; update t{count} set c = null \
                 where '{columns}' not like '%key'; delete from t{count};"
            );
            count += 1;
        }
    }
    world.sql(&writes).await;
    let usual = entries(&world).await;
    assert_eq!(usual.len(), NAMES.len() * 8 - 2);
    assert!(usual.iter().all(|entry| !entry.contains("\\\"pg_") && !entry.contains("\\\"now")), "{usual:?}");
    world.sql(&format!("set quote_all_identifiers = on; {writes}")).await;
    assert_eq!(entries(&world).await[usual.len()..], usual);

    let shape = "select afterimage.shape('t0'::regclass)";
    assert_eq!(world.scalar(&format!("set quote_all_identifiers = on; {shape}")).await, world.scalar(shape).await);
}

/// The server's own sessions quote all identifiers too where the database says so.
#[tokio::test]
async fn a_database_that_quotes_all_identifiers_is_tracked_read_and_undone_as_any() {
    let (world, _api) = tracked("select 1", &[]).await;
    let name = world.scalar("select current_database()").await;
    world.sql(&format!("alter database \"{name}\" set quote_all_identifiers = on")).await;
    let api = Api::start(&world).await;
    world.sql("create table t (id int primary key, c regclass, b bytea)").await;
    api.track("t").await;
    world
        .sql("set bytea_output = 'escape'; insert into t values (1, 'pg_class', '\\x00ff5c'); update t set id = 2")
        .await;
    let query =
        "{ trackedObject(tableName: \"t\", recordId: \"2\") { current history(first: 1) { nodes { id newValues } } } }";
    let object = api.ask(query, json!({})).await["trackedObject"].take();
    let row = json!({"id": 2, "c": "pg_class", "b": "\\x00ff5c"});
    assert_eq!((&object["current"], &object["history"]["nodes"][0]["newValues"]), (&row, &row));
    world.sql("update t set c = 'pg_proc', b = null").await;
    let object = api.ask(query, json!({})).await["trackedObject"].take();
    let undo = "mutation($id: ID!) { undo(id: $id) { skipped { field } } }";
    let done = api.ask(undo, json!({"id": object["history"]["nodes"][0]["id"]})).await;
    assert_eq!(done["undo"]["skipped"], json!([]));
    let object = api.ask(query, json!({})).await["trackedObject"].take();
    assert_eq!(object["current"], row);
}
