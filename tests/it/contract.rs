//! The schema against what was promised to clients, and the form of the answers.

use afterimage::auth::Role;
use serde_json::{Value, json};

use crate::support::{Api, both, by_hand};

/// What clients rely on: every type, field, argument and value, with its type and default. Lines are added, never taken
/// away and never changed.
const PROMISED: &str = include_str!("contract/api.txt");

const INTROSPECTION: &str = "{ __schema { types { kind name description
     fields(includeDeprecated: true) { name description args { name description defaultValue ...T } ...F }
     inputFields { name description defaultValue ...T }
     enumValues(includeDeprecated: true) { name description } } } }
     fragment F on __Field { type { ...R } }
     fragment T on __InputValue { type { ...R } }
     fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The types of our own, as introspection tells of them.
async fn types(api: &Api) -> Vec<Value> {
    let data = api.ask(INTROSPECTION, json!({})).await;
    let types = data["__schema"]["types"].as_array().unwrap().iter();
    let built_in = ["Boolean", "Float", "ID", "Int", "String"];
    let ours = |name: &str| !name.starts_with("__") && !built_in.contains(&name);
    types.filter(|kind| ours(kind["name"].as_str().unwrap())).cloned().collect()
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of[name].as_array().into_iter().flatten()
}

/// A type as a schema spells it.
fn spelled(kind: &Value) -> String {
    match kind["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", spelled(&kind["ofType"])),
        Some("LIST") => format!("[{}]", spelled(&kind["ofType"])),
        _ => kind["name"].as_str().unwrap().to_owned(),
    }
}

fn with_default(input: &Value) -> String {
    let default = input["defaultValue"].as_str().map(|value| format!(" = {value}"));
    spelled(&input["type"]) + &default.unwrap_or_default()
}

/// Every place of the schema that has a description: its signature and the description.
fn places(types: &[Value]) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let text = |value: &Value| value["name"].as_str().unwrap().to_owned();
    for kind in types {
        let name = text(kind);
        let prefix = if kind["kind"] == "SCALAR" { "scalar " } else { "" };
        all.push((format!("{prefix}{name}"), kind["description"].clone()));
        for field in list(kind, "fields") {
            let path = format!("{name}.{}", text(field));
            all.push((format!("{path}: {}", spelled(&field["type"])), field["description"].clone()));
            for argument in list(field, "args") {
                let signature = format!("{path}({}): {}", text(argument), with_default(argument));
                all.push((signature, argument["description"].clone()));
            }
        }
        for field in list(kind, "inputFields") {
            all.push((format!("{name}.{}: {}", text(field), with_default(field)), field["description"].clone()));
        }
        for value in list(kind, "enumValues") {
            all.push((format!("{name}.{}", text(value)), value["description"].clone()));
        }
    }
    all
}

both! {
    async fn all_that_was_promised_is_there_under_its_name_and_type(world: World) {
        let api = Api::start(&world).await;
        let places = places(&types(&api).await);
        let missing: Vec<&str> =
            PROMISED.lines().filter(|line| !places.iter().any(|(signature, _)| signature == line)).collect();
        assert!(missing.is_empty(), "missing or otherwise:\n{}\nof\n{places:#?}", missing.join("\n"));
        assert!(PROMISED.lines().count() > 150);
    }

    async fn everything_has_a_description(world: World) {
        let api = Api::start(&world).await;
        let places = places(&types(&api).await);
        let silent: Vec<&String> = places
            .iter()
            .filter(|(_, description)| description.as_str().is_none_or(|text| text.trim().is_empty()))
            .map(|(signature, _)| signature)
            .collect();
        assert!(silent.is_empty(), "without a description: {silent:#?}");
        let garbled = places.iter().filter(|(_, text)| text.as_str().is_some_and(|text| !text.trim_end_matches(')').ends_with('.')));
        assert_eq!(garbled.map(|(signature, _)| signature).collect::<Vec<_>>(), [""; 0]);
    }

    /// As the specification has it: the keys of an answer come in the order of the query.
    async fn an_answer_has_its_keys_in_the_order_of_the_query(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([by_hand("x", json!({}))])).await;
        let query = "query { z: viewer { roles userId } auditLogs { totalCount nodes { ...B tableName id ...A } } \
                     a: viewer { userId name: username } } \
                     fragment A on AuditLog { recordId action id } fragment B on AuditLog { userId action }";
        let body = json!({"query": query}).to_string();
        let (_, text) = api.post(&api.token(&[Role::Admin]), &body).await;
        assert_eq!(
            text,
            r#"{"data":{"z":{"roles":["ADMIN"],"userId":"42"},"auditLogs":{"totalCount":1,"nodes":[{"userId":"42","action":"READ","tableName":"t","id":"1","recordId":"x"}]},"a":{"userId":"42","name":"ann"}}}"#
        );
    }

    /// What fails in a field that may not be null takes its parent with it, up to one that may.
    async fn an_error_reaches_up_to_the_next_field_that_may_be_null(world: World) {
        let api = Api::start(&world).await;
        let ask = async |query: &str| api.answer_as(&[Role::Admin], query, json!({})).await;
        let answer = ask("{ viewer { userId } summary { total byTable(first: 0) { count } } }").await;
        assert_eq!(answer["data"], Value::Null);
        assert_eq!(answer["errors"][0]["path"], json!(["summary", "byTable"]));
        let answer = ask("{ viewer { userId } bad: auditLog(id: \"x\") { id } none: auditLog(id: 1) { id } }").await;
        assert_eq!(answer["data"], json!({"viewer": {"userId": "42"}, "bad": null, "none": null}));
        assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
        let answer = ask("mutation { createAuditLogs(inputs: []) { auditLogs { id } } undo(id: \"x\") { auditLog { id } } }").await;
        assert_eq!(answer["data"], Value::Null);
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
}

#[test]
fn the_schema_in_the_repository_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(file == afterimage::graphql::sdl(), "schema.graphql is not that of the code: run `make schema`");
}
