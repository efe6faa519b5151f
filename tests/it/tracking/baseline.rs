//! The rows that are there when tracking begins.

use serde_json::json;

use super::{recorded, track};
use crate::support::{Api, Kind, World, both};

both! {
    async fn each_row_that_is_there_is_one_entry_and_the_first_change_has_a_past(world: World) {
        let api = Api::start(&world).await;
        world.sql("create table t (id integer primary key, a text, secret text, b text, quiet text); \
            insert into t values (1, 'x', 'hush', 'y', 'hush'), (2, null, 'hush', 'z', 'hush')").await;
        let options = "baseline: true, redactedColumns: [\"secret\"], ignoredColumns: [\"quiet\"]";
        assert_eq!(track(&api, "t", options).await["baselineRows"], 2);
        world.sql("update t set a = 'changed' where id = 1").await;
        assert_eq!(recorded(&world, "t").await.iter().map(|entry| entry.replace(": ", ":")).collect::<Vec<_>>(), [
            r#"READ 1 - {"id":1,"a":"x","b":"y"} {"secret":2}"#,
            r#"READ 2 - {"id":2,"a":null,"b":"z"} {"secret":2}"#,
            r#"UPDATE 1 {"a":"x"} {"a":"changed"}"#,
        ]);
        let query = "{ auditLogs(filter: {tableName: [\"t\"], action: [READ]}) { totalCount nodes { source userId username metadata description } } }";
        let found = api.ask(query, json!({})).await["auditLogs"].take();
        assert_eq!(found["totalCount"], 2);
        let entry = &found["nodes"][0];
        assert_eq!((&entry["source"], &entry["userId"], &entry["username"]), (&json!("API"), &json!("42"), &json!("ann")));
        assert_eq!(entry["metadata"], json!({"baseline": true}));
        assert!(entry["description"].as_str().expect("text").starts_with("Baseline"), "{entry}");
        let everything = world.rows(&format!("select * from {}", world.log())).await;
        assert!(!format!("{everything:?}").contains("hush"), "a hidden value is in the log");
    }

    /// It is no change: neither the trash nor an undo nor a filter for changed fields takes it for one.
    async fn a_baseline_is_no_change(world: World) {
        let api = Api::start(&world).await;
        world.sql("create table t (id integer primary key, a text); insert into t values (1, 'x')").await;
        track(&api, "t", "baseline: true").await;
        world.sql("delete from t").await;
        track(&api, "t", "").await;
        assert_eq!(api.ask("{ trash { nodes { recordId } } }", json!({})).await["trash"]["nodes"], json!([{"recordId": "1"}]));
        let data = api.ask("{ auditLogs(filter: {action: [READ]}) { nodes { id changes { field } newValues } } }", json!({})).await;
        let read = &data["auditLogs"]["nodes"][0];
        assert_eq!((&read["changes"], &read["newValues"]), (&json!([]), &json!({"id": 1, "a": "x"})));
        let (code, _) = api.refusal("mutation($id: ID!) { undo(id: $id) { auditLog { id } } }", json!({"id": read["id"]})).await;
        assert_eq!(code, "NOT_UNDOABLE");
        assert_eq!(api.keys(json!({"changedField": ["a"], "tableName": ["t"], "action": ["READ"]})).await, "");
        assert_eq!(api.keys(json!({"changedField": ["a"], "tableName": ["t"]})).await, "1");
        assert_eq!(api.keys(json!({"not": {"changedField": ["a"]}, "tableName": ["t"]})).await, "1");
    }

    async fn given_again_it_records_again_and_not_given_it_does_not(world: World) {
        let api = Api::start(&world).await;
        world.sql("create table t (id integer primary key, a text); insert into t values (1, 'x')").await;
        assert_eq!(track(&api, "t", "").await["baselineRows"], json!(null));
        assert_eq!(recorded(&world, "t").await.len(), 0);
        track(&api, "t", "baseline: true").await;
        world.sql("insert into t values (2, 'y')").await;
        track(&api, "t", "baseline: true").await;
        let actions: Vec<String> = recorded(&world, "t").await.iter().map(|entry| entry[..6].to_owned()).collect();
        assert_eq!(actions, ["READ 1", "CREATE", "READ 1", "READ 2"]);
    }

    async fn nobody_can_forge_one_by_hand(world: World) {
        let api = Api::start(&world).await;
        let input = json!({"i": [{"userId": "42", "action": "READ", "tableName": "t", "recordId": "1", "newValues": {"a": 1}}]});
        let mutation = "mutation($i: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $i) { auditLogs { id } } }";
        assert_eq!(api.refusal(mutation, input).await.0, "BAD_USER_INPUT");
    }

    /// Several writers go on while tracking begins: each row is in the baseline or has its CREATE, and none both.
    async fn no_row_is_lost_or_doubled_between_the_baseline_and_the_first_change(world: World) {
        let api = Api::start(&world).await;
        world.sql("create table t (id integer primary key, a text)").await;
        let write = async |from: usize| {
            for number in 0..60 {
                world.sql(&format!("insert into t values ({}, 'x')", from + number)).await;
            }
        };
        let begin = async {
            while world.scalar("select count(*) from t").await.parse::<u32>().expect("a number") < 20 {}
            track(&api, "t", "baseline: true").await;
        };
        tokio::join!(write(1000), write(2000), write(3000), begin);
        let sql = format!("select count(*), count(distinct record_id) from {} where table_name = 't'", world.log());
        assert_eq!(world.rows(&sql).await, [[Some("180".to_owned()), Some("180".to_owned())]]);
        let baseline = format!("select count(*) from {} where table_name = 't' and action = 'READ'", world.log());
        let baseline: u32 = world.scalar(&baseline).await.parse().expect("a number");
        assert!((20..180).contains(&baseline), "{baseline} of 180: tracking began in between");
    }
}

