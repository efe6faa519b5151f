//! Entries made by hand: what `createAuditLog` and `createAuditLogs` take, keep and refuse.

mod idempotency;
mod values;

use afterimage::auth::Role;
use serde_json::{Value, json};

use crate::support::{Api, Kind, World, both, by_hand};

const CREATE: &str = "mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { \
     id action tableName recordId previousRecordId userId username oldValues newValues description ipAddress \
     correlationId transactionId metadata source databaseRole recordedBy undoOf { id } undoneBy { id } \
     changes { field old new oldText newText redacted } } } }";
const CREATE_MANY: &str =
    "mutation($i: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $i) { auditLogs { recordId } } }";

/// Records an entry as an administrator; the entry.
async fn create(api: &Api, input: Value) -> Value {
    api.ask(CREATE, json!({"i": input})).await["createAuditLog"]["auditLog"].clone()
}

async fn refused(api: &Api, input: Value, part: &str) {
    let (code, message) = api.refusal(CREATE, json!({"i": input})).await;
    assert_eq!(code, "BAD_USER_INPUT", "{message}");
    assert!(message.contains(part), "{message} should speak of {part}");
}

both! {
    async fn an_entry_holds_what_was_written_and_nothing_else(world: World) {
        let api = Api::start(&world).await;
        let entry = create(&api, json!({"userId": "7", "action": "READ", "tableName": "reports"})).await;
        assert!(entry["transactionId"].is_string());
        for name in ["recordId", "previousRecordId", "username", "oldValues", "newValues", "description", "ipAddress",
            "correlationId", "metadata", "databaseRole", "undoOf", "undoneBy"] {
            assert_eq!(entry[name], Value::Null, "{name}");
        }
        assert_eq!((&entry["userId"], &entry["action"], &entry["tableName"]), (&json!("7"), &json!("READ"), &json!("reports")));
        assert_eq!((&entry["source"], &entry["recordedBy"], &entry["changes"]), (&json!("API"), &json!("42"), &json!([])));
        let full = json!({"userId": 7, "username": "ann", "action": "DELETE", "tableName": "a.b", "recordId": 12,
            "oldValues": {"n": 1}, "description": "why\n", "ipAddress": "10.0.0.7", "correlationId": "c",
            "metadata": [1, {"a": null}]});
        let entry = create(&api, full.clone()).await;
        for (name, value) in full.as_object().unwrap() {
            let value = if value.is_number() { json!(value.to_string()) } else { value.clone() };
            assert_eq!(entry[name], value, "{name}");
        }
        let read = api.ask("query($id: ID!) { auditLog(id: $id) { ipAddress metadata timestamp } }", json!({"id": entry["id"]})).await;
        assert_eq!(read["auditLog"]["ipAddress"], "10.0.0.7");
        let timestamp = read["auditLog"]["timestamp"].as_str().unwrap();
        assert_eq!((timestamp.len(), &timestamp[26..]), (27, "Z"), "{timestamp}");
    }

    async fn each_action_takes_the_values_that_go_with_it(world: World) {
        let api = Api::start(&world).await;
        let (old, new) = (json!({"n": 1}), json!({"n": 2}));
        for (action, takes_old, takes_new) in
            [("CREATE", false, true), ("UPDATE", true, true), ("DELETE", true, false), ("READ", false, false)] {
            let entry = create(&api, by_hand("x", json!({"action": action}))).await;
            assert_eq!((&entry["oldValues"], &entry["newValues"]), (&Value::Null, &Value::Null), "{action}");
            for (name, value, takes) in [("oldValues", &old, takes_old), ("newValues", &new, takes_new)] {
                let input = by_hand("x", json!({"action": action, name: value}));
                if takes {
                    assert_eq!(create(&api, input).await[name], *value, "{action} {name}");
                } else {
                    refused(&api, input, name).await;
                    // Null is as good as absent.
                    create(&api, by_hand("x", json!({"action": action, name: null}))).await;
                }
            }
        }
    }

    async fn what_does_not_fit_is_refused_and_nothing_recorded(world: World) {
        let api = Api::start(&world).await;
        for (more, part) in [
            (json!({"action": "DELETE", "oldValues": [1]}), "oldValues"),
            (json!({"action": "DELETE", "oldValues": "{}"}), "oldValues"),
            (json!({"action": "CREATE", "newValues": 7}), "newValues"),
            (json!({"action": "CREATE", "newValues": false}), "newValues"),
            (json!({"tableName": ""}), "tableName"),
            (json!({"tableName": "afterimage.tracked_table"}), "afterimage."),
            (json!({"tableName": "afterimage."}), "afterimage."),
            (json!({"tableName": "x".repeat(1_001)}), "tableName"),
            (json!({"userId": "x".repeat(1_001)}), "userId"),
            (json!({"description": "x".repeat(16_385)}), "description"),
            (json!({"ipAddress": "10.0.0.256"}), "10.0.0.256"),
            (json!({"ipAddress": "10.0.0.0/8"}), "ipAddress"),
            (json!({"ipAddress": "localhost"}), "ipAddress"),
            (json!({"ipAddress": ""}), "ipAddress"),
            (json!({"userId": null}), "userId"),
            (json!({"tableName": null}), "tableName"),
            (json!({"action": "INSERT"}), "INSERT"),
            (json!({"tabelName": "t"}), "tabelName"),
        ] {
            refused(&api, by_hand("x", more), part).await;
        }
        assert_eq!(api.entries().await, 0);
    }

    async fn names_that_only_look_like_the_servers_own_are_taken(world: World) {
        let api = Api::start(&world).await;
        for name in ["afterimage", "afterimage_log", "Afterimage.x", "x.afterimage.y", "\"afterimage\".x"] {
            assert_eq!(create(&api, by_hand("x", json!({"tableName": name}))).await["tableName"], name);
        }
    }

    async fn a_batch_is_recorded_in_its_order_and_as_a_whole(world: World) {
        let api = Api::start(&world).await;
        let keys: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
        let inputs: Vec<Value> = keys.iter().map(|key| by_hand(key, json!({}))).collect();
        let data = api.ask(CREATE_MANY, json!({"i": inputs})).await;
        let recorded: Vec<&str> = data["createAuditLogs"]["auditLogs"].as_array().unwrap().iter()
            .map(|entry| entry["recordId"].as_str().unwrap()).collect();
        assert_eq!(recorded, keys);
        let ids = api.keys(json!({})).await;
        assert_eq!(ids, keys.join(" "));
    }

    async fn a_batch_with_one_bad_entry_records_none(world: World) {
        let api = Api::start(&world).await;
        let mut inputs: Vec<Value> = (0..10).map(|n| by_hand(&n.to_string(), json!({}))).collect();
        inputs.push(by_hand("bad", json!({"oldValues": {}})));
        assert_eq!(api.refusal(CREATE_MANY, json!({"i": inputs})).await.0, "BAD_USER_INPUT");
        inputs = (0..1_001).map(|n| by_hand(&n.to_string(), json!({}))).collect();
        let (code, message) = api.refusal(CREATE_MANY, json!({"i": inputs})).await;
        assert_eq!((code.as_str(), message.contains("1000")), ("BAD_USER_INPUT", true), "{message}");
        assert_eq!(api.entries().await, 0);
        assert_eq!(api.ask(CREATE_MANY, json!({"i": []})).await["createAuditLogs"]["auditLogs"], json!([]));
    }

    async fn a_writer_may_and_an_auditor_may_not(world: World) {
        let api = Api::start(&world).await;
        let input = json!({"i": by_hand("x", json!({}))});
        let answer = api.answer_as(&[Role::Writer], CREATE, input.clone()).await;
        assert_eq!(answer["data"]["createAuditLog"]["auditLog"]["recordedBy"], "42", "{answer}");
        assert_eq!(api.refusal_as(&[Role::Auditor], CREATE, input.clone()).await.0, "FORBIDDEN");
        assert_eq!(api.refusal_as(&[], CREATE, input.clone()).await.0, "FORBIDDEN");
        assert_eq!(api.refusal_as(&[Role::Auditor], CREATE_MANY, json!({"i": []})).await.0, "FORBIDDEN");
        let body = json!({"query": CREATE, "variables": input}).to_string();
        assert_eq!(api.post(&api.token(&[Role::Auditor]), &body).await.0, 200);
        assert_eq!(api.entries().await, 1);
    }
}

