//! Mutations that record entries, answered by a plan.

use afterimage::auth::Role;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use proptest::strategy::{Strategy as _, ValueTree as _};
use serde_json::{Value, json};

use super::post_as;
use crate::filter_agreement::strategies::any_input;
use crate::support::{Api, both, by_hand, runner};

const FIELDS: &str = "id timestamp action tableName recordId previousRecordId userId username oldValues newValues \
     changes { field old new oldText newText redacted __typename } description ipAddress correlationId transactionId \
     metadata source databaseRole recordedBy __typename";

/// Documents, each with variables under which it is executed without an error.
fn documents() -> Vec<(String, Value)> {
    let entry = by_hand("1", json!({}));
    let one =
        format!("mutation ($i: CreateAuditLogInput!) {{ createAuditLog(input: $i) {{ auditLog {{ {FIELDS} }} }} }}");
    let many = format!(
        "mutation M($i: [CreateAuditLogInput!]!) {{ made: createAuditLogs(inputs: $i) {{ __typename ...P }} }} \
         fragment P on CreateAuditLogsPayload {{ all: auditLogs {{ {FIELDS} }} }}"
    );
    let parts = format!(
        "mutation ($i: ID!, $a: AuditAction = CREATE, $n: String, $v: JSON, $x: Int) {{ createAuditLog(input: {{userId: \
         $i, action: $a, tableName: \"t\", username: $n, newValues: {{a: $v, b: [1, $x, {{c: $n, d: $x}}]}}}}) {{ __typename \
         auditLog {{ {FIELDS} }} }} }}"
    );
    vec![(one, json!({"i": entry})), (many, json!({"i": [entry]})), (parts, json!({"i": 7}))]
}

/// Variables for the three, most of them good.
fn variables(runner: &mut proptest::test_runner::TestRunner, place: usize) -> Value {
    let mut some = || by_hand("", any_input().new_tree(runner).expect("an input").current());
    let (first, second) = (some(), some());
    let odd = [
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({"unknown": 1}),
        by_hand("x", json!({"unknown": 1})),
        by_hand("x", json!({"action": "none"})),
        by_hand("x", json!({"newValues": [1]})),
        by_hand("x", json!({"newValues": {"big": 12345678901234567890_u64, "unknown": {"tableName": 1}}})),
        by_hand("x", json!({"tableName": "afterimage.x"})),
        by_hand("x", json!({"ipAddress": "nowhere"})),
        by_hand("x", json!({"userId": 5, "recordId": 6})),
        by_hand("x", json!({"username": 5})),
        by_hand("x", json!({"idempotencyKey": "k"})),
        by_hand("y", json!({"idempotencyKey": "k"})),
    ];
    let choice = proptest::sample::select(odd.to_vec()).new_tree(runner).expect("one").current();
    let is_odd = (0..2_u8).prop_map(|which| which == 0).new_tree(runner).expect("yes or no").current();
    match (place, is_odd) {
        (0, false) => json!({"i": first}),
        (0, true) => json!({"i": choice}),
        (1, false) => json!({"i": [first, second]}),
        (1, true) => json!({"i": [first, choice]}),
        (_, false) => json!({"i": "u", "n": first["username"], "v": first["newValues"], "x": 5}),
        (_, true) => json!({"i": choice, "a": "UPDATE", "n": null}),
    }
}

/// The answer without what two entries never share.
fn comparable(answer: &(StatusCode, String)) -> (StatusCode, Value) {
    fn blank(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(blank),
            Value::Object(members) => {
                for (name, member) in members {
                    match name.as_str() {
                        "id" | "timestamp" | "transactionId" => *member = json!("…"),
                        // That a message names another entry is the same message.
                        "message" => *member = json!(member.as_str().map(|text| text.replace(char::is_numeric, ""))),
                        _ => blank(member),
                    }
                }
            }
            _ => {}
        }
    }
    let mut body = serde_json::from_str(&answer.1).expect("JSON");
    blank(&mut body);
    (answer.0, body)
}

/// The entries in an answer.
fn entries(answer: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    let data = &answer["data"];
    match (&data["createAuditLog"]["auditLog"], &data["made"]["all"]) {
        (entry @ Value::Object(_), _) => vec![entry.clone()],
        (_, Value::Array(entries)) => entries.clone(),
        _ => Vec::new(),
    }
}

both! {
    async fn a_plan_records_what_the_schema_records(world: World) {
        let api = Api::start(&world).await;
        let mut runner = runner(2);
        let (mut recorded, mut refused) = (0, 0);
        for (place, (document, plain)) in documents().iter().enumerate() {
            let (status, first) = post_as(&api, &[Role::Writer], document, plain).await;
            assert!(status == StatusCode::OK && !first.contains("\"errors\""), "{first}\nto: {document}");
            for turn in 0..60 {
                let variables = variables(&mut runner, place);
                let by_schema = post_as(&api, &[Role::Writer], &format!("{document} # {turn}"), &variables).await;
                let by_plan = post_as(&api, &[Role::Writer], document, &variables).await;
                assert_eq!(comparable(&by_schema), comparable(&by_plan), "to {document}\nwith {variables}");
                *if by_plan.1.contains("\"errors\"") { &mut refused } else { &mut recorded } += 1;
                for entry in entries(&by_plan.1) {
                    let read = format!("query ($id: ID!) {{ auditLog(id: $id) {{ {FIELDS} }} }}");
                    let found = api.ask(&read, json!({"id": entry["id"]})).await;
                    assert_eq!(found["auditLog"], entry, "what was answered is what was recorded");
                }
            }
        }
        assert!(recorded > 80 && refused > 30, "{recorded} recorded, {refused} refused");
    }

    async fn a_plan_asks_who_records(world: World) {
        let api = Api::start(&world).await;
        let (document, variables) = &documents()[0];
        post_as(&api, &[Role::Writer], document, variables).await;
        for role in [&[][..], &[Role::Auditor]] {
            let (_, answer) = post_as(&api, role, document, variables).await;
            assert!(answer.contains("FORBIDDEN"), "{answer}");
        }
        assert_eq!(api.entries().await, 1);
    }

    async fn a_mutation_is_not_sent_by_get_though_it_has_a_plan(world: World) {
        let api = Api::start(&world).await;
        let document = "mutation { createAuditLog(input: {userId: 1, action: READ, tableName: \"t\"}) { __typename } }";
        for _ in 0..2 {
            let (status, _) = post_as(&api, &[Role::Writer], document, &json!({})).await;
            assert_eq!(status, StatusCode::OK);
        }
        let query: String = form_urlencoded::byte_serialize(document.as_bytes()).collect();
        let request = Request::get(format!("http://localhost/graphql?query={query}"))
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", api.token(&[Role::Writer])))
            .body(Body::empty())
            .expect("a request");
        let (status, _) = api.send(request).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(api.entries().await, 2);
    }
}
