//! Every way in which a row changes.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{entries, health_of, tracked};

const T: &str = "create table t (id int primary key, a text)";

#[tokio::test]
async fn single_and_bulk_statements_upserts_merges_and_writable_ctes_are_recorded() {
    let (world, _api) = tracked(T, &["t"]).await;
    world.sql("insert into t values (1, 'a'), (2, 'b'); update t set a = a || '!'; update t set a = a; delete from t where id = 2").await;
    world.sql("insert into t values (1, 'x'), (3, 'c') on conflict (id) do update set a = excluded.a").await;
    world.sql("insert into t values (1, 'y') on conflict do nothing").await;
    world.sql("with gone as (delete from t where id = 3 returning *) insert into t select 4, a from gone").await;
    world
        .sql(
            "merge into t using (values (1, 'm'), (5, 'n')) as s (id, a) on t.id = s.id \
        when matched then update set a = s.a when not matched then insert values (s.id, s.a)",
        )
        .await;
    world.sql("begin; delete from t; rollback").await;
    let mut found = entries(&world).await;
    found[9..].sort();
    assert_eq!(
        found,
        [
            r#"CREATE t 1 - {"id":1,"a":"a"}"#,
            r#"CREATE t 2 - {"id":2,"a":"b"}"#,
            r#"UPDATE t 1 {"a":"a"} {"a":"a!"}"#,
            r#"UPDATE t 2 {"a":"b"} {"a":"b!"}"#,
            r#"DELETE t 2 {"id":2,"a":"b!"} -"#,
            r#"UPDATE t 1 {"a":"a!"} {"a":"x"}"#,
            r#"CREATE t 3 - {"id":3,"a":"c"}"#,
            r#"DELETE t 3 {"id":3,"a":"c"} -"#,
            r#"CREATE t 4 - {"id":4,"a":"c"}"#,
            r#"CREATE t 5 - {"id":5,"a":"n"}"#,
            r#"UPDATE t 1 {"a":"x"} {"a":"m"}"#,
        ]
    );
}

#[tokio::test]
async fn copied_rows_are_recorded() {
    let (world, _api) = tracked(T, &["t"]).await;
    let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
    let mut copy = connection.copy_in_raw("copy t from stdin").await.expect("copy");
    copy.send("1\ta\n2\t\\N\n".as_bytes()).await.expect("rows");
    copy.finish().await.expect("the end");
    assert_eq!(entries(&world).await, [r#"CREATE t 1 - {"id":1,"a":"a"}"#, r#"CREATE t 2 - {"id":2,"a":null}"#]);
}

#[tokio::test]
async fn cascades_are_recorded() {
    let (world, _api) = tracked(
        "create table p (id int primary key); \
        create table c (id int primary key, p int references p on delete cascade on update cascade); \
        create table n (id int primary key, p int references p on delete set null)",
        &["p", "c", "n"],
    )
    .await;
    world.sql("insert into p values (1); insert into c values (1, 1); insert into n values (1, 1)").await;
    world.sql("delete from n; update p set id = 2; insert into n values (2, 2); delete from p").await;
    assert_eq!(
        entries(&world).await[3..],
        [
            r#"DELETE n 1 {"id":1,"p":1} -"#,
            r#"DELETE p 1 <2 {"id":1} -"#,
            r#"CREATE p 2 <1 - {"id":2}"#,
            r#"UPDATE c 1 {"p":1} {"p":2}"#,
            r#"CREATE n 2 - {"id":2,"p":2}"#,
            r#"DELETE p 2 {"id":2} -"#,
            r#"DELETE c 1 {"id":1,"p":2} -"#,
            r#"UPDATE n 2 {"p":2} {"p":null}"#,
        ]
    );
}

/// A trigger of the table's own that changes the new row again must not be recorded before its cause.
#[tokio::test]
async fn a_creation_comes_before_what_a_trigger_makes_of_it() {
    let (world, _api) = tracked(&format!("{T}; \
        create function before() returns trigger language plpgsql as $$ begin new.a := new.a || 'b'; return new; end $$; \
        create function after() returns trigger language plpgsql as $$ \
          begin update t set a = a || 'c' where id = new.id; return null; end $$; \
        create trigger before before insert on t for each row execute function before(); \
        create trigger \"#first\" after insert on t for each row execute function after()"), &["t"]).await;
    world.sql("insert into t values (1, 'a'), (2, 'a')").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"a":"ab"}"#,
            r#"UPDATE t 1 {"a":"ab"} {"a":"abc"}"#,
            r#"CREATE t 2 - {"id":2,"a":"ab"}"#,
            r#"UPDATE t 2 {"a":"ab"} {"a":"abc"}"#,
        ]
    );
}

