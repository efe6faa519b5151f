//! Entries by hand.

use afterimage::auth::Role;
use axum::body::Body;
use serde_json::{Value, json};

use super::{get, post, request, send};
use crate::support::{Api, both, by_hand};

const EXACT: &str = r#"{"z":12345678901234567890.1234567891,"a":1.10,"m":1e400,"i":9007199254740993,"n":-0,"s":"1.10","x":null,"e":"é\"\\\n","l":[1.0,{"k":2.50}]}"#;

both! {
    async fn an_entry_is_created_and_told_where_it_is(world: World) {
        let api = Api::start(&world).await;
        let full = json!({"userId": "7", "username": "ann", "action": "DELETE", "tableName": "a.b", "recordId": "12",
            "oldValues": {"n": 1}, "newValues": null, "description": "why\n", "ipAddress": "10.0.0.7", "correlationId": "c",
            "metadata": [1, {"a": null}]});
        for path in ["", "/"] {
            let answer = post(&api, path, full.to_string()).await;
            assert_eq!(answer.status, 201);
            let entry = answer.good();
            for (name, value) in full.as_object().unwrap() {
                assert_eq!(entry[name], *value, "{name}");
            }
            assert_eq!((&entry["source"], &entry["recordedBy"]), (&json!("API"), &json!("42")));
            assert_eq!(answer.header("location"), format!("/api/auditLog/{}", entry["id"].as_str().unwrap()));
            let location = answer.header("location").strip_prefix("/api/auditLog").unwrap().to_owned();
            assert_eq!(get(&api, &location).await.text, answer.text);
        }
        // Numbers are ids too, JSON's one kind of them, and null is as good as absent.
        let entry = post(&api, "", r#"{"userId":7,"action":"READ","tableName":"t","recordId":12.0,"username":null}"#).await.good();
        assert_eq!((&entry["userId"], &entry["recordId"], &entry["username"]), (&json!("7"), &json!("12"), &Value::Null));
    }

    async fn values_keep_every_digit_and_their_order(world: World) {
        let api = Api::start(&world).await;
        for (action, name) in [("CREATE", "newValues"), ("DELETE", "oldValues"), ("UPDATE", "newValues"), ("READ", "metadata")] {
            let body = format!(r#"{{"userId":"1","action":"{action}","tableName":"t","{name}":{EXACT}}}"#);
            let answer = post(&api, "", body).await;
            assert!(answer.text.contains(&format!(r#""{name}":{EXACT}"#)), "{answer:?}");
            let location = answer.header("location").strip_prefix("/api/auditLog").unwrap();
            assert_eq!(get(&api, location).await.text, answer.text);
        }
        // An UPDATE is reduced to what differs, byte for byte.
        let body = r#"{"userId":"1","action":"UPDATE","tableName":"t","oldValues":{"a":1.0,"b":2},"newValues":{"b":2,"a":1.00}}"#;
        assert!(post(&api, "", body).await.text.contains(r#""oldValues":{"a":1.0},"newValues":{"a":1.00}"#));
    }

    async fn what_does_not_fit_is_refused_and_nothing_recorded(world: World) {
        let api = Api::start(&world).await;
        for (more, part) in [
            (json!({"action": "DELETE", "oldValues": [1]}), "oldValues"), (json!({"action": "CREATE", "newValues": 7}), "newValues"),
            (json!({"action": "CREATE", "oldValues": {}}), "oldValues"), (json!({"action": "READ", "newValues": {}}), "newValues"),
            (json!({"tableName": ""}), "tableName"), (json!({"tableName": "afterimage.x"}), "afterimage."),
            (json!({"tableName": "x".repeat(1_001)}), "tableName"), (json!({"description": "x".repeat(16_385)}), "description"),
            (json!({"ipAddress": "10.0.0.256"}), "10.0.0.256"), (json!({"ipAddress": 7}), "`ipAddress` must be a string"),
            (json!({"userId": null}), "`userId` is missing"), (json!({"action": null}), "`action` is missing"),
            (json!({"tableName": null}), "`tableName` is missing"), (json!({"userId": 1.5}), "`userId`"), (json!({"userId": [1]}), "`userId`"),
            (json!({"action": "INSERT"}), "CREATE, UPDATE, DELETE or READ"), (json!({"action": "read"}), "\"read\""),
            (json!({"tabelName": "t"}), "\"tabelName\" means nothing here; the body may have: "), (json!({"username": {}}), "`username`"),
        ] {
            let detail = post(&api, "", by_hand("x", more).to_string()).await.problem(400, "BAD_USER_INPUT");
            assert!(detail.contains(part), "{detail} should speak of {part}");
        }
        let whole = |body: &str| body.to_owned();
        for (body, part) in [
            (whole(""), "cannot be read"), (whole("{"), "cannot be read"), (whole("null"), "object"), (whole("[]"), "object"), (whole("7"), "object"),
            (whole(r#"{"userId":"1","userId":"2","action":"READ","tableName":"t"}"#), "twice"),
            (whole(r#"{"userId":"1","action":"READ","tableName":"t","metadata":{"a":1,"\u0061":2}}"#), "twice"),
            (whole(r#"{"userId":"1","action":"READ","tableName":"t","metadata":{"$serde_json::private::RawValue":"[1"}}"#), "$serde_json::private::"),
            (whole(r#"{"userId":"1","action":"READ","tableName":"t","$serde_json::private::Number":"1"}"#), "$serde_json::private::"),
            (whole(r#"{"userId":"1","action":"READ","tableName":"t\u0000"}"#), "U+0000"), (whole(r#"{"userId":"\ud800"}"#), "cannot be read"),
            (format!(r#"{{"metadata":{}1{}}}"#, "[".repeat(64), "]".repeat(64)), "64 levels deep"),
        ] {
            let detail = post(&api, "", body.clone()).await.problem(400, "BAD_USER_INPUT");
            assert!(detail.contains(part), "{body}: {detail}");
        }
        assert!(post(&api, "?x=1", by_hand("x", json!({})).to_string()).await.problem(400, "BAD_USER_INPUT").contains("\"x\""));
        assert_eq!(api.entries().await, 0);
    }

    async fn what_is_sent_twice_with_a_key_is_recorded_once_by_either_api(world: World) {
        let api = Api::start(&world).await;
        let input = by_hand("x", json!({"idempotencyKey": "k", "action": "CREATE", "newValues": {"a": 1}}));
        let first = post(&api, "", input.to_string()).await;
        let again = post(&api, "", input.to_string()).await;
        assert_eq!((again.status, &again.text, again.header("location")), (first.status, &first.text, first.header("location")));
        assert_eq!(api.record([input.clone()].to_vec()).await, [first.good()["id"].as_str().unwrap()]);
        let mut other = input;
        other["description"] = json!("other");
        assert!(post(&api, "", other.to_string()).await.problem(409, "CONFLICT").contains("\"k\""));
        assert_eq!(api.entries().await, 1);
    }

    async fn only_json_of_a_bounded_length_is_read(world: World) {
        let api = Api::start_with(&world, |settings| settings.body_limit = 1_000).await;
        let body = by_hand("x", json!({})).to_string();
        for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/json; charset=latin1")] {
            let mut request = request(&api, &[Role::Writer], "POST", "/api/auditLog");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            send(&api, request.body(Body::from(body.clone())).unwrap()).await.problem(415, "BAD_USER_INPUT");
        }
        let long = by_hand("x", json!({"description": "x".repeat(1_000)})).to_string();
        post(&api, "", long).await.problem(413, "BAD_USER_INPUT");
        let request = request(&api, &[Role::Writer], "POST", "/api/auditLog").header("content-type", "application/json");
        send(&api, request.body(Body::from(vec![b'"', 0xff, b'"'])).unwrap()).await.problem(400, "BAD_USER_INPUT");
        assert_eq!(api.entries().await, 0);
        post(&api, "", body).await.good();
    }
}
