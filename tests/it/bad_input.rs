//! What bad input gets: an error with its code, a sentence that names what was wrong, and nothing changed.

mod faults;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Api, World, both, by_hand};

const LOGS: &str = "query($f: AuditLogFilter, $first: Int, $last: Int, $after: String, $before: String, $offset: Int) { \
     auditLogs(filter: $f, first: $first, last: $last, after: $after, before: $before, offset: $offset) { nodes { id } } }";
const CREATE: &str = "mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }";
const UNDO: &str = "mutation($id: ID!) { undo(id: $id) { auditLog { id } } }";
const TRACK: &str = "mutation($t: String!) { trackTable(input: {tableName: $t}) { trackedTable { tableName } } }";

/// What an administrator asks, and the code and a part of the sentence that they get.
type Case = (&'static str, Value, &'static str, &'static str);

async fn refused(api: &Api, cases: impl IntoIterator<Item = Case>) {
    for (query, variables, code, part) in cases {
        let answer = api.answer_as(&[afterimage::auth::Role::Admin], query, variables.clone()).await;
        let error = &answer["errors"][0];
        let message = error["message"].as_str().unwrap_or_else(|| panic!("{query} {variables}: {answer}"));
        assert_eq!(error["extensions"]["code"], code, "{query} {variables}: {message}");
        assert!(message.contains(part), "{message} should speak of {part}");
    }
}

/// All that the log and the tables hold.
async fn everything(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for table in [world.log(), "machines", "programs"] {
        all.push(format!("{:?}", world.rows(&format!("select * from {table} order by id")).await));
    }
    all
}

both! {
    async fn values_that_are_none_are_bad_user_input(world: World) {
        let api = Api::with_worlds(&world).await;
        let before = everything(&world).await;
        let bad = "BAD_USER_INPUT";
        refused(&api, [
            (LOGS, json!({"f": {"action": ["INSERT"]}}), bad, "INSERT"),
            (LOGS, json!({"f": {"action": "create"}}), bad, "create"),
            (LOGS, json!({"f": {"source": ["SQL"]}}), bad, "SQL"),
            ("{ auditLogs(filter: {action: [INSERT]}) { nodes { id } } }", json!({}), bad, "INSERT"),
            (CREATE, json!({"i": by_hand("x", json!({"action": "INSERT"}))}), bad, "INSERT"),
            (LOGS, json!({"f": {"start": "2026-02-30"}}), bad, "2026-02-30"),
            (LOGS, json!({"f": {"start": "yesterday"}}), bad, "yesterday"),
            (LOGS, json!({"f": {"end": ""}}), bad, "instant"),
            (LOGS, json!({"f": {"end": 1.5}}), bad, "whole number"),
            (LOGS, json!({"f": {"end": 99_999_999_999_999_i64}}), bad, "years"),
            (LOGS, json!({"f": {"end": true}}), bad, "Instant"),
            ("{ auditLogs(filter: {start: \"2026-13-01\"}) { nodes { id } } }", json!({}), bad, "2026-13-01"),
            (LOGS, json!({"f": {"ipAddress": "10.0.0.256"}}), bad, "10.0.0.256"),
            (LOGS, json!({"f": {"ipAddress": "10.0.0.0/33"}}), bad, "10.0.0.0/33"),
            (LOGS, json!({"f": {"ipAddress": ""}}), bad, "ipAddress"),
            (LOGS, json!({"f": {"hasUser": "yes"}}), bad, "Boolean"),
            (LOGS, json!({"f": {"userId": [1.5]}}), bad, "ID"),
            (LOGS, json!({"f": {"tableName": [7]}}), bad, "String"),
            (LOGS, json!({"f": {"or": [null]}}), bad, ""),
            (LOGS, json!({"f": {"tabelName": ["t"]}}), bad, "tabelName"),
            (LOGS, json!({"f": {"or": [{"not": {"tabelName": ["t"]}}]}}), bad, "tabelName"),
            (LOGS, json!({"f": []}), bad, ""),
        ]).await;
        for name in ["userId", "username", "tableName", "recordId", "correlationId", "transactionId", "changedField"] {
            let (code, _) = api.refusal(LOGS, json!({"f": {name: ["a\0"]}})).await;
            assert_eq!(code, "BAD_USER_INPUT", "{name}");
        }
        refused(&api, [
            (LOGS, json!({"f": {"search": "\0"}}), bad, "U+0000"),
            ("{ auditLogs(filter: {search: \"\\u0000\"}) { nodes { id } } }", json!({}), bad, "U+0000"),
            ("{ objectHistory(tableName: \"\\u0000\", recordId: 1) { nodes { id } } }", json!({}), bad, "U+0000"),
            (CREATE, json!({"i": by_hand("x", json!({"action": "CREATE", "oldValues": {}}))}), bad, "oldValues"),
            (CREATE, json!({"i": by_hand("x", json!({"action": "DELETE", "oldValues": [1]}))}), bad, "oldValues"),
            (CREATE, json!({"i": by_hand("x", json!({"ipAddress": "nowhere"}))}), bad, "nowhere"),
        ]).await;
        assert_eq!(everything(&world).await, before);
    }

    async fn pages_that_cannot_be_are_bad_user_input(world: World) {
        let api = Api::with_worlds(&world).await;
        api.record(json!([by_hand("x", json!({}))])).await;
        let data = api.ask("{ auditLogs(first: 1) { pageInfo { endCursor } } }", json!({})).await;
        let cursor = data["auditLogs"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        let bad = "BAD_USER_INPUT";
        refused(&api, [
            (LOGS, json!({"first": 0}), bad, "between 1 and 1000"),
            (LOGS, json!({"first": -1}), bad, "-1"),
            (LOGS, json!({"first": 1_001}), bad, "1001"),
            (LOGS, json!({"first": 100_000}), bad, "100000"),
            (LOGS, json!({"first": 4_294_967_297_i64}), bad, "Int"),
            (LOGS, json!({"first": 1.5}), bad, "Int"),
            (LOGS, json!({"first": "1"}), bad, "Int"),
            (LOGS, json!({"last": 0}), bad, "last"),
            (LOGS, json!({"last": 100_000}), bad, "last"),
            (LOGS, json!({"first": 1, "last": 1}), bad, "exclude"),
            (LOGS, json!({"offset": -1}), bad, "negative"),
            (LOGS, json!({"offset": 0, "after": cursor}), bad, "exclude"),
            (LOGS, json!({"offset": 1, "before": cursor}), bad, "exclude"),
            (LOGS, json!({"offset": 1, "last": 1}), bad, "exclude"),
            (LOGS, json!({"after": ""}), bad, "cursor"),
            (LOGS, json!({"after": "1"}), bad, "cursor"),
            (LOGS, json!({"after": "Y3Vyc29yOjE="}), bad, "cursor"),
            (LOGS, json!({"before": cursor[1..]}), bad, "cursor"),
            (LOGS, json!({"before": cursor.to_lowercase()}), bad, "cursor"),
            (LOGS, json!({"before": format!("{cursor}A")}), bad, "cursor"),
            (LOGS, json!({"after": "' or 1=1 --"}), bad, "cursor"),
        ]).await;
        for (field, arguments) in [("trash", ""), ("objectHistory", "tableName: \"t\", recordId: 1, ")] {
            for page in ["first: 0", "last: 100000", "offset: -1", "after: \"x\"", "first: 1, last: 1"] {
                let query = format!("{{ {field}({arguments}{page}) {{ nodes {{ id }} }} }}");
                assert_eq!(api.refusal(&query, json!({})).await.0, bad, "{query}");
            }
        }
    }

    async fn nesting_a_filter_a_thousand_deep_is_bad_user_input(world: World) {
        let api = Api::start(&world).await;
        let literal = format!("{{ auditLogs(filter: {}{{}}{}) {{ nodes {{ id }} }} }}", "{not: ".repeat(1_000), "}".repeat(1_000));
        assert_eq!(api.refusal(&literal, json!({})).await.0, "BAD_USER_INPUT");
        let shorter = format!("{{ auditLogs(filter: {}{{}}{}) {{ nodes {{ id }} }} }}", "{not: ".repeat(60), "}".repeat(60));
        assert_eq!(api.refusal(&shorter, json!({})).await.0, "BAD_USER_INPUT");
        for (open, close, depth) in [(r#"{"not":"#, "}", 1_000), (r#"{"or":["#, "]}", 1_000), (r#"{"not":"#, "}", 50), (r#"{"and":["#, "]}", 30)] {
            let filter = open.repeat(depth) + "{}" + &close.repeat(depth);
            let body = format!(r#"{{"query":{},"variables":{{"f":{filter}}}}}"#, json!(LOGS));
            let (_, text) = api.post(&api.token(&[afterimage::auth::Role::Admin]), &body).await;
            assert!(text.contains("BAD_USER_INPUT"), "{text}");
        }
    }

    async fn an_id_must_be_the_number_of_an_entry(world: World) {
        let api = Api::start(&world).await;
        for id in ["x", "", "-1", "0", "+1", "1.0", " 1", "1 ", "1e3", "٣", "99999999999999999999", "1;", "0x1"] {
            for query in ["query($id: ID!) { auditLog(id: $id) { id } }", UNDO] {
                assert_eq!(api.refusal(query, json!({"id": id})).await.0, "BAD_USER_INPUT", "{id:?} {query}");
            }
        }
        let none = api.ask("{ auditLog(id: 9223372036854775807) { id } }", json!({})).await;
        assert_eq!(none, json!({"auditLog": null}));
        assert_eq!(api.refusal(UNDO, json!({"id": "9223372036854775807"})).await.0, "NOT_FOUND");
    }

    async fn a_table_that_cannot_be_tracked_is_refused(world: World) {
        let api = Api::with_tables(&world).await;
        world.sql("create table keyless (n integer)").await;
        refused(&api, [
            (TRACK, json!({"t": "nowhere"}), "NOT_FOUND", "nowhere"),
            (TRACK, json!({"t": "machines; drop table machines"}), "NOT_FOUND", ""),
            (TRACK, json!({"t": "keyless"}), "BAD_USER_INPUT", "key"),
            (TRACK, json!({"t": "a\0"}), "BAD_USER_INPUT", "U+0000"),
            ("mutation($t: String!) { untrackTable(tableName: $t) { tableName } }", json!({"t": "machines"}), "NOT_FOUND", "machines"),
        ]).await;
        for columns in ["redactedColumns: [\"nothing\"]", "ignoredColumns: [\"id\"]", "redactedColumns: [\"id\"]",
            "redactedColumns: [\"kind\"], ignoredColumns: [\"kind\"]"] {
            let query = format!("mutation {{ trackTable(input: {{tableName: \"machines\", {columns}}}) {{ trackedTable {{ tableName }} }} }}");
            assert_eq!(api.refusal(&query, json!({})).await.0, "BAD_USER_INPUT", "{columns}");
        }
        assert_eq!(api.ask("{ trackedTables { tableName } }", json!({})).await["trackedTables"], json!([]));
        assert_eq!(api.entries().await, 0);
    }

    async fn what_cannot_be_undone_is_not(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql("create table untracked (id integer primary key)").await;
        let ids = api.record(json!([
            by_hand("1", json!({"tableName": "machines"})),
            by_hand("1", json!({"tableName": "untracked", "action": "DELETE", "oldValues": {"id": 1}})),
            by_hand("1", json!({"tableName": "nowhere", "action": "DELETE", "oldValues": {"id": 1}})),
        ])).await;
        for (id, part) in ids.iter().zip(["READ", "untracked", "nowhere"]) {
            let (code, message) = api.refusal(UNDO, json!({"id": id})).await;
            assert_eq!((code.as_str(), message.contains(part)), ("NOT_UNDOABLE", true), "{message}");
        }
        assert_eq!(api.refusal(UNDO, json!({"id": "123456789"})).await.0, "NOT_FOUND");
        world.sql("insert into machines (id, name, kind, status) values (1, 'one', 'lathe', 'idle')").await;
        world.sql("delete from machines").await;
        world.sql("insert into machines (id, name, kind, status) values (1, 'other', 'mill', 'idle')").await;
        let data = api.ask("{ auditLogs(filter: {tableName: \"machines\", source: TRIGGER}) { nodes { id } } }", json!({})).await;
        let entry = |place: usize| data["auditLogs"]["nodes"][place]["id"].clone();
        // The key is taken again; and what was created is gone, but for what came in its place.
        assert_eq!(api.refusal(UNDO, json!({"id": entry(1)})).await.0, "CONFLICT");
        world.sql("delete from machines").await;
        assert_eq!(api.refusal(UNDO, json!({"id": entry(0)})).await.0, "CONFLICT");
        assert_eq!(world.scalar("select count(*) from machines").await, "0");
    }

    async fn a_body_of_50_megabytes_is_refused_unread(world: World) {
        let api = Api::start(&world).await;
        let padding = "x".repeat(50 * 1024 * 1024);
        let body = format!(r#"{{"query":"{{ viewer {{ userId }} }}","variables":{{"x":"{padding}"}}}}"#);
        let (status, text) = api.post(&api.token(&[afterimage::auth::Role::Admin]), &body).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(text.contains("BAD_USER_INPUT"), "{text}");
        assert_eq!(api.entries().await, 0);
    }

    async fn what_is_no_graphql_has_codes_of_its_own(world: World) {
        let api = Api::start(&world).await;
        refused(&api, [
            ("{", json!({}), "GRAPHQL_PARSE_FAILED", ""),
            ("{ nothing }", json!({}), "GRAPHQL_VALIDATION_FAILED", "nothing"),
            ("{ auditLogs { nodes } }", json!({}), "GRAPHQL_VALIDATION_FAILED", ""),
            ("{ auditLogs(frist: 1) { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED", "frist"),
            ("query($id: ID!) { auditLog(id: $id) { id } }", json!({}), "BAD_USER_INPUT", "$id"),
        ]).await;
        let send = async |body: &str| {
            let request = Request::post("http://localhost/graphql").header("host", "localhost")
                .header("authorization", format!("Bearer {}", api.token(&[afterimage::auth::Role::Admin])))
                .header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap();
            api.send(request).await
        };
        for body in ["", "{", "[]", "7", "{\"query\": 7}", "{\"query\": \"{ viewer { userId } }\", \"variables\": []}", "\"\u{0}\""] {
            let (status, text) = send(body).await;
            assert_eq!((status, text.contains("BAD_USER_INPUT")), (StatusCode::BAD_REQUEST, true), "{body}: {text}");
        }
    }
}
