//! How much a filter may hold. Within the limits every filter has an answer.

use serde_json::{Value, json};

use crate::support::{Api, both, by_hand};

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({"hasUser": true}), |filter, level| match level % 3 {
        0 => json!({"and": [filter]}),
        1 => json!({"or": [filter]}),
        _ => json!({"not": {"not": filter}}),
    })
}

fn in_ors(depth: usize) -> Value {
    (1..depth).fold(json!({"hasUser": true}), |filter, _| json!({"or": [filter]}))
}

async fn refused(api: &Api, filter: Value, part: &str) {
    let query = "query($f: AuditLogFilter) { auditLogs(filter: $f) { totalCount } }";
    let (code, message) = api.refusal(query, json!({"f": filter})).await;
    assert_eq!(code, "BAD_USER_INPUT", "{message}");
    assert!(message.contains(part), "{message}");
}

both! {
    async fn filters_nest_eight_deep_and_no_deeper(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([by_hand("a", json!({}))])).await;
        assert_eq!(api.keys(in_ors(8)).await, "a");
        refused(&api, in_ors(9), "8 deep").await;
        refused(&api, nested(9), "8 deep").await;
    }

    async fn lists_hold_a_hundred_values_and_no_more(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([by_hand("7", json!({"action": "CREATE", "newValues": {"7": 7}}))])).await;
        let numbers = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        for name in ["recordId", "userId", "username", "tableName", "correlationId", "transactionId", "changedField"] {
            api.keys(json!({name: numbers(100)})).await;
            refused(&api, json!({name: numbers(101)}), name).await;
        }
        assert_eq!(api.keys(json!({"recordId": numbers(100), "changedField": numbers(100)})).await, "7");
        for name in ["and", "or"] {
            assert_eq!(api.keys(json!({name: vec![json!({"recordId": ["7"]}); 100]})).await, "7");
            refused(&api, json!({name: vec![json!({}); 101]}), name).await;
        }
        refused(&api, json!({"action": vec!["READ"; 101]}), "action").await;
        refused(&api, json!({"source": vec!["API"; 101]}), "source").await;
    }

    /// The database's own limits, of parameters and of an expression's depth, lie beyond ours.
    async fn the_largest_filters_that_are_allowed_have_an_answer(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([by_hand("7", json!({"action": "CREATE", "newValues": {"7": 7}}))])).await;
        let numbers: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let wide = vec![json!({"changedField": numbers}); 49];
        assert_eq!(api.keys(json!({"or": wide})).await, "7");
        // Each level a long chain, and the next one at its deepest place.
        let mut deep = json!({"changedField": numbers});
        for _ in 0..4 {
            let mut list = vec![deep];
            list.resize(95, json!({"or": []}));
            deep = json!({"or": list});
        }
        refused(&api, deep, "conditions").await;
        let mut deep = json!({"changedField": numbers});
        for _ in 0..4 {
            let mut list = vec![deep];
            list.resize(45, json!({"or": []}));
            deep = json!({"or": list});
        }
        assert_eq!(api.keys(deep).await, "7");
    }

    async fn the_values_of_all_lists_together_are_bounded(world: World) {
        let api = Api::start(&world).await;
        let numbers: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let each = json!({"changedField": numbers, "userId": numbers, "username": numbers, "recordId": numbers,
            "tableName": numbers});
        refused(&api, json!({"or": vec![each; 80]}), "values").await;
    }

    async fn a_text_of_a_filter_is_bounded(world: World) {
        let api = Api::start(&world).await;
        assert_eq!(api.keys(json!({"search": "%".repeat(4096)})).await, "");
        refused(&api, json!({"search": "x".repeat(4097)}), "4096").await;
        refused(&api, json!({"userId": ["x".repeat(4097)]}), "4096").await;
    }
}
