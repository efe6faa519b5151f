//! Settings of the writing session change nothing of what is recorded.

use sqlx::{Connection, PgConnection};

use super::{entries, tracked};

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
    b bytea, c money, x xml, a text[], p point, ra tstzrange, dr daterange, fa float8[], j json, jb jsonb, s text, ti timetz)";
/// Written with casts that read alike whatever the settings.
const WRITE: &str = "insert into public.t select 1, make_date(2020, 2, 3), make_timestamp(2020, 2, 3, 4, 5, 6.5), to_timestamp(1580702706.5), \
    make_interval(days => 30, hours => 1), 0.1::float8 + 0.2, 0.1, decode('00ff5c27', 'hex'), 1234.5::numeric::money, '<a/>'::xml, \
    array['a', null, 'null'], point(0.1, 0.30000000000000004), tstzrange(to_timestamp(0), to_timestamp(86400)), \
    daterange(make_date(2020, 2, 3), make_date(2020, 3, 2)), array[0.1::float8 + 0.2, 'NaN'::float8], '{\"b\": 1,  \"a\": 2}'::json, '[null]'::jsonb, \
    chr(233) || chr(39) || chr(92), '12:00:00+05:30'::timetz; update public.t set f = 0.3::float8, tz = to_timestamp(0), s = chr(92) || 'u0000', j = 'null'; delete from public.t";

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