/// The feed relies on it: an id that is drawn before its transaction has a number may be passed before it is committed.
#[tokio::test]
async fn ids_are_drawn_once_the_transaction_has_its_number() {
    let world = World::new(Kind::Postgres).await;
    let api = Api::start(&world).await;
    let dialect = api.server.services.database.dialect;
    let one = dialect.insert_entry().expect("PostgreSQL has one");
    let one = (1..=13).rev().fold(one.to_owned(), |sql, place| sql.replace(&format!("${place}"), "null"));
    let several = |insert: &str| insert.replace("$1", "'[{\"trusted\":true}]'");
    let by_table = ["CTE number", "pg_current_xact_id()", "nextval(", "CTE Scan on number"];
    // What draws the ids stands above what numbers the transaction, and takes the number from it.
    for (insert, order) in [
        (one, &["Subquery Scan on number", "nextval(", "pg_current_xact_id()"][..]),
        (several(dialect.insert_entries()), &by_table),
        (several(dialect.insert_keyed_entries()), &by_table),
    ] {
        let lines = world.rows(&format!("explain (verbose, costs off) {insert}")).await;
        let plan: Vec<String> = lines.into_iter().map(|row| row[0].clone().expect("a line")).collect();
        let place = |part: &str| plan.iter().position(|line| line.contains(part));
        let places = order.iter().map(|part| place(part).unwrap_or_else(|| panic!("{part}: {plan:#?}")));
        assert!(places.is_sorted(), "{plan:#?}");
        let drawing: Vec<&String> = plan.iter().filter(|line| line.contains("nextval(")).collect();
        assert!(drawing.iter().all(|line| !line.contains("pg_current_xact_id()")), "{plan:#?}");
    }
}
