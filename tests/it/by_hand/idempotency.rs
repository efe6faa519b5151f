//! `idempotencyKey`: what is sent twice is recorded once.

use afterimage::auth::{Role, TokenRequest};
use chrono::{Duration, Utc};
use serde_json::{Value, json};

use super::{CREATE, CREATE_MANY, create};
use crate::support::{Api, both, by_hand};

fn keyed(key: &str, more: Value) -> Value {
    let mut input = by_hand("x", more);
    input["idempotencyKey"] = json!(key);
    input
}

/// As someone else than the caller of all other tests.
async fn create_as(api: &Api, user: &str, input: Value) -> Value {
    let request =
        TokenRequest { user_id: user.into(), username: None, roles: vec![Role::Writer], lifetime: Duration::hours(1) };
    let token = api.server.authenticator.issue(&request, Utc::now()).unwrap();
    let (_, text) = api.post(&token, &json!({"query": CREATE, "variables": {"i": input}}).to_string()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    answer["data"]["createAuditLog"]["auditLog"].clone()
}

both! {
    async fn the_same_key_brings_the_first_entry_back(world: World) {
        let api = Api::start(&world).await;
        let input = keyed("k", json!({"action": "UPDATE", "oldValues": {"a": 1, "b": 1}, "newValues": {"a": 2, "b": 1}, "ipAddress": "::0001"}));
        let first = create(&api, input.clone()).await;
        assert_eq!(create(&api, input).await, first);
        assert_eq!(api.entries().await, 1);
        assert_ne!(create(&api, keyed("l", json!({}))).await["id"], first["id"]);
        assert_eq!(api.entries().await, 2);
    }

    async fn the_same_key_with_other_contents_is_a_conflict(world: World) {
        let api = Api::start(&world).await;
        let first = create(&api, keyed("k", json!({}))).await;
        for more in [
            json!({"userId": "43"}), json!({"username": "ann"}), json!({"action": "DELETE"}), json!({"tableName": "u"}),
            json!({"recordId": "y"}), json!({"recordId": null}), json!({"description": ""}), json!({"ipAddress": "::1"}),
            json!({"correlationId": "c"}), json!({"metadata": {}}), json!({"action": "DELETE", "oldValues": {}}),
        ] {
            let (code, message) = api.refusal(CREATE, json!({"i": keyed("k", more.clone())})).await;
            assert_eq!(code, "CONFLICT", "{more}");
            assert!(message.contains(first["id"].as_str().unwrap()), "{message}");
        }
        assert_eq!(api.entries().await, 1);
    }

    async fn another_caller_has_keys_of_their_own(world: World) {
        let api = Api::start(&world).await;
        let first = create(&api, keyed("k", json!({}))).await;
        let other = create_as(&api, "else", keyed("k", json!({"description": "other"}))).await;
        assert_ne!(first["id"], other["id"]);
        assert_eq!(other["recordedBy"], "else");
        assert_eq!(create_as(&api, "else", keyed("k", json!({"description": "other"}))).await, other);
        assert_eq!(api.entries().await, 2);
    }

    async fn within_a_batch_a_key_counts_as_well(world: World) {
        let api = Api::start(&world).await;
        let query = "mutation($i: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $i) { auditLogs { id } } }";
        let batch = json!([keyed("k", json!({})), by_hand("no key", json!({})), keyed("k", json!({})), keyed("l", json!({}))]);
        let data = api.ask(query, json!({"i": batch})).await;
        let entries = &data["createAuditLogs"]["auditLogs"];
        assert_eq!(entries[0], entries[2]);
        assert_eq!(api.entries().await, 3);
        // A conflict leaves nothing of its batch.
        let batch = json!([by_hand("new", json!({})), keyed("m", json!({})), keyed("l", json!({"description": "other"}))]);
        assert_eq!(api.refusal(CREATE_MANY, json!({"i": batch})).await.0, "CONFLICT");
        assert_eq!(api.entries().await, 3);
        let again = json!([keyed("m", json!({})), keyed("k", json!({})), keyed("l", json!({}))]);
        let data = api.ask(query, json!({"i": again})).await;
        assert_eq!(data["createAuditLogs"]["auditLogs"][1], entries[0]);
        assert_eq!(api.entries().await, 4);
    }

    async fn at_the_same_time_one_is_recorded(world: World) {
        let api = Api::start(&world).await;
        for round in 0..10 {
            let input = json!({"i": keyed(&format!("k{round}"), json!({}))});
            let ask = || api.ask("mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }", input.clone());
            let (one, two, three) = tokio::join!(ask(), ask(), ask());
            assert_eq!((&one, &two), (&two, &three));
        }
        assert_eq!(api.entries().await, 10);
    }

    async fn at_the_same_time_other_contents_are_a_conflict(world: World) {
        let api = Api::start(&world).await;
        for round in 0..10 {
            let answer = |description: &str| {
                let input = json!({"i": keyed(&format!("k{round}"), json!({"description": description}))});
                async { api.answer_as(&[Role::Writer], CREATE, input).await }
            };
            let (one, two) = tokio::join!(answer("one"), answer("two"));
            let refused: Vec<&Value> = [&one, &two].into_iter().filter(|answer| answer.get("errors").is_some()).collect();
            assert_eq!(refused.len(), 1, "{one} {two}");
            assert_eq!(refused[0]["errors"][0]["extensions"]["code"], "CONFLICT");
        }
        assert_eq!(api.entries().await, 10);
    }
}
