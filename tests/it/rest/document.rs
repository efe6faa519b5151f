//! The OpenAPI document: that of the code, and served to everyone.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{get, send};
use crate::support::{Api, both};

fn document() -> Value {
    serde_json::from_str(&afterimage::rest::document().expect("a document")).expect("JSON")
}

/// Every operation with its method, its path, and what it is.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &Value)| {
        let item = item.as_object().expect("operations").clone();
        let path = path.clone();
        item.into_iter().map(move |(method, operation)| (method, path.clone(), operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// The descriptions that are missing below a value; what stands beside a reference is described there.
fn undescribed(value: &Value, place: &str, missing: &mut Vec<String>) {
    let Some(properties) = value.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        if property.get("description").is_none() {
            missing.push(format!("{place}.{name}"));
        }
    }
}

both! {
    async fn the_document_is_served_to_everyone_as_it_is_in_the_repository(world: World) {
        let api = Api::start(&world).await;
        let request = Request::get("http://localhost/api/openapi.json").header("host", "localhost").body(Body::empty()).unwrap();
        let answer = send(&api, request).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.text, afterimage::rest::document().unwrap());
    }

    /// Each parameter is given the example that the document has of it, or one that its schema allows.
    async fn every_parameter_that_the_document_has_is_taken(world: World) {
        let api = Api::start(&world).await;
        let mut taken = 0;
        for (method, path, operation) in operations(&document()) {
            if method != "get" {
                continue;
            }
            let path = path.strip_prefix("/api/auditLog").expect("a path of the log");
            let path = path.replace("{action}", "READ").replace("{entryId}", "1");
            let path: String = path.split('/').map(|part| if part.starts_with('{') { "/x" } else { part }).collect::<Vec<_>>().join("/").replace("//", "/");
            let parameters = operation["parameters"].as_array().expect("parameters").clone();
            let query: Vec<&Value> = parameters.iter().filter(|parameter| parameter["in"] == "query").collect();
            for parameter in query {
                let value = [&parameter["example"], &parameter["schema"]["default"], &parameter["schema"]["enum"][0]];
                let value = value.into_iter().find(|value| !value.is_null()).expect("an example").clone();
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                get(&api, &format!("{path}?{}={value}", parameter["name"].as_str().unwrap())).await.good();
                taken += 1;
            }
        }
        assert_eq!(taken, 6 * 9 + 7);
    }
}

#[test]
fn the_document_in_the_repository_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    let ours = afterimage::rest::document().expect("a document");
    assert!(file == ours, "openapi.json is not that of the code: run `make schema`");
}

#[test]
fn everything_in_the_document_is_described() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        undescribed(schema, name, &mut missing);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            undescribed(part, name, &mut missing);
        }
    }
    for (method, path, operation) in operations(&document) {
        for (what, there) in [
            ("summary", operation.get("summary").is_some()),
            ("operationId", operation.get("operationId").is_some()),
            ("tag", operation["tags"].as_array().is_some_and(|tags| tags.len() == 1)),
        ] {
            if !there {
                missing.push(format!("{method} {path}: {what}"));
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter.get("description").is_none() {
                missing.push(format!("{method} {path}: {}", parameter["name"]));
            }
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let media_type = if status.starts_with('2') { "application/json" } else { "application/problem+json" };
            if response["description"].as_str().is_none_or(str::is_empty)
                || response["content"].get(media_type).is_none()
            {
                missing.push(format!("{method} {path}: {status}"));
            }
        }
        for status in ["400", "401", "403", "421", "500", "503"] {
            assert!(operation["responses"].get(status).is_some(), "{method} {path}: {status}");
        }
    }
    assert_eq!(missing, [""; 0]);
    assert_eq!(document["security"], json!([{"bearer": []}]));
}

/// The fields of an entry are those of the GraphQL API.
#[test]
fn an_entry_has_the_fields_that_it_has_by_graphql() {
    let sdl = afterimage::graphql::sdl();
    let block =
        sdl.split("\ntype AuditLog {").nth(1).expect("the type").split("\n}").next().expect("its end").to_owned();
    let field = |line: &str| {
        let name = line.trim().split([':', '(']).next()?;
        let is_field = line.starts_with("  ") && line.contains(": ") && name.chars().all(char::is_alphanumeric);
        is_field.then(|| name.to_owned())
    };
    let mut description = false;
    let mut fields: Vec<String> = Vec::new();
    for line in block.lines() {
        if line.trim().starts_with("\"\"\"") {
            description = !description;
        } else if !description {
            fields.extend(field(line));
        }
    }
    let document = document();
    let schema = &document["components"]["schemas"]["Entry"];
    let properties: Vec<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    let (mut fields, mut properties) = (fields, properties);
    fields.sort_unstable();
    properties.sort_unstable();
    assert_eq!(fields, properties);
    assert_eq!(schema["required"].as_array().map(Vec::len), Some(properties.len()));
}
