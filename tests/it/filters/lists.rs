//! Filters that hold a list of what an entry may have.

use serde_json::{Value, json};

use crate::support::{Api, World, both, by_hand};

/// Three entries that differ in all that a list can ask for, and one that a program without context left.
async fn log(world: &World) -> Api {
    let api = Api::start(world).await;
    api.record(json!([
        by_hand(
            "a",
            json!({"userId": "1", "username": "ann", "tableName": "t", "action": "CREATE",
            "correlationId": "x"})
        ),
        by_hand(
            "b",
            json!({"userId": "2", "username": "bob", "tableName": "u", "action": "UPDATE",
            "correlationId": "y"})
        ),
        by_hand("c", json!({"userId": "1", "username": "ANN", "tableName": "T", "action": "DELETE"})),
    ]))
    .await;
    world
        .insert(
            "action, table_name, record_id, source",
            "('CREATE', 't', 'd', 'TRIGGER'), ('UPDATE', 't', 'e', 'UNDO')",
        )
        .await;
    api
}

async fn holds(api: &Api, cases: &[(Value, &str)]) {
    for (filter, keys) in cases {
        assert_eq!(api.keys(filter.clone()).await, *keys, "{filter}");
    }
}

both! {
    async fn one_of_the_values_suffices(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"userId": ["1"]}), "a c"),
            (json!({"userId": ["1", "2", "3"]}), "a b c"),
            (json!({"userId": [1]}), "a c"),
            (json!({"username": ["ann"]}), "a"),
            (json!({"username": ["ann", "ANN"]}), "a c"),
            (json!({"tableName": ["t"]}), "a d e"),
            (json!({"tableName": ["T", "u"]}), "b c"),
            (json!({"recordId": ["a", "e", "z"]}), "a e"),
            (json!({"action": ["CREATE"]}), "a d"),
            (json!({"action": ["UPDATE", "DELETE"]}), "b c e"),
            (json!({"action": ["READ"]}), ""),
            (json!({"correlationId": ["x"]}), "a"),
            (json!({"correlationId": ["x", "y"]}), "a b"),
            (json!({"source": ["API"]}), "a b c"),
            (json!({"source": ["TRIGGER"]}), "d"),
            (json!({"source": ["UNDO", "TRIGGER"]}), "d e"),
        ]).await;
    }

    async fn a_single_value_is_a_list_of_one(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"userId": "1"}), "a c"),
            (json!({"action": "DELETE"}), "c"),
            (json!({"or": {"recordId": "b"}}), "b"),
        ]).await;
    }

    async fn entries_with_and_without_a_user_part_the_log(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"hasUser": true}), "a b c"),
            (json!({"hasUser": false}), "d e"),
            (json!({"hasUser": null}), "a b c d e"),
            (json!({"hasUser": false, "userId": ["1"]}), ""),
        ]).await;
    }

    /// Of every field at once: what is absent or null asks for nothing, an empty list for the impossible.
    async fn null_is_no_condition_and_an_empty_list_matches_nothing(world: World) {
        let api = log(&world).await;
        let lists = ["userId", "username", "tableName", "recordId", "action", "correlationId", "transactionId", "source",
            "changedField"];
        for name in lists {
            holds(&api, &[(json!({name: null}), "a b c d e"), (json!({name: []}), ""),
                (json!({"not": {name: []}}), "a b c d e")]).await;
        }
        for name in ["hasUser", "start", "end", "ipAddress", "search", "and", "or", "not"] {
            holds(&api, &[(json!({name: null}), "a b c d e")]).await;
        }
        holds(&api, &[(json!({}), "a b c d e"), (Value::Null, "a b c d e")]).await;
    }

    /// A variable that is declared and not given is absent.
    async fn a_variable_that_is_not_given_is_no_condition(world: World) {
        let api = log(&world).await;
        let query = "query($u: [ID!], $n: [String!]) { auditLogs(filter: {userId: $u, username: $n}) { totalCount } }";
        assert_eq!(api.ask(query, json!({})).await["auditLogs"]["totalCount"], 5);
        assert_eq!(api.ask(query, json!({"n": null, "u": ["2"]})).await["auditLogs"]["totalCount"], 1);
    }

    async fn conditions_on_one_level_all_hold(world: World) {
        let api = log(&world).await;
        holds(&api, &[
            (json!({"userId": ["1"], "action": ["CREATE"]}), "a"),
            (json!({"userId": ["1"], "tableName": ["u"]}), ""),
            (json!({"userId": ["1"], "tableName": ["t", "T"], "action": ["DELETE"], "source": ["API"],
                "recordId": ["c"], "username": ["ANN"], "hasUser": true, "search": "c"}), "c"),
        ]).await;
    }

    async fn text_that_looks_like_sql_is_text(world: World) {
        let api = Api::start(&world).await;
        let hostile = ["' OR '1'='1", "'; DROP TABLE afterimage_log; --", "\\'; --", "$1", "?", "\"", "%", "{\"a\":1}", "NULL"];
        for (number, text) in hostile.iter().enumerate() {
            let id = api.record(json!([by_hand(&number.to_string(), json!({
                "userId": text, "username": text, "tableName": text, "correlationId": text, "description": text,
                "oldValues": {*text: text}, "action": "DELETE",
            }))])).await;
            assert_eq!(id.len(), 1, "{text}");
        }
        for (number, text) in hostile.iter().enumerate() {
            let number = number.to_string();
            for field in ["userId", "username", "tableName", "correlationId", "changedField"] {
                assert_eq!(api.keys(json!({field: [text]})).await, number, "{field}: {text}");
            }
            let found = api.keys(json!({"search": text})).await;
            assert!(found.split(' ').any(|key| key == number), "{text}: {found}");
            assert_eq!(api.keys(json!({"transactionId": [text]})).await, "");
            assert_eq!(api.keys(json!({"recordId": [text]})).await, "");
        }
        assert_eq!(api.entries().await, hostile.len() as i64);
    }
}
