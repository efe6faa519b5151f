//! `and`, `or` and `not`.

use serde_json::json;

use crate::support::{Api, World, both, by_hand};

/// `d` has no user, no name, no address, no images.
async fn log(world: &World) -> Api {
    let api = Api::start(world).await;
    api.record(json!([
        by_hand("a", json!({"userId": "1", "username": "ann", "tableName": "t", "ipAddress": "10.0.0.1"})),
        by_hand("b", json!({"userId": "2", "username": "bob", "tableName": "u", "correlationId": "x"})),
        by_hand("c", json!({"userId": "3", "tableName": "t", "action": "CREATE", "newValues": {"n": 1}})),
    ]))
    .await;
    world.insert("action, table_name, record_id", "('DELETE', 'v', 'd')").await;
    api
}

both! {
    async fn an_empty_and_holds_and_an_empty_or_does_not(world: World) {
        let api = log(&world).await;
        for (filter, keys) in [
            (json!({"and": []}), "a b c d"),
            (json!({"or": []}), ""),
            (json!({"not": {"and": []}}), ""),
            (json!({"not": {"or": []}}), "a b c d"),
            (json!({"not": {}}), ""),
            (json!({"and": [{}]}), "a b c d"),
            (json!({"or": [{}]}), "a b c d"),
            (json!({"or": [], "userId": ["1"]}), ""),
            (json!({"and": [], "userId": ["1"]}), "a"),
            (json!({"or": [{"or": []}, {"userId": ["1"]}]}), "a"),
        ] {
            assert_eq!(api.keys(filter.clone()).await, keys, "{filter}");
        }
    }

    async fn filters_nest(world: World) {
        let api = log(&world).await;
        for (filter, keys) in [
            (json!({"or": [{"userId": ["1"]}, {"tableName": ["v"]}]}), "a d"),
            (json!({"and": [{"userId": ["1", "2"]}, {"tableName": ["t"]}]}), "a"),
            (json!({"tableName": ["t"], "or": [{"userId": ["1"]}, {"userId": ["2"]}]}), "a"),
            (json!({"tableName": ["t"], "not": {"userId": ["1"]}}), "c"),
            (json!({"not": {"not": {"userId": ["1"]}}}), "a"),
            (json!({"and": [{"not": {"userId": ["1"]}}, {"or": [{"hasUser": false}, {"username": ["bob"]}]}]}), "b d"),
            (json!({"not": {"or": [{"tableName": ["t"]}, {"not": {"hasUser": true}}]}}), "b"),
            (json!({"or": [{"userId": ["1"]}], "and": [{"tableName": ["t"]}], "not": {"action": ["CREATE"]}}), "a"),
        ] {
            assert_eq!(api.keys(filter.clone()).await, keys, "{filter}");
        }
    }

    /// What is not known to hold does not hold; SQL alone would keep such an entry out of both halves.
    async fn a_filter_and_its_complement_part_the_log_also_where_values_are_null(world: World) {
        let api = log(&world).await;
        for filter in [
            json!({"userId": ["1"]}), json!({"username": ["ann"]}), json!({"recordId": ["a"]}),
            json!({"correlationId": ["x"]}), json!({"ipAddress": "10.0.0.0/8"}), json!({"transactionId": ["s1", "1.1"]}),
            json!({"changedField": ["n"]}), json!({"search": "ann"}), json!({"start": "2020-01-01"}),
            json!({"end": "2020-01-01"}), json!({"hasUser": true}), json!({"source": ["API"]}),
            json!({"username": ["ann"], "correlationId": ["x"]}),
            json!({"or": [{"username": ["ann"]}, {"correlationId": ["x"]}]}),
            json!({"not": {"username": ["ann"]}}),
        ] {
            let all = |filter| async { api.keys(filter).await.split_whitespace().map(str::to_owned).collect::<Vec<_>>() };
            let mut keys = all(filter.clone()).await;
            keys.extend(all(json!({"not": filter})).await);
            keys.sort_unstable();
            assert_eq!(keys, ["a", "b", "c", "d"], "{filter}");
        }
    }
}