#[tokio::test]
async fn partitions_are_recorded_under_the_name_of_their_root() {
    let (world, _api) = tracked(
        "create table m (k int, id int, a text, primary key (k, id)) partition by list (k); \
        create table m1 partition of m for values in (1); \
        create table m2 (a text, gone int, id int not null, k int not null); alter table m2 drop column gone; \
        alter table m attach partition m2 for values in (2)",
        &["m"],
    )
    .await;
    world.sql("insert into m values (1, 1, 'a'); insert into m2 (k, id, a) values (2, 2, 'b')").await;
    world.sql("update m set a = a || '!'; update m2 set a = 'c'; delete from m1").await;
    world.sql("create table m3 partition of m for values in (3); insert into m3 values (3, 3, 'n')").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE m ["1","1"] - {"k":1,"id":1,"a":"a"}"#,
            r#"CREATE m ["2","2"] - {"k":2,"id":2,"a":"b"}"#,
            r#"UPDATE m ["1","1"] {"a":"a"} {"a":"a!"}"#,
            r#"UPDATE m ["2","2"] {"a":"b"} {"a":"b!"}"#,
            r#"UPDATE m ["2","2"] {"a":"b!"} {"a":"c"}"#,
            r#"DELETE m ["1","1"] {"k":1,"id":1,"a":"a!"} -"#,
            r#"CREATE m ["3","3"] - {"k":3,"id":3,"a":"n"}"#,
        ]
    );
    for table in ["m", "m1", "m2"] {
        let refusal = world.try_sql(&format!("truncate {table}")).await.expect_err("refused");
        assert!(refusal.to_string().contains("TRUNCATE"), "{refusal}");
    }
}

