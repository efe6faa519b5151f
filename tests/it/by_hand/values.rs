//! Values keep what they came with: digits, order, spelling.

use afterimage::auth::Role;
use serde_json::{Value, json};

use super::{CREATE, create, refused};
use crate::support::{Api, both, by_hand};

/// The answer as text to a mutation with values as text, since `Value` would not keep them.
async fn echoed(api: &Api, action: &str, name: &str, values: &str) -> String {
    let query = format!(
        "mutation($v: JSON) {{ createAuditLog(input: {{userId: 1, action: {action}, tableName: \"t\", {name}: $v}}) \
         {{ auditLog {{ {name} }} }} }}"
    );
    let body = format!(r#"{{"query":{},"variables":{{"v":{values}}}}}"#, json!(query));
    let (_, text) = api.post(&api.token(&[Role::Admin]), &body).await;
    let start = format!(r#"{{"data":{{"createAuditLog":{{"auditLog":{{"{name}":"#);
    let Some(rest) = text.strip_prefix(&start) else { panic!("{text}") };
    rest.strip_suffix("}}}}").unwrap_or_else(|| panic!("{text}")).to_owned()
}

const EXACT: &str = r#"{"z":12345678901234567890.1234567891,"a":1.10,"m":1e400,"i":9007199254740993,"n":-0,"s":"1.10","x":null,"e":"é\"\\\n","l":[1.0,{"k":2.50}]}"#;

both! {
    async fn values_come_back_digit_by_digit_and_in_their_order(world: World) {
        let api = Api::start(&world).await;
        assert_eq!(echoed(&api, "DELETE", "oldValues", EXACT).await, EXACT);
        assert_eq!(echoed(&api, "CREATE", "newValues", EXACT).await, EXACT);
        for metadata in [EXACT, "1.10", "[1e400]", "\"text\"", "true", "{}"] {
            assert_eq!(echoed(&api, "READ", "metadata", metadata).await, metadata);
        }
        assert_eq!(echoed(&api, "READ", "metadata", "null").await, "null");
    }

    async fn a_field_shows_its_exact_text(world: World) {
        let api = Api::start(&world).await;
        echoed(&api, "CREATE", "newValues", r#"{"n":1.10,"s":"x","o":{"a":1.0},"z":null,"t":true}"#).await;
        let data = api.ask("{ auditLogs { nodes { changes { field newText oldText old redacted } } } }", json!({})).await;
        let changes = data["auditLogs"]["nodes"][0]["changes"].as_array().unwrap().clone();
        let texts: Vec<(&str, Option<&str>)> =
            changes.iter().map(|change| (change["field"].as_str().unwrap(), change["newText"].as_str())).collect();
        assert_eq!(texts, [("n", Some("1.10")), ("s", Some("x")), ("o", Some("{\"a\":1.0}")), ("z", None), ("t", Some("true"))]);
        assert!(changes.iter().all(|change| change["old"].is_null() && change["oldText"].is_null() && change["redacted"] == false));
    }

    async fn an_update_keeps_what_differs_byte_for_byte(world: World) {
        let api = Api::start(&world).await;
        let query = "mutation($o: JSON, $n: JSON) { createAuditLog(input: {userId: 1, action: UPDATE, tableName: \"t\", \
                     oldValues: $o, newValues: $n}) { auditLog { oldValues newValues } } }";
        for (old, new, kept_old, kept_new) in [
            (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, r#"{"b":2}"#, r#"{"b":3}"#),
            (r#"{"a":1.0,"b":2}"#, r#"{"b":2,"a":1.00}"#, r#"{"a":1.0}"#, r#"{"a":1.00}"#),
            (r#"{"a":1,"gone":2}"#, r#"{"come":3,"a":1}"#, r#"{"gone":2}"#, r#"{"come":3}"#),
            (r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":2,"x":1}}"#, r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":2,"x":1}}"#),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, r#"{"a":"1"}"#, r#"{"a":1}"#),
            (r#"{"a":null}"#, r#"{"b":null}"#, r#"{"a":null}"#, r#"{"b":null}"#),
            (r#"{"a":[1, 2],"b":1}"#, r#"{"a":[1,2],"b":1}"#, "{}", "{}"),
            (r#"{"a":1}"#, "null", r#"{"a":1}"#, "null"),
        ] {
            let body = format!(r#"{{"query":{},"variables":{{"o":{old},"n":{new}}}}}"#, json!(query));
            let (_, text) = api.post(&api.token(&[Role::Writer]), &body).await;
            let expected = format!(r#"{{"data":{{"createAuditLog":{{"auditLog":{{"oldValues":{kept_old},"newValues":{kept_new}}}}}}}}}"#);
            assert_eq!(text, expected);
        }
    }

    async fn a_literal_is_taken_where_it_keeps_its_digits_and_refused_where_not(world: World) {
        let api = Api::start(&world).await;
        let query = |value: &str| format!(
            "mutation {{ createAuditLog(input: {{userId: 1, action: DELETE, tableName: \"t\", oldValues: {{n: {value}}}}}) \
             {{ auditLog {{ oldValues }} }} }}"
        );
        for value in ["1.10", "1e400", "12345678901234567890.1234567891", "18446744073709551616"] {
            let (code, message) = api.refusal(&query(value), json!({})).await;
            assert_eq!((code.as_str(), message.contains("variable")), ("BAD_USER_INPUT", true), "{message}");
        }
        assert_eq!(api.entries().await, 0);
        for (value, kept) in [("1.5", json!(1.5)), ("[1, {a: null}]", json!([1, {"a": null}])), ("\"1.10\"", json!("1.10"))] {
            assert_eq!(api.ask(&query(value), json!({})).await["createAuditLog"]["auditLog"]["oldValues"]["n"], kept);
        }
    }

    async fn keys_of_any_kind_are_kept_and_those_with_a_meaning_refused(world: World) {
        let api = Api::start(&world).await;
        let odd = json!({"": 1, "a.b": 2, "\"": 3, "ü🦀": 4, "$text": "00", "$json": "null", "__proto__": 5});
        let entry = create(&api, by_hand("x", json!({"action": "DELETE", "oldValues": odd}))).await;
        assert_eq!(entry["oldValues"], odd);
        for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
            refused(&api, by_hand("x", json!({"action": "DELETE", "oldValues": {"a": {key: "1"}}})), "private").await;
            refused(&api, by_hand("x", json!({"metadata": {key: "[1"}})), "private").await;
        }
    }

    async fn a_nul_character_is_refused_wherever_it_stands(world: World) {
        let api = Api::start(&world).await;
        for more in [
            json!({"userId": "a\0"}), json!({"username": "a\0"}), json!({"tableName": "a\0"}), json!({"recordId": "\0"}),
            json!({"description": "\0"}), json!({"correlationId": "\0"}), json!({"idempotencyKey": "\0"}),
            json!({"metadata": "\0"}), json!({"metadata": {"a": ["\0"]}}), json!({"metadata": {"\0": 1}}),
            json!({"action": "DELETE", "oldValues": {"a": "\0"}}), json!({"action": "CREATE", "newValues": {"a\0": 1}}),
        ] {
            let (code, _) = api.refusal(CREATE, json!({"i": by_hand("x", more.clone())})).await;
            assert_eq!(code, "BAD_USER_INPUT", "{more}");
        }
        let literal = "mutation { createAuditLog(input: {userId: 1, action: DELETE, tableName: \"t\", oldValues: \
                       {n: \"\\u0000\"}}) { auditLog { id } } }";
        assert_eq!(api.refusal(literal, json!({})).await.0, "BAD_USER_INPUT");
        // A backslash before it makes it text.
        let text: Value = json!({"a": "\\u0000", "b": "\\\\u0000"});
        assert_eq!(create(&api, by_hand("x", json!({"action": "DELETE", "oldValues": text}))).await["oldValues"], text);
        assert_eq!(api.entries().await, 1);
    }
}
