//! `start` and `end`.

use serde_json::{Value, json};

use crate::support::{Api, Kind, World, both};

async fn log(world: &World) -> Api {
    let api = Api::start(world).await;
    let rows = [
        ("a", "2026-02-28T23:59:59.999Z"),
        ("b", "2026-03-01T00:00:00.000Z"),
        ("c", "2026-03-01T09:30:00.000Z"),
        ("d", "2026-03-01T23:59:59.999Z"),
        ("e", "2026-03-02T00:00:00.000Z"),
    ];
    let rows: Vec<String> = rows.iter().map(|(key, time)| format!("('READ', 't', '{key}', '{time}')")).collect();
    world.insert("action, table_name, record_id, \"timestamp\"", &rows.join(",")).await;
    api
}

async fn holds(api: &Api, cases: &[(Value, &str)]) {
    for (filter, keys) in cases {
        assert_eq!(api.keys(filter.clone()).await, *keys, "{filter}");
    }
}

both! {
    async fn a_start_is_included_and_an_end_is_not(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"start": "2026-03-01T09:30:00Z"}), "c d e"),
            (json!({"end": "2026-03-01T09:30:00Z"}), "a b"),
            (json!({"start": "2026-03-01T09:30:00Z", "end": "2026-03-01T09:30:00Z"}), ""),
            (json!({"start": "2026-03-01T09:30:00Z", "end": "2026-03-01T09:30:00.001Z"}), "c"),
            (json!({"start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"}), ""),
        ]).await;
    }

    async fn a_calendar_date_is_included_to_its_end(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"start": "2026-03-01"}), "b c d e"),
            (json!({"end": "2026-03-01"}), "a b c d"),
            (json!({"start": "2026-03-01", "end": "2026-03-01"}), "b c d"),
            (json!({"end": "2026-02-28"}), "a"),
            (json!({"end": "2026-02-27"}), ""),
        ]).await;
    }

    async fn unix_seconds_come_as_number_and_as_text(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"start": 1772357400}), "c d e"),
            (json!({"start": "1772357400"}), "c d e"),
            (json!({"start": 1772357401}), "d e"),
            (json!({"end": 1772357401}), "a b c"),
            (json!({"start": 0}), "a b c d e"),
            (json!({"start": -1}), "a b c d e"),
            (json!({"start": "-1"}), "a b c d e"),
        ]).await;
        let literal = "{ auditLogs(filter: {start: 1772357400}) { totalCount } }";
        assert_eq!(api.ask(literal, json!({})).await["auditLogs"]["totalCount"], 3);
    }

    async fn a_zone_moves_the_instant(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"start": "2026-03-01T10:30:00+01:00"}), "c d e"),
            (json!({"start": "2026-03-01T10:30:00.001+01:00"}), "d e"),
            (json!({"end": "2026-02-28T16:00:00-08:00"}), "a"),
        ]).await;
    }

    /// SQLite's clock has milliseconds: a bound between two of them means what it says nevertheless.
    async fn bounds_finer_than_the_clock_are_exact(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"start": "2026-03-01T09:30:00.000001Z"}), "d e"),
            (json!({"end": "2026-03-01T09:30:00.000001Z"}), "a b c"),
            (json!({"start": "2026-03-01T09:29:59.999999Z"}), "c d e"),
            (json!({"end": "2026-03-01T09:29:59.999999Z"}), "a b"),
            (json!({"end": "2026-03-01T23:59:59.999000001Z"}), "a b c d"),
        ]).await;
        if world.kind == Kind::Postgres {
            world.insert("action, table_name, record_id, \"timestamp\"",
                "('READ', 't', 'f', '2026-04-01T00:00:00.123456Z')").await;
            holds(&api, &[
                (json!({"start": "2026-04-01T00:00:00.123456Z"}), "f"),
                (json!({"start": "2026-04-01T00:00:00.123457Z"}), ""),
                (json!({"start": "2026-04-01T00:00:00.1234561Z"}), ""),
                (json!({"start": "2026-04-01", "end": "2026-04-01T00:00:00.1234569Z"}), "f"),
            ]).await;
        }
    }

    async fn the_years_from_1_to_9999_can_be_asked_for(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"start": "0001-01-01"}), "a b c d e"),
            (json!({"end": "0001-01-01"}), ""),
            (json!({"end": "9999-12-31"}), "a b c d e"),
            (json!({"end": "9999-12-31T23:59:59.9999Z"}), "a b c d e"),
            (json!({"start": "9999-12-31"}), ""),
            (json!({"start": "9999-12-31T23:59:59.9999Z"}), ""),
        ]).await;
    }
}
