//! A table that is altered after it was tracked, and written before it is tracked again: no write fails, no change is
//! lost, and what is hidden stays hidden.

use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{entries, health_of, tracked};

const T: &str = "create table t (id int primary key, a text, v int)";
/// The same, with a trigger of the user's, so that all is recorded row by row.
const ROW_BY_ROW: &str = "create table t (id int primary key, a text, v int); \
    create function f() returns trigger language plpgsql as 'begin return null; end'; \
    create trigger mine after insert or update or delete on t for each row execute function f()";

async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
}

#[tokio::test]
async fn added_columns_are_recorded_in_every_action() {
    for table in [T, ROW_BY_ROW] {
        let (world, api) = tracked(table, &["t"]).await;
        // One session, so that its plans are older than the columns.
        let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
        run(
            &mut connection,
            "insert into t values (1, 'a', 1); update t set v = 2; delete from t; insert into t values (1, 'a', 1)",
        )
        .await;
        run(&mut connection, "alter table t add b text default 'old', add c int").await;
        run(&mut connection, "alter table t drop c; alter table t add d jsonb").await;
        assert_eq!(health_of(&api, "t").await, "OUTDATED");
        run(&mut connection, "update t set b = 'new'; update t set a = 'x', d = 'null'; update t set b = b").await;
        run(&mut connection, "insert into t values (2, 'n', 5, 'b', '[1.10]'); delete from t where id = 1").await;
        let expected = [
            r#"UPDATE t 1 {"b":"old"} {"b":"new"}"#,
            r#"UPDATE t 1 {"a":"a","d":null} {"a":"x","d":{"$json" : "null"}}"#,
            r#"CREATE t 2 - {"id":2,"a":"n","v":5,"b":"b","d":[1.10]}"#,
            r#"DELETE t 1 {"id":1,"a":"x","v":1,"b":"new","d":{"$json" : "null"}} -"#,
        ];
        assert_eq!(entries(&world).await[4..], expected, "{table}");
        api.track("t").await;
        assert_eq!(health_of(&api, "t").await, "OK");
        run(&mut connection, "update t set b = 'last'").await;
        assert_eq!(entries(&world).await[8..], [r#"UPDATE t 2 {"b":"b"} {"b":"last"}"#]);
    }
}

#[tokio::test]
async fn renamed_dropped_and_retyped_columns_fail_no_write_and_lose_no_change() {
    for table in [T, ROW_BY_ROW] {
        let (world, api) = tracked(table, &["t"]).await;
        let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
        run(&mut connection, "insert into t values (1, 'a', 1); update t set v = 2").await;
        run(&mut connection, "alter table t rename v to w; update t set w = 3").await;
        run(&mut connection, "alter table t alter w type text; update t set w = '4'").await;
        run(&mut connection, "create domain posint as int check (value > 0); alter table t alter w type posint using w::int; update t set w = 5").await;
        run(&mut connection, "create type mood as enum ('sad', 'ok'); alter table t alter w type mood using 'sad'; update t set w = 'ok'").await;
        run(&mut connection, "alter table t alter a type json using to_json(a); update t set a = 'null'").await;
        run(&mut connection, "alter table t drop a; insert into t values (2, 'sad'); delete from t").await;
        assert_eq!(health_of(&api, "t").await, "OUTDATED");
        assert_eq!(
            entries(&world).await[2..],
            [
                r#"UPDATE t 1 {"w":2} {"w":3}"#,
                r#"UPDATE t 1 {"w":"3"} {"w":"4"}"#,
                r#"UPDATE t 1 {"w":4} {"w":5}"#,
                r#"UPDATE t 1 {"w":"sad"} {"w":"ok"}"#,
                r#"UPDATE t 1 {"a":"a"} {"a":{"$json" : "null"}}"#,
                r#"CREATE t 2 - {"id":2,"w":"sad"}"#,
                r#"DELETE t 1 {"id":1,"w":"ok"} -"#,
                r#"DELETE t 2 {"id":2,"w":"sad"} -"#,
            ]
        );
        api.track("t").await;
        assert_eq!(health_of(&api, "t").await, "OK");
    }
}

#[tokio::test]
async fn an_alteration_that_is_rolled_back_was_none() {
    let (world, api) = tracked(T, &["t"]).await;
    world
        .sql(
            "insert into t values (1, 'a', 1); \
             begin; savepoint s; alter table t rename v to w; update t set w = 2; rollback to s; update t set v = 3; commit; \
             update t set v = 4",
        )
        .await;
    assert_eq!(health_of(&api, "t").await, "OK");
    assert_eq!(entries(&world).await[1..], [r#"UPDATE t 1 {"v":1} {"v":3}"#, r#"UPDATE t 1 {"v":3} {"v":4}"#]);
}

/// Whatever has the name or the place of a hidden column is hidden, until somebody says anew what shall be.
#[tokio::test]
async fn a_hidden_column_that_is_renamed_retyped_or_made_anew_stays_hidden() {
    for more in ["", "; create table child (t int references t on delete cascade)"] {
        let tables = format!("create table t (id int primary key, a text, secret text, quiet text, b text){more}");
        let (world, api) = tracked(&tables, &[]).await;
        let track = "mutation { trackTable(input: {tableName: \"t\", redactedColumns: [\"secret\"], ignoredColumns: [\"quiet\"]}) \
            { trackedTable { tableName } } }";
        api.ask(track, json!({})).await;
        let write = "insert into t (id, a, b, secret, quiet) values (1, 'hush a', 'b', 'hush', 'hush'); \
            update t set a = 'hush', b = 'c', secret = 'hush!', quiet = 'hush!'; update t set id = 2; delete from t";
        for alter in [
            "alter table t rename a to x; alter table t rename secret to a; alter table t rename x to secret",
            "alter table t rename a to x; alter table t rename quiet to a; alter table t rename x to quiet",
            "alter table t rename secret to was; alter table t rename quiet to still; \
             alter table t add secret text; alter table t add quiet text; alter table t drop a; alter table t rename was to a",
            "alter table t alter secret type json using null, alter quiet type bytea using null; alter table t add c int; \
             alter table t alter secret type text; alter table t alter quiet type text; update t set a = ''; \
             alter table t drop a; alter table t drop secret; alter table t add a text; alter table t add secret text; \
             alter table t rename a to plain; alter table t add a text",
        ] {
            let write = if alter.contains("plain") {
                write.replace("'hush a'", "''").replace("a = 'hush'", "a = 'x'")
            } else {
                write.to_owned()
            };
            world.sql(&format!("begin; {alter}; {write}; commit")).await;
            let found = entries(&world).await;
            let last: Vec<&String> = found[found.len() - 5..].iter().collect();
            assert!(last[1].contains(r#""b":"b""#) && last[1].contains(r#""b":"c""#), "{last:?}");
            let everything = world.scalar("select string_agg(log::text, '') from afterimage.log").await;
            assert!(!everything.contains("hush"), "{alter}: {everything}");
            world.sql("drop table t cascade").await;
            world.sql(&tables.replace("create table child", "drop table child; create table child")).await;
            api.ask(track, json!({})).await;
        }
    }
}

#[tokio::test]
async fn a_key_that_is_renamed_replaced_or_dropped_still_tells_the_rows_apart() {
    let (world, api) = tracked("create table t (z int, k text, v int, primary key (z, k))", &["t"]).await;
    world.sql("insert into t values (1, 'a', 1); alter table t rename k to key; update t set v = 2; update t set key = 'b'").await;
    world
        .sql("alter table t drop constraint t_pkey; update t set v = 3; alter table t drop z; update t set v = 4")
        .await;
    world.sql("alter table t add primary key (v); update t set key = 'c'; update t set v = 5; delete from t").await;
    assert_eq!(health_of(&api, "t").await, "OUTDATED");
    assert_eq!(
        entries(&world).await[1..],
        [
            r#"UPDATE t ["1","a"] {"v":1} {"v":2}"#,
            r#"DELETE t ["1","a"] <["1","b"] {"z":1,"key":"a","v":2} -"#,
            r#"CREATE t ["1","b"] <["1","a"] - {"z":1,"key":"b","v":2}"#,
            r#"UPDATE t ["1","b"] {"v":2} {"v":3}"#,
            r#"UPDATE t b {"v":3} {"v":4}"#,
            r#"UPDATE t 4 {"key":"b"} {"key":"c"}"#,
            r#"DELETE t 4 <5 {"key":"c","v":4} -"#,
            r#"CREATE t 5 <4 - {"key":"c","v":5}"#,
            r#"DELETE t 5 {"key":"c","v":5} -"#,
        ]
    );
    api.track("t").await;
    world.sql("insert into t values ('x', 1); alter table t drop v, drop key; insert into t default values; delete from t").await;
    assert_eq!(entries(&world).await[11..], [r#"CREATE t - {}"#, "DELETE t {} -", "DELETE t {} -"]);
}

#[tokio::test]
async fn partitions_follow_their_root() {
    let (world, api) = tracked(
        "create table m (k int, id int, a text, primary key (k, id)) partition by list (k); \
        create table m1 partition of m for values in (1) partition by range (id); \
        create table m11 partition of m1 for values from (0) to (100); \
        create table m2 (a text, gone int, id int not null, k int not null); alter table m2 drop column gone; \
        alter table m attach partition m2 for values in (2)",
        &["m"],
    )
    .await;
    world
        .sql("insert into m values (1, 1, 'a'), (2, 2, 'b'); alter table m rename a to b; alter table m add c int")
        .await;
    world.sql("update m set c = 1; update m2 set b = 'x'; insert into m11 values (1, 3, 'c', 3); delete from m where k = 2").await;
    assert_eq!(health_of(&api, "m").await, "OUTDATED");
    assert_eq!(
        entries(&world).await[2..],
        [
            r#"UPDATE m ["1","1"] {"c":null} {"c":1}"#,
            r#"UPDATE m ["2","2"] {"c":null} {"c":1}"#,
            r#"UPDATE m ["2","2"] {"b":"b"} {"b":"x"}"#,
            r#"CREATE m ["1","3"] - {"k":1,"id":3,"b":"c","c":3}"#,
            r#"DELETE m ["2","2"] {"k":2,"id":2,"b":"x","c":1} -"#,
        ]
    );
}

/// Such a transaction sees the catalogue as it was when it began, and writes rows of the present table.
#[tokio::test]
async fn a_transaction_that_is_older_than_the_alteration_loses_nothing() {
    for table in [T, ROW_BY_ROW] {
        let (world, api) = tracked(table, &["t"]).await;
        world.sql("insert into t values (1, 'a', 1)").await;
        let mut old = PgConnection::connect(&world.database_url).await.expect("a connection");
        run(&mut old, "begin isolation level repeatable read; select 1 from pg_class").await;
        world.sql("create table unrelated (); alter table t rename v to w; alter table t add c text").await;
        run(&mut old, "insert into t values (2, 'b', 2, 'c'); commit").await;
        run(&mut old, "update t set c = 'later', w = 7 where id = 2").await;
        let found = entries(&world).await;
        assert!(found[1].starts_with("CREATE t 2 - {\"id\":2,\"a\":\"b\","), "{found:?}");
        assert!(found[1].contains(r#""c":"c""#), "{found:?}");
        assert_eq!(found[2..], [r#"UPDATE t 2 {"w":2,"c":"c"} {"w":7,"c":"later"}"#]);
        api.track("t").await;
        run(&mut old, "delete from t where id = 2").await;
        assert_eq!(entries(&world).await[3..], [r#"DELETE t 2 {"id":2,"a":"b","w":7,"c":"later"} -"#]);
    }
}

#[tokio::test]
async fn the_session_s_settings_and_context_are_used_and_left_alone() {
    for table in [T, ROW_BY_ROW] {
        let (world, api) = tracked(table, &["t"]).await;
        let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
        run(&mut connection, "alter table t add at timestamptz, add f float8, add r daterange, add b bytea, add i interval; \
            set timezone = 'Asia/Kolkata'; set datestyle = 'SQL, DMY'; set extra_float_digits = -5; set bytea_output = 'escape'; \
            set intervalstyle = 'iso_8601'; set search_path = ''; set standard_conforming_strings = off; \
            set quote_all_identifiers = on; set plan_cache_mode = force_custom_plan").await;
        run(&mut connection, "begin; set local extra_float_digits = -6; \
            select set_config('afterimage.context', '{\"userId\":\"42\"}', true); insert into public.t values \
            (1, 'a', 1, '2020-01-02 00:00+00', 0.1::float8 + 0.2, '[2020-02-01,2020-03-01)', '\\\\x00ff', '1 day'); commit").await;
        let row: (String, String, String) = sqlx::query_as(
            "select current_setting('timezone'), current_setting('datestyle'), current_setting('extra_float_digits')",
        )
        .fetch_one(&mut connection)
        .await
        .expect("settings");
        assert_eq!(row, ("Asia/Kolkata".into(), "SQL, DMY".into(), "-5".into()));
        let recorded = r#"CREATE t 1 - {"id":1,"a":"a","v":1,"at":"2020-01-02T00:00:00+00:00","f":0.30000000000000004,"r":"[2020-02-01,2020-03-01)","b":"\\x00ff","i":"1 day"}"#;
        assert_eq!(entries(&world).await, [recorded], "{table}");
        let data = api.ask("{ auditLogs(first: 1) { nodes { userId databaseRole source } } }", json!({})).await;
        assert_eq!(data["auditLogs"]["nodes"][0]["userId"], "42");
        assert_eq!(data["auditLogs"]["nodes"][0]["source"], "TRIGGER");
    }
}
