//! Objects that come, change, go, come again, and change their key.

use serde_json::{Value, json};

use super::{at, current, moment, tracked, unknown_at};
use crate::support::{Api, Kind, World, both};

const TABLE: &str = "create table t (id integer primary key, a text, b text)";

both! {
    async fn a_row_is_seen_at_every_instant_of_its_life(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        let mut seen = vec![(moment(&world).await, Value::Null)];
        for change in [
            "insert into t values (1, 'a', 'b')",
            "update t set a = 'a2'",
            "update t set b = null",
            "update t set a = null, b = 'b3'",
            "delete from t",
            "insert into t values (1, 'again', null)",
            "update t set b = 'b4'",
        ] {
            world.sql(change).await;
            let state = if change.starts_with("delete") { Value::Null } else { current(&api, "t", "1").await };
            seen.push((moment(&world).await, state));
        }
        assert_eq!(seen[4].1, json!({"id": 1, "a": null, "b": "b3"}));
        for (instant, state) in &seen {
            assert_eq!(&at(&api, "t", "1", instant).await, state, "{instant}");
        }
        world.sql("delete from t").await;
        for (instant, state) in &seen {
            assert_eq!(&at(&api, "t", "1", instant).await, state, "{instant}, and deleted since");
        }
    }

    async fn a_row_that_was_there_before_tracking_is_known_from_what_came_after(world: World) {
        world.sql(TABLE).await;
        world.sql("insert into t values (1, 'a', 'b'), (2, 'x', 'y')").await;
        let before = moment(&world).await;
        let api = tracked(&world, "select 1", &["t"]).await;
        let began = moment(&world).await;
        world.sql("update t set a = 'a2' where id = 1").await;
        let first = moment(&world).await;
        assert_eq!(at(&api, "t", "1", &began).await, json!({"id": 1, "a": "a", "b": "b"}));
        assert_eq!(at(&api, "t", "2", &began).await, json!({"id": 2, "a": "x", "b": "y"}), "never changed");
        world.sql("update t set b = 'b2' where id = 1; delete from t where id = 1").await;
        assert_eq!(at(&api, "t", "1", &began).await, json!({"id": 1, "a": "a", "b": "b"}));
        assert_eq!(at(&api, "t", "1", &first).await, json!({"id": 1, "a": "a2", "b": "b"}));
        assert_eq!(at(&api, "t", "1", "2100-01-01").await, Value::Null);
        for record_id in ["1", "2"] {
            let (code, message) = unknown_at(&api, "t", record_id, &before).await;
            assert_eq!(code, "BAD_USER_INPUT");
            assert!(message.contains("since 20") && message.contains("\"t\""), "{message}");
        }
    }

    async fn a_changed_key_ends_one_life_and_begins_another(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b')").await;
        let first = moment(&world).await;
        world.sql("update t set id = 2, a = 'moved'").await;
        let moved = moment(&world).await;
        world.sql("update t set id = 1").await;
        let (old, new) = (json!({"id": 1, "a": "a", "b": "b"}), json!({"id": 2, "a": "moved", "b": "b"}));
        assert_eq!([at(&api, "t", "1", &first).await, at(&api, "t", "2", &first).await], [old, Value::Null]);
        assert_eq!([at(&api, "t", "1", &moved).await, at(&api, "t", "2", &moved).await], [Value::Null, new]);
        let back = json!({"id": 1, "a": "moved", "b": "b"});
        assert_eq!([current(&api, "t", "1").await, current(&api, "t", "2").await], [back, Value::Null]);
    }

    async fn composite_and_quoted_names_are_as_filed(world: World) {
        let name = "\"a.b \"\"c\"\"\"";
        let table = format!("create table {name} (x text, y integer, v text, primary key (x, y))");
        let api = tracked(&world, &table, &[name]).await;
        world.sql(&format!("insert into {name} values ('k\"1', 7, 'v')")).await;
        let key = "[\"k\\\"1\",\"7\"]";
        assert_eq!(current(&api, name, key).await, json!({"x": "k\"1", "y": 7, "v": "v"}));
        let now = moment(&world).await;
        world.sql(&format!("delete from {name}")).await;
        assert_eq!(at(&api, name, key, &now).await, json!({"x": "k\"1", "y": 7, "v": "v"}));
    }

    /// Entries of one instant all count at it; and where the clock stepped back, the ids say what came last.
    async fn ids_decide_where_the_clock_does_not(world: World) {
        let api = Api::start(&world).await;
        let row = |id: &str, a: u8| format!("'{{\"id\": \"{id}\", \"a\": {a}}}'");
        let field = |a: u8| format!("'{{\"a\": {a}}}'");
        world.insert("action, table_name, record_id, old_values, new_values, \"timestamp\"", &format!("
            ('CREATE', 'u', 'x', null, {}, '2026-03-01T00:00:00.000Z'),
            ('UPDATE', 'u', 'x', {}, {}, '2026-03-01T00:00:00.000Z'),
            ('UPDATE', 'u', 'x', {}, {}, '2026-03-01T00:00:05.000Z'),
            ('UPDATE', 'u', 'x', {}, {}, '2026-03-01T00:00:03.000Z')",
            row("x", 1), field(1), field(2), field(2), field(3), field(3), field(4))).await;
        let a = async |instant: &str| at(&api, "u", "x", instant).await["a"].take();
        assert_eq!(at(&api, "u", "x", "2026-02-28").await, Value::Null);
        assert_eq!(a("2026-03-01T00:00:00Z").await, 2);
        assert_eq!(a("2026-03-01T00:00:02.999Z").await, 2);
        assert_eq!(a("2026-03-01T00:00:03Z").await, 4, "the later by id is of the earlier instant");
        assert_eq!(a("2026-03-01T00:00:05Z").await, 4);
        assert_eq!(a("2026-03-01").await, 2, "a date is its start");
    }
}

/// A REPLACE is told as a deletion and a creation, and is neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_replaced_under_its_own_key_never_was_away() {
    let world = World::new(Kind::Sqlite).await;
    let api = tracked(&world, TABLE, &["t"]).await;
    world.sql("insert into t values (1, 'a', 'b')").await;
    let before = moment(&world).await;
    world.sql("replace into t values (1, 'c', 'b')").await;
    let after = moment(&world).await;
    let deleted = "select timestamp from afterimage_log where action = 'DELETE'";
    let between = world.scalar(deleted).await;
    world.sql("update t set b = 'd'").await;
    assert_eq!(at(&api, "t", "1", &before).await, json!({"id": 1, "a": "a", "b": "b"}));
    for instant in [&between, &after] {
        assert_eq!(at(&api, "t", "1", instant).await, json!({"id": 1, "a": "c", "b": "b"}), "{instant}");
    }
    // Also where its two halves have different times.
    world
        .insert(
            "action, table_name, record_id, previous_record_id, old_values, new_values, timestamp",
            "('CREATE', 'u', '1', null, null, '{\"a\":1}', '2026-03-01T00:00:00.000Z'),
             ('DELETE', 'u', '1', '1', '{\"a\":1}', null, '2026-03-02T00:00:00.000Z'),
             ('CREATE', 'u', '1', '1', null, '{\"a\":2}', '2026-03-02T00:00:00.001Z')",
        )
        .await;
    assert_eq!(at(&api, "u", "1", "2026-03-02").await, json!({"a": 2}));
}
