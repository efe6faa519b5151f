//! A history of 100,000 entries is read only as far as the question needs.

use afterimage::auth::Role;
use serde_json::json;

use super::{ask, at, blame, tracked, unknown_at};
use crate::support::{Api, Kind, World, both};

const TABLE: &str = "create table t (id integer primary key, a integer, n integer)";

/// A row that was created at the first second of 2026-03-01 and updated each second of 100,000. Entries that cannot be
/// read stand at the places that `broken` says: who reads as far as there fails.
async fn long_history(world: &World, broken: &str) {
    let (log, series, stamp, lift, lower) = match world.kind {
        Kind::Postgres => (
            "afterimage.log",
            "generate_series(1, 100000) as s(i)",
            "timestamptz '2026-03-01T00:00:00Z' + i * interval '1 second'",
            "",
            "analyze afterimage.log",
        ),
        Kind::Sqlite => (
            "afterimage_log",
            "(with recursive s(i) as (select 1 union all select i + 1 from s where i < 100000) select i from s)",
            "strftime('%Y-%m-%dT%H:%M:%S.000Z', '2026-03-01', '+' || i || ' seconds')",
            "pragma ignore_check_constraints = on;",
            "analyze",
        ),
    };
    let json = match world.kind {
        Kind::Postgres => "::json",
        Kind::Sqlite => "",
    };
    world
        .sql(&format!(
            "{lift} insert into {log} (action, table_name, record_id, old_values, new_values, source, \"timestamp\")
             select case i when 1 then 'CREATE' else 'UPDATE' end, 't', '1',
                    (case i when 1 then null else '{{\"n\":' || (i - 1) || '}}' end){json},
                    (case i when 1 then '{{\"id\":1,\"a\":7,\"n\":1}}' else '{{\"n\":' || i || '}}' end){json},
                    case when {broken} then 'BROKEN' else 'TRIGGER' end, {stamp}
               from {series} order by i; {lower}"
        ))
        .await;
    world.sql("update t set n = 100000").await;
}

/// The same, before the table is tracked: the entries belong to the stretch of capture that began before them.
async fn world_of(world: &World, broken: &str) -> Api {
    let api = tracked(world, &format!("{TABLE}; insert into t values (1, 7, 0)"), &["t"]).await;
    long_history(world, broken).await;
    api
}

/// The instant of the entry of this number.
fn instant(number: i64) -> String {
    let start = chrono::DateTime::parse_from_rfc3339("2026-03-01T00:00:00Z").expect("an instant");
    (start + chrono::Duration::seconds(number)).to_rfc3339()
}

both! {
    async fn near_the_present_only_the_present_end_is_read(world: World) {
        let api = world_of(&world, "i < 99000").await;
        assert_eq!(at(&api, "t", "1", &instant(99_990)).await, json!({"id": 1, "a": 7, "n": 99_990}));
        assert_eq!(at(&api, "t", "1", &instant(100_000)).await, json!({"id": 1, "a": 7, "n": 100_000}));
        assert_eq!(at(&api, "t", "1", "2100-01-01").await, json!({"id": 1, "a": 7, "n": 100_000}));
        assert_eq!(ask(&api, "t", "1", "history(first: 2) { nodes { action } }").await["history"]["nodes"][1]["action"], "UPDATE");
        // Who does need it fails, so that this test can.
        assert_eq!(unknown_at(&api, "t", "1", &instant(50_000)).await.0, "INTERNAL_SERVER_ERROR");
    }

    async fn near_the_creation_only_that_end_is_read(world: World) {
        let api = world_of(&world, "i > 1000").await;
        assert_eq!(at(&api, "t", "1", &instant(3)).await, json!({"id": 1, "a": 7, "n": 3}));
        assert_eq!(at(&api, "t", "1", &instant(40)).await, json!({"id": 1, "a": 7, "n": 40}));
    }

    async fn blame_reads_until_every_field_is_found(world: World) {
        let api = world_of(&world, "i < 99000").await;
        world.insert("action, table_name, record_id, old_values, new_values",
            "('UPDATE', 't', '1', '{\"id\":1,\"a\":7}', '{\"id\":1,\"a\":7}')").await;
        let all = blame(&api, "t", "1").await;
        assert_eq!([&all[0][0], &all[1][1], &all[2][1]], [&json!("id"), &json!(7), &json!(100_000)]);
        assert!(all.as_array().expect("a list").iter().all(|field| field[2].is_string()), "{all}");
    }

    /// From one end to the other, where nothing less tells.
    async fn the_whole_history_is_read_where_it_has_to_be(world: World) {
        let api = world_of(&world, "false").await;
        assert_eq!(at(&api, "t", "1", &instant(50_000)).await, json!({"id": 1, "a": 7, "n": 50_000}));
        let all = blame(&api, "t", "1").await;
        assert_eq!(all[0][2], all[1][2], "both are of the creation");
        let answer = api.answer_as(&[Role::Auditor], "{ trackedObject(tableName: \"t\", recordId: \"1\") { history(last: 1) { nodes { action } } } }", json!({})).await;
        assert_eq!(answer["data"]["trackedObject"]["history"]["nodes"][0]["action"], "CREATE");
    }
}