#[tokio::test]
async fn on_postgresql_a_baseline_holds_the_rows_that_the_triggers_would_file_there_as_they_would() {
    let world = World::new(Kind::Postgres).await;
    let api = Api::start(&world).await;
    world
        .sql(
            "create table m (k int, id int, a text, primary key (k, id)) partition by list (k); \
             create table m1 partition of m for values in (1); insert into m values (1, 1, 'm'); \
             create table p (id int primary key, a text); create table c (primary key (id)) inherits (p); \
             insert into p values (1, 'p'); insert into c values (2, 'c'); \
             create table v (id timestamptz primary key, f float8, i interval, d tsrange, b bytea, j json, n numeric); \
             insert into v values ('2026-03-01 09:30:00.5+02', 0.1::float8 + 0.2, '1 mon 2 days', \
               '[2026-01-01, 2026-02-01)', '\\x00ff', '{\"b\":1, \"a\":1.0}', 1.10)",
        )
        .await;
    let database = world.scalar("select current_database()").await;
    world
        .sql(&format!(
            "alter database \"{database}\" set \"DateStyle\" = 'SQL, DMY'; alter database \"{database}\" set \"TimeZone\" = 'Asia/Tokyo'; \
             alter database \"{database}\" set extra_float_digits = -5; alter database \"{database}\" set \"IntervalStyle\" = 'iso_8601'"
        ))
        .await;
    let api = {
        drop(api);
        Api::start(&world).await
    };
    for table in ["m", "p", "v"] {
        assert_eq!(track(&api, table, "baseline: true").await["baselineRows"], 1, "{table}");
    }
    assert_eq!(recorded(&world, "m").await, [r#"READ ["1","1"] - {"k":1,"id":1,"a":"m"}"#]);
    assert_eq!(recorded(&world, "p").await, [r#"READ 1 - {"id":1,"a":"p"}"#]);
    // As the triggers write the same row.
    world.sql("create temp table kept as select * from v; delete from v; insert into v select * from kept").await;
    let images = "select count(distinct record_id), count(distinct coalesce(old_values, new_values)::text) \
        from afterimage.log where table_name = 'v'";
    assert_eq!(world.rows(images).await, [[Some("1".to_owned()), Some("1".to_owned())]]);
}

#[tokio::test]
async fn on_sqlite_a_baseline_writes_every_value_as_the_triggers_do() {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::start(&world).await;
    world
        .sql(
            "create table t (k, \"a'\"\"b\", c text, d real, g as (d * 2), primary key (k, c)); \
             insert into t (k, \"a'\"\"b\", c, d) values (1, x'00ff', 'é', 0.1), ('x', 9e999, 'a' || char(0, 10), 1e300), \
               (null, null, 'n', null)",
        )
        .await;
    assert_eq!(track(&api, "t", "baseline: true").await["baselineRows"], 3);
    world.sql("create table kept as select * from t; delete from t").await;
    let images = "select count(*), count(distinct coalesce(record_id, '-') || coalesce(old_values, new_values)) \
        from afterimage_log where table_name = 't'";
    assert_eq!(world.rows(images).await, [[Some("6".to_owned()), Some("3".to_owned())]]);
}
