//! Counts.

use serde_json::{Value, json};

use crate::support::{Api, Kind, both, by_hand};

async fn summary(api: &Api, filter: Value, fields: &str) -> Value {
    let query = format!("query($f: AuditLogFilter) {{ summary(filter: $f) {{ {fields} }} }}");
    api.ask(&query, json!({"f": filter})).await["summary"].clone()
}

fn pairs(list: &Value, name: &str) -> Vec<(Value, i64)> {
    list.as_array().unwrap().iter().map(|item| (item[name].clone(), item["count"].as_i64().unwrap())).collect()
}

/// The starts and counts of the timeline's buckets.
async fn timeline(api: &Api, filter: Value, argument: &str) -> Vec<String> {
    let fields = format!("timeline{argument} {{ start count }}");
    let list = summary(api, filter, &fields).await["timeline"].clone();
    pairs(&list, "start").into_iter().map(|(start, count)| format!("{} {count}", start.as_str().unwrap())).collect()
}

both! {
    async fn an_empty_log_counts_nothing(world: World) {
        let api = Api::start(&world).await;
        let fields = "total byTable { tableName } byUser { userId } byAction { action count } timeline { start }";
        assert_eq!(summary(&api, json!({}), fields).await, json!({
            "total": 0, "byTable": [], "byUser": [], "timeline": [],
            "byAction": [
                {"action": "CREATE", "count": 0}, {"action": "UPDATE", "count": 0},
                {"action": "DELETE", "count": 0}, {"action": "READ", "count": 0},
            ],
        }));
    }

    async fn tables_come_by_their_count_and_then_by_name(world: World) {
        let api = Api::start(&world).await;
        if world.kind == Kind::Postgres {
            // As in a database of another locale than the tests' own.
            world.sql("alter table afterimage.log alter column table_name type text collate \"und-x-icu\"").await;
        }
        let names = ["b", "B", "a_b", "ab", "é", "Z", "z", "z"];
        let rows: Vec<String> = names.iter().map(|name| format!("('READ', '{name}')")).collect();
        world.insert("action, table_name", &rows.join(",")).await;
        let list = summary(&api, json!({}), "total byTable { tableName count }").await;
        // By the bytes, whatever the database's collation is: the same on every server.
        let expected = [("z", 2), ("B", 1), ("Z", 1), ("a_b", 1), ("ab", 1), ("b", 1), ("é", 1)];
        assert_eq!(pairs(&list["byTable"], "tableName"), expected.map(|(name, count)| (json!(name), count)));
        assert_eq!(list["total"], 8);
        let list = summary(&api, json!({}), "byTable(first: 2) { tableName count }").await;
        assert_eq!(pairs(&list["byTable"], "tableName"), [(json!("z"), 2), (json!("B"), 1)]);
        let list = summary(&api, json!({"tableName": ["a_b", "b"]}), "total byTable(first: null) { tableName count }").await;
        assert_eq!(pairs(&list["byTable"], "tableName"), [(json!("a_b"), 1), (json!("b"), 1)]);
        assert_eq!(list["total"], 2);
    }

    /// The name is the latest one of the whole log, also where the filter leaves that entry out.
    async fn users_have_their_latest_name_and_one_of_them_may_be_nobody(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([
            by_hand("a", json!({"userId": "1", "username": "ann"})),
            by_hand("b", json!({"userId": "2", "username": "bob"})),
            by_hand("c", json!({"userId": "1", "username": "Ann Smith"})),
            by_hand("d", json!({"userId": "1"})),
            by_hand("e", json!({"userId": "3"})),
        ])).await;
        world.insert("action, table_name, username", "('READ', 't', 'someone'), ('READ', 't', null)").await;
        let fields = "byUser { userId username count }";
        assert_eq!(summary(&api, json!({}), fields).await["byUser"], json!([
            {"userId": "1", "username": "Ann Smith", "count": 3},
            {"userId": null, "username": null, "count": 2},
            {"userId": "2", "username": "bob", "count": 1},
            {"userId": "3", "username": null, "count": 1},
        ]));
        assert_eq!(summary(&api, json!({"recordId": ["a", "e"]}), fields).await["byUser"], json!([
            {"userId": "1", "username": "Ann Smith", "count": 1},
            {"userId": "3", "username": null, "count": 1},
        ]));
        let nobody = json!({"or": [{"hasUser": false, "username": ["someone"]}, {"recordId": ["a"]}]});
        let list = summary(&api, nobody, fields).await["byUser"].clone();
        assert_eq!(pairs(&list, "userId"), [(json!("1"), 1), (json!(null), 1)]);
        let list = summary(&api, json!({}), "byUser(first: 1) { userId count }").await;
        assert_eq!(pairs(&list["byUser"], "userId"), [(json!("1"), 3)]);
    }

    async fn all_four_actions_are_counted(world: World) {
        let api = Api::start(&world).await;
        world.insert("action, table_name", "('READ', 't'), ('DELETE', 't'), ('DELETE', 'u')").await;
        let counts = async |filter| pairs(&summary(&api, filter, "byAction { action count }").await["byAction"], "action");
        let named = |counts: [i64; 4]| ["CREATE", "UPDATE", "DELETE", "READ"].map(|name| json!(name)).into_iter().zip(counts).collect::<Vec<_>>();
        assert_eq!(counts(json!({})).await, named([0, 0, 2, 1]));
        assert_eq!(counts(json!({"tableName": "u"})).await, named([0, 0, 1, 0]));
    }

    async fn the_timeline_has_its_buckets_in_utc(world: World) {
        let api = Api::start(&world).await;
        // 1 March 2026 is a Sunday, 1 January 2026 a Thursday, 4 January a Sunday.
        let times = [
            "2025-12-28T23:59:59.999Z", "2025-12-29T00:00:00.000Z", "2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z",
            "2026-01-04T12:00:00.000Z", "2026-01-05T00:00:00.000Z", "2026-02-28T23:00:00.000Z", "2026-03-01T09:30:00.000Z",
            "2026-03-01T09:59:59.999Z", "2026-03-01T10:00:00.000Z", "2026-03-02T00:00:00.000Z",
        ];
        let rows: Vec<String> = times.iter().map(|time| format!("('READ', 't', '{time}')")).collect();
        world.insert("action, table_name, \"timestamp\"", &rows.join(",")).await;
        world.insert("action, table_name, \"timestamp\"", "('READ', 'u', '2026-03-01T09:30:00.000Z')").await;
        let of = async |argument: &str| timeline(&api, json!({"tableName": "t"}), argument).await;
        assert_eq!(of("(bucket: MONTH)").await, [
            "2025-12-01T00:00:00.000000Z 3", "2026-01-01T00:00:00.000000Z 3", "2026-02-01T00:00:00.000000Z 1",
            "2026-03-01T00:00:00.000000Z 4",
        ]);
        assert_eq!(of("(bucket: WEEK)").await, [
            "2025-12-22T00:00:00.000000Z 1", "2025-12-29T00:00:00.000000Z 4", "2026-01-05T00:00:00.000000Z 1",
            "2026-02-23T00:00:00.000000Z 4", "2026-03-02T00:00:00.000000Z 1",
        ]);
        let days = [
            "2025-12-28T00:00:00.000000Z 1", "2025-12-29T00:00:00.000000Z 1", "2025-12-31T00:00:00.000000Z 1",
            "2026-01-01T00:00:00.000000Z 1", "2026-01-04T00:00:00.000000Z 1", "2026-01-05T00:00:00.000000Z 1",
            "2026-02-28T00:00:00.000000Z 1", "2026-03-01T00:00:00.000000Z 3", "2026-03-02T00:00:00.000000Z 1",
        ];
        assert_eq!(of("(bucket: DAY)").await, days);
        assert_eq!(of("").await, days);
        let hours = of("(bucket: HOUR)").await;
        assert_eq!(hours.len(), 10);
        assert_eq!(hours[7..9], ["2026-03-01T09:00:00.000000Z 2", "2026-03-01T10:00:00.000000Z 1"]);
        let filter = json!({"start": "2026-03-01", "end": "2026-03-01"});
        assert_eq!(timeline(&api, filter, "(bucket: HOUR)").await, ["2026-03-01T09:00:00.000000Z 3", "2026-03-01T10:00:00.000000Z 1"]);
        assert_eq!(timeline(&api, json!({"userId": ["9"]}), "").await, [""; 0]);
    }

    /// Of a filter that no counter answers, the log is read once for all that is asked.
    async fn what_is_counted_together_is_what_is_counted_by_itself(world: World) {
        let api = Api::start(&world).await;
        let rows: Vec<String> = (0..60).map(|i| {
            let user = if i % 7 == 0 { "null".to_owned() } else { format!("'{}'", i % 3) };
            let action = ["READ", "UPDATE", "DELETE"][i % 3];
            format!("('{action}', 't{}', {user}, '10.0.0.{}', '2026-03-{:02}T{:02}:30:00Z')", i % 4, i % 2, 1 + i % 20, i % 24)
        }).collect();
        world.insert("action, table_name, user_id, ip_address, \"timestamp\"", &rows.join(",")).await;
        let fields = [
            "total", "byTable { tableName count }", "byTable(first: 2) { tableName count }", "byUser { userId count }",
            "byUser(first: 1) { userId count }", "byAction { action count }", "timeline { start count }",
            "timeline(bucket: HOUR) { start count }", "timeline(bucket: WEEK) { start count }",
            "timeline(bucket: MONTH) { start count }",
        ];
        let fields: Vec<String> = fields.iter().enumerate().map(|(i, field)| format!("f{i}: {field}")).collect();
        for filter in [
            json!({"ipAddress": "10.0.0.1"}),
            json!({"ipAddress": "10.0.0.9"}),
            json!({"userId": ["1", "2"], "tableName": ["t1", "t2"]}),
            json!({"hasUser": false, "action": "READ"}),
        ] {
            let together = summary(&api, filter.clone(), &fields.join(" ")).await;
            for (i, field) in fields.iter().enumerate() {
                let alone = summary(&api, filter.clone(), field).await;
                assert_eq!(together[format!("f{i}")], alone[format!("f{i}")], "{field} of {filter}");
                let two = summary(&api, filter.clone(), &format!("all: total {field}")).await;
                assert_eq!(two[format!("f{i}")], alone[format!("f{i}")], "{field} of {filter}, and the total");
                assert_eq!(two["all"], together["f0"], "{filter}");
            }
        }
    }

    async fn how_many_are_listed_lies_between_1_and_1000(world: World) {
        let api = Api::start(&world).await;
        for field in ["byTable", "byUser"] {
            for first in [0, -1, 1_001, 100_000] {
                let query = format!("{{ summary {{ {field}(first: {first}) {{ count }} }} }}");
                assert_eq!(api.refusal(&query, json!({})).await.0, "BAD_USER_INPUT", "{query}");
            }
            for first in [1, 1_000] {
                api.ask(&format!("{{ summary {{ {field}(first: {first}) {{ count }} }} }}"), json!({})).await;
            }
        }
        let (code, _) = api.refusal("{ summary { timeline(bucket: YEAR) { count } } }", json!({})).await;
        assert_eq!(code, "BAD_USER_INPUT");
    }
}