#[tokio::test]
async fn odd_names_and_other_schemas_are_recorded() {
    let names = [r#""we.ird"."a""b""#, r#""$capture$""#, r#""back\slash'""#, r#""Ünï😀""#, r#"select"#];
    for name in names {
        let quoted = if name == "select" { "\"select\"" } else { name };
        let tables = format!(
            "create schema \"we.ird\"; create table {quoted} (\"i\"\"d\" int primary key, \"a'\\$1\" text, \
            \"new\" text, \"old\" text, \"a\" text, \"changed\" text, \"r\" text, \"$$\" text)"
        );
        let (world, api) = tracked(&tables, &[quoted]).await;
        for setting in ["", "set standard_conforming_strings = off; "] {
            world
                .sql(&format!(
                    "{setting}insert into {quoted} values (1, 'x', 'n', 'o', 'a', 'c', 'r', 'd'); \
                update {quoted} set \"a'\\$1\" = 'y', \"r\" = 's', \"old\" = 'q'; delete from {quoted}"
                ))
                .await;
        }
        let data = api
            .ask("{ auditLogs(filter: {source: TRIGGER}) { nodes { action tableName newValues } } }", json!({}))
            .await;
        let nodes = data["auditLogs"]["nodes"].as_array().expect("a list");
        assert_eq!(nodes.len(), 6, "{name}");
        assert_eq!(nodes[1]["newValues"], json!({"a'\\$1": "y", "old": "q", "r": "s"}), "{name}");
        assert_eq!(super::health_of(&api, nodes[0]["tableName"].as_str().expect("text")).await, "OK");
    }
}

/// Most rows are written by PostgreSQL as a whole; where a document would be taken for something else, it does not show.
#[tokio::test]
async fn whole_rows_are_written_as_their_values_are() {
    let table = "create table t (id int primary key, gone int, j jsonb, \"k\"\"'\" jsonb, a text); \
        alter table t drop column gone";
    let (world, _api) = tracked(table, &["t"]).await;
    let documents = [
        (r#"{"a": [1, 1.50]}"#, r#"{"a": [1, 1.50]}"#),
        ("null", r#"{"$json" : "null"}"#),
        (r#"{"$json": "x"}"#, r#"{"$json" : "{\"$json\": \"x\"}"}"#),
        (r#"["$json"]"#, r#"["$json"]"#),
        (r#"{"b": 1, "$json": null}"#, r#"{"b": 1, "$json": null}"#),
        (r#""\u0001 \\u0000 \\\\ud800""#, r#""\u0001 \\u0000 \\\\ud800""#),
    ];
    for (round, (document, image)) in documents.into_iter().enumerate() {
        let row = format!("(1, '{document}', '[]', e'\\x01\"'), (2, null, '{document}', null)");
        world.sql(&format!("insert into t values {row}; update t set id = id + 2; delete from t")).await;
        let (one, two) =
            (format!(r#""j":{image},"k\"'":[],"a":"\u0001\"""#), format!(r#""j":null,"k\"'":{image},"a":null"#));
        assert_eq!(
            entries(&world).await[8 * round..],
            [
                format!(r#"CREATE t 1 - {{"id":1,{one}}}"#),
                format!(r#"CREATE t 2 - {{"id":2,{two}}}"#),
                format!(r#"DELETE t 1 <3 {{"id":1,{one}}} -"#),
                format!(r#"CREATE t 3 <1 - {{"id":3,{one}}}"#),
                format!(r#"DELETE t 2 <4 {{"id":2,{two}}} -"#),
                format!(r#"CREATE t 4 <2 - {{"id":4,{two}}}"#),
                format!(r#"DELETE t 3 {{"id":3,{one}}} -"#),
                format!(r#"DELETE t 4 {{"id":4,{two}}} -"#),
            ]
        );
    }
}

#[tokio::test]
async fn hidden_columns_leave_no_value_in_any_action() {
    let (world, api) =
        tracked("create table t (id int primary key, a text, secret text, b text, quiet text)", &[]).await;
    let track = "mutation { trackTable(input: {tableName: \"t\", redactedColumns: [\"secret\"], ignoredColumns: [\"quiet\"]}) \
        { trackedTable { redactedColumns ignoredColumns } } }";
    api.ask(track, json!({})).await;
    // Again without lists: both stay.
    api.track("t").await;
    world
        .sql(
            "insert into t values (1, 'a', 'hush', 'b', 'hush'); update t set quiet = 'hush hush'; \
        update t set secret = 'hush!'; update t set a = 'x', secret = 'hush', b = 'y', quiet = 'hush'; \
        update t set id = 2; delete from t",
        )
        .await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"a":"a","b":"b"} {"secret":2}"#,
            r#"UPDATE t 1 {} {} {"secret":0}"#,
            r#"UPDATE t 1 {"a":"a","b":"b"} {"a":"x","b":"y"} {"secret":1}"#,
            r#"DELETE t 1 <2 {"id":1,"a":"x","b":"y"} - {"secret":2}"#,
            r#"CREATE t 2 <1 - {"id":2,"a":"x","b":"y"} {"secret":2}"#,
            r#"DELETE t 2 {"id":2,"a":"x","b":"y"} - {"secret":2}"#,
        ]
    );
    let everything = world.scalar("select string_agg(log::text, '') from afterimage.log").await;
    assert!(!everything.contains("hush"), "{everything}");
}

#[tokio::test]
async fn a_replica_s_session_is_recorded_and_truncation_refused() {
    let (world, _api) = tracked(T, &["t"]).await;
    world.sql("set session_replication_role = replica; insert into t values (1, 'a'); update t set a = 'b'; delete from t").await;
    assert_eq!(entries(&world).await.len(), 3);
    for setting in ["", "set session_replication_role = replica; "] {
        assert!(world.try_sql(&format!("{setting}truncate t")).await.is_err());
        for statement in
            ["truncate afterimage.log", "delete from afterimage.log", "update afterimage.log set user_id = 'x'"]
        {
            let refusal = world.try_sql(&format!("{setting}{statement}")).await.expect_err("refused");
            assert!(refusal.to_string().contains("append-only"), "{refusal}");
        }
    }
}

/// Each table of an inheritance holds rows of its own, and is tracked by itself.
#[tokio::test]
async fn inherited_tables_are_each_recorded_for_themselves() {
    let (world, api) = tracked(
        "create table p (id int primary key, a text); \
        create table c (extra text, primary key (id)) inherits (p)",
        &["p", "c"],
    )
    .await;
    world.sql("insert into p values (1, 'p'); insert into c values (1, 'c', 'e'); update p set a = a || '!'").await;
    let found = entries(&world).await;
    assert_eq!(found[2..], [r#"UPDATE p 1 {"a":"p"} {"a":"p!"}"#, r#"UPDATE c 1 {"a":"c"} {"a":"c!"}"#]);
    let data = api.ask("{ auditLogs(filter: {tableName: [\"p\"], action: CREATE}) { nodes { id } } }", json!({})).await;
    for node in data["auditLogs"]["nodes"].as_array().expect("a list") {
        api.ask("mutation($id: ID!) { undo(id: $id) { entries { id } } }", json!({"id": node["id"]})).await;
    }
    assert_eq!(world.scalar("select string_agg(a, ',') from p").await, "c!", "the child's row is not the parent's");
}

#[tokio::test]
async fn many_updates_after_one_stay_fast() {
    let (world, _api) = tracked(T, &["t"]).await;
    let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
    let started = Instant::now();
    sqlx::raw_sql("insert into t values (0, ''); update t set a = 'x' where id = 0; \
        insert into t select n, '' from generate_series(1, 10000) as n; update t set a = 'y' where id > 0; delete from t")
        .execute(&mut connection).await.expect("done");
    let took = started.elapsed();
    assert_eq!(world.scalar("select count(*) from afterimage.log where table_name = 't'").await, "30003");
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[tokio::test]
async fn a_table_that_comes_to_inherit_misses_what_goes_through_the_other_until_it_is_tracked_again() {
    let (world, api) =
        tracked("create table p (id int not null, a text); create table c (id int primary key, a text)", &["c"]).await;
    world.sql("insert into c values (1, 'a'), (2, 'b'); alter table c inherit p").await;
    assert_eq!(health_of(&api, "c").await, "DISABLED");
    api.track("c").await;
    assert_eq!(health_of(&api, "c").await, "OK");
    world.sql("delete from p where id = 1").await;
    assert_eq!(entries(&world).await[2..], [r#"DELETE c 1 {"id":1,"a":"a"} -"#]);
}
