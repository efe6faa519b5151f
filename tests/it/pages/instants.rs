//! Instants that only someone who writes the log directly can put there.

use serde_json::{Value, json};

use crate::support::{Api, Kind, World};

/// One of them must not keep others from being read.
#[tokio::test]
async fn an_instant_that_cannot_be_shown_is_shown_as_the_end_of_those_that_can() {
    let world = World::new(Kind::Postgres).await;
    let api = Api::start(&world).await;
    let instants =
        ["infinity", "294276-12-31 23:59:59+00", "2026-01-01 00:00+00", "4713-12-31 00:00+00 BC", "-infinity"];
    let row = |(key, instant)| format!("('READ', 't', '{key}', '{instant}')");
    let rows: Vec<String> = instants.iter().enumerate().map(row).collect();
    world.insert("action, table_name, record_id, \"timestamp\"", &rows.join(",")).await;
    let query = "{ auditLogs(first: 10) { nodes { recordId timestamp } totalCount } summary { total } }";
    let data = api.ask(query, json!({})).await;
    let nodes: Vec<(&str, &str)> = data["auditLogs"]["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|node| (node["recordId"].as_str().expect("text"), node["timestamp"].as_str().expect("text")))
        .collect();
    assert_eq!(
        nodes,
        [
            ("0", "9999-12-31T23:59:59.999999Z"),
            ("1", "9999-12-31T23:59:59.999999Z"),
            ("2", "2026-01-01T00:00:00.000000Z"),
            ("3", "0000-01-01T00:00:00.000000Z"),
            ("4", "0000-01-01T00:00:00.000000Z"),
        ]
    );
    // Page by page, in either direction, nobody goes round in circles.
    for (size, place, end) in [("first", "after", "endCursor"), ("last", "before", "startCursor")] {
        let query = format!(
            "query($c: String) {{ auditLogs({size}: 1, {place}: $c) {{ nodes {{ recordId }} pageInfo {{ {end} }} }} }}"
        );
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let data = api.ask(&query, json!({"c": cursor})).await;
            let Some(node) = data["auditLogs"]["nodes"].get(0) else { break };
            let id = node["recordId"].as_str().expect("text").to_owned();
            assert!(!seen.contains(&id), "{id} after {seen:?}");
            seen.push(id);
            cursor = data["auditLogs"]["pageInfo"][end].clone();
        }
        assert!(seen.contains(&"2".to_owned()), "{seen:?}");
    }
}
