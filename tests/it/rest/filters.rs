//! The parameters that say which entries, alone, together, and on every list; and the counts.

use serde_json::{Value, json};

use super::get;
use crate::support::{Api, World, both};

/// Entries about two tables, of two users and all actions, around the first three days of March 2026.
async fn march(world: &World) -> Api {
    let api = Api::start(world).await;
    let rows = "
        ('CREATE', 't', 'a', '1', 'ann', '2026-03-01T00:00:00.000Z'), ('UPDATE', 't', 'b', '1', 'ann', '2026-03-01T23:59:59.999Z'),
        ('DELETE', 't', 'c', '2', null,  '2026-03-02T00:00:00.000Z'), ('READ',   'u', 'd', '2', null,  '2026-03-02T12:00:00.000Z'),
        ('DELETE', 'u', 'e', null, null, '2026-03-02T23:59:59.999Z'), ('CREATE', 'u', 'f', '1', 'Ann', '2026-03-03T00:00:00.000Z')";
    world.insert("action, table_name, record_id, user_id, username, \"timestamp\"", rows).await;
    api
}

/// What each query lets through, of everything.
const QUERIES: [(&str, &str); 26] = [
    ("", "f e d c b a"),
    ("start=1772409600", "f e d c"),
    ("start=1772409601", "f e d"),
    ("start=0", "f e d c b a"),
    ("start=-62135596800", "f e d c b a"),
    ("start=253402300799", ""),
    // The second itself is left out.
    ("end=1772409600", "b a"),
    ("end=1772409601", "c b a"),
    ("end=-1", ""),
    ("start=1772409600&end=1772496000", "e d c"),
    ("start=1772496000&end=1772409600", ""),
    ("startDate=2026-03-02", "f e d c"),
    // A day is included to its end.
    ("endDate=2026-03-01", "b a"),
    ("endDate=2026-03-02", "e d c b a"),
    ("startDate=2026-03-02&endDate=2026-03-02", "e d c"),
    ("startDate=2026-03-01&start=1772409600&endDate=2026-03-03&end=1772496000", "e d c"),
    ("user=1", "f b a"),
    ("user=9", ""),
    ("user=", ""),
    ("table=u", "f e d"),
    ("table=T", ""),
    ("action=INSERT", "f a"),
    ("action=create", "f a"),
    ("action=dElEtE", "e c"),
    ("user=2&table=u&action=read", "d"),
    ("table=u&user=1&startDate=2026-03-03&action=CREATE", "f"),
];

both! {
    async fn each_parameter_alone_and_with_others(world: World) {
        let api = march(&world).await;
        let only = |keys: &str, among: &str| {
            keys.split(' ').filter(|key| among.split(' ').any(|other| other == *key)).collect::<Vec<_>>().join(" ")
        };
        for (query, keys) in QUERIES {
            assert_eq!(get(&api, &format!("?{query}")).await.keys(), keys, "{query}");
            // The other lists are the same list with one condition more.
            for (path, among) in [("/user/1", "f b a"), ("/action/delete", "e c"), ("/trash", "e c"), ("/u/e", "e"), ("/object/t/c", "c")] {
                assert_eq!(get(&api, &format!("{path}?{query}")).await.keys(), only(keys, among), "{path}?{query}");
            }
            let counted = get(&api, &format!("/summary?{query}")).await.good();
            assert_eq!(counted["total"], keys.split_whitespace().count(), "{query}");
        }
    }

    async fn a_value_that_is_none_is_refused_on_every_path(world: World) {
        let api = Api::start(&world).await;
        for (query, part) in [
            ("start=2026-03-01", "`start` is \"2026-03-01\"; it is a whole number"), ("start=1e9", "`start`"),
            ("start=253402300800", "to 253402300799"), ("end=-62135596801", "from -62135596800"), ("end=now", "`end`"),
            ("startDate=2026-02-30", "`startDate` is \"2026-02-30\"; write a calendar date such as 2026-03-01"),
            ("startDate=1772357400", "`startDate`"), ("startDate=2026-3-001", "`startDate`"), ("endDate=%202026-3-1", "`endDate`"),
            ("endDate=0000-01-01", "`endDate`"), ("endDate=2026-03-01T00:00:00Z", "`endDate`"), ("endDate=", "`endDate`"),
            ("action=", "INSERT, CREATE, UPDATE, DELETE or READ"), ("action=undo", "\"undo\" is no action"),
            ("user=%00", "NUL"), ("table=a%00", "NUL"), ("user=1&user=2", "\"user\" stands in the query twice"),
        ] {
            for path in ["", "/user/1", "/action/READ", "/trash", "/summary", "/t/1"] {
                let detail = get(&api, &format!("{path}?{query}")).await.problem(400, "BAD_USER_INPUT");
                assert!(detail.contains(part), "{query}: {detail}");
            }
        }
        let long = "x".repeat(4_097);
        assert!(get(&api, &format!("?user={long}")).await.problem(400, "BAD_USER_INPUT").contains("4096"));
        assert_eq!(get(&api, &format!("?user={}", &long[1..])).await.keys(), "");
    }

    async fn the_counts_are_by_table_user_and_action(world: World) {
        let api = march(&world).await;
        assert_eq!(get(&api, "/summary").await.good(), json!({
            "total": 6,
            "byTable": [{"tableName": "t", "count": 3}, {"tableName": "u", "count": 3}],
            "byUser": [{"userId": "1", "username": "Ann", "count": 3}, {"userId": "2", "username": null, "count": 2},
                {"userId": null, "username": null, "count": 1}],
            "byAction": [{"action": "CREATE", "count": 2}, {"action": "UPDATE", "count": 1}, {"action": "DELETE", "count": 2},
                {"action": "READ", "count": 1}],
        }));
        let none = get(&api, "/summary?user=nobody").await.good();
        assert_eq!((&none["total"], &none["byTable"], &none["byUser"]), (&json!(0), &json!([]), &json!([])));
        assert_eq!(none["byAction"].as_array().map(Vec::len), Some(4));
    }

    /// Whether a deletion is the last change is judged over the whole log, whatever the filter lets through.
    async fn the_trash_holds_what_is_gone_and_not_what_came_back(world: World) {
        let api = march(&world).await;
        world.insert("action, table_name, record_id, \"timestamp\"", "('CREATE', 't', 'c', '2026-03-09T00:00:00.000Z')").await;
        assert_eq!(get(&api, "/trash").await.keys(), "e");
        assert_eq!(get(&api, "/trash?endDate=2026-03-08").await.keys(), "e");
        assert_eq!(get(&api, "/trash?table=t").await.keys(), "");
        assert_ne!(get(&api, "/trash").await.good()[0]["id"], Value::Null);
    }
}
