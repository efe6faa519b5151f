//! `changedField`.

use serde_json::json;

use crate::support::{Api, both, by_hand};

const ODD: [&str; 16] = [
    "plain",
    "two words",
    "a.b",
    "a\"b",
    "it's",
    "back\\slash",
    "ü",
    "日本",
    "🦀",
    "$",
    "[0]",
    "%",
    "_",
    "tab\tline\n",
    "",
    "$.a",
];

both! {
    async fn a_field_of_either_image_counts(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([
            by_hand("a", json!({"action": "CREATE", "newValues": {"n": 1, "m": null}})),
            by_hand("b", json!({"action": "UPDATE", "oldValues": {"n": 1, "m": 1}, "newValues": {"n": 2, "m": 1}})),
            by_hand("c", json!({"action": "DELETE", "oldValues": {"m": 2}})),
            by_hand("d", json!({"action": "CREATE", "newValues": {"deep": {"n": 1}, "list": ["n"]}})),
            by_hand("e", json!({"action": "UPDATE", "oldValues": {"N": "n"}})),
        ])).await;
        for (names, keys) in [
            (json!(["n"]), "a b"), (json!(["m"]), "a c"), (json!(["n", "m"]), "a b c"), (json!(["N"]), "e"),
            (json!(["deep"]), "d"), (json!(["x"]), ""), (json!(["0"]), ""),
        ] {
            assert_eq!(api.keys(json!({"changedField": names})).await, keys, "{names}");
        }
        assert_eq!(api.keys(json!({"not": {"changedField": ["n", "m"]}})).await, "d e");
    }

    async fn the_name_may_hold_anything(world: World) {
        let api = Api::start(&world).await;
        for (number, name) in ODD.iter().enumerate() {
            api.record(json!([by_hand(&number.to_string(), json!({"action": "DELETE", "oldValues": {*name: 1.5}}))])).await;
        }
        for (number, name) in ODD.iter().enumerate() {
            assert_eq!(api.keys(json!({"changedField": [name]})).await, number.to_string(), "{name:?}");
        }
    }

    async fn a_redacted_column_changed_without_showing_its_value(world: World) {
        let api = Api::with_tables(&world).await;
        let mutation = "mutation { trackTable(input: {tableName: \"machines\", redactedColumns: [\"operator\"], \
                        ignoredColumns: [\"kind\"]}) { trackedTable { tableName } } }";
        api.ask(mutation, json!({})).await;
        world.sql("insert into machines (id, name, kind, status) values (1, 'Lathe', 'lathe', 'idle')").await;
        world.sql("update machines set operator = 'secret' where id = 1").await;
        world.sql("update machines set status = 'down' where id = 1").await;
        world.sql("update machines set kind = 'mill' where id = 1").await;
        let found = async |name: &str| {
            let query = "query($f: AuditLogFilter) { auditLogs(filter: $f) { nodes { action changes { field redacted } } } }";
            let filter = json!({"tableName": "machines", "changedField": [name]});
            let data = api.ask(query, json!({"f": filter})).await;
            let nodes = data["auditLogs"]["nodes"].as_array().unwrap().clone();
            nodes.iter().map(|node| node["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("operator").await, ["UPDATE", "CREATE"]);
        assert_eq!(found("status").await, ["UPDATE", "CREATE"]);
        assert_eq!(found("kind").await, [""; 0]);
        assert_eq!(api.keys(json!({"tableName": "machines", "search": "secret"})).await, "");
    }
}
