//! A document that was executed before is answered by a plan, and its answer is byte for byte what the schema answers.
//! A comment behind a document makes another document of it, which the schema has to look at.

mod documents;
mod recording;

use afterimage::auth::Role;
use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Value, json};

use crate::filter_agreement::strategies::{self, any_input, any_row};
use crate::support::{Api, World, both, by_hand, runner};
use documents::{any_document, any_variables};

/// Entries of each kind.
const ENTRIES: usize = 40;
const DOCUMENTS: usize = 150;

async fn fill(world: &World, api: &Api, runner: &mut proptest::test_runner::TestRunner) {
    let mut some = |count: usize| {
        let inputs: Vec<Value> =
            (0..count).map(|_| any_input().new_tree(runner).expect("an input").current()).collect();
        let rows: Vec<String> = (0..count).map(|_| any_row().new_tree(runner).expect("a row").current()).collect();
        (inputs, rows)
    };
    let (inputs, rows) = some(ENTRIES);
    api.record(inputs.into_iter().map(|input| by_hand("", input)).collect::<Vec<_>>()).await;
    world.insert(strategies::ROW_COLUMNS, &rows.join(",")).await;
    // Some that point at others.
    for (id, reversed) in [(3, 1), (4, 1), (5, 3)] {
        let columns = "action, table_name, record_id, undo_of, source";
        world.insert(columns, &format!("('UPDATE', 'products', '{id}', {reversed}, 'UNDO')")).await;
    }
}

async fn post(api: &Api, document: &str, variables: &Value) -> (StatusCode, String) {
    post_as(api, &[Role::Auditor], document, variables).await
}

async fn post_as(api: &Api, roles: &[Role], document: &str, variables: &Value) -> (StatusCode, String) {
    let body = json!({"query": document, "variables": variables}).to_string();
    api.post(&api.token(roles), &body).await
}

both! {
    async fn a_plan_answers_what_the_schema_answers(world: World) {
        let api = Api::start(&world).await;
        let mut runner = runner(1);
        fill(&world, &api, &mut runner).await;
        let (mut tried, mut answered, mut refused) = (0, 0, 0);
        for _ in 0..DOCUMENTS {
            let document = any_document().new_tree(&mut runner).expect("a document").current();
            // Executed once without an error, the document has its plan.
            let (status, first) = post(&api, &document, &documents::plain_variables()).await;
            assert!(status == StatusCode::OK && !first.contains("\"errors\""), "{first}\nto: {document}");
            for _ in 0..4 {
                let variables = any_variables().new_tree(&mut runner).expect("variables").current();
                // Each comment makes a document that the schema has not seen yet.
                tried += 1;
                let by_schema = post(&api, &format!("{document} # {tried}"), &variables).await;
                let by_plan = post(&api, &document, &variables).await;
                assert_eq!(by_schema, by_plan, "to {document}\nwith {variables}");
                *if by_plan.1.contains("\"errors\"") { &mut refused } else { &mut answered } += 1;
            }
        }
        assert!(answered > 200 && refused > 30, "{answered} answered, {refused} refused");
    }

    async fn a_plan_asks_who_calls_and_reads_the_log_anew(world: World) {
        let api = Api::start(&world).await;
        let document = "{ auditLogs { nodes { tableName } } }";
        for table in ["a", "b", "c"] {
            api.record([by_hand("", json!({"tableName": table}))]).await;
            let nodes = api.ask(document, json!({})).await["auditLogs"]["nodes"].clone();
            assert_eq!(nodes[0]["tableName"], table);
        }
        let (code, _) = api.refusal_as(&[Role::Writer], document, json!({})).await;
        assert_eq!(code, "FORBIDDEN");
        let (status, _) = api.post("no token", &json!({"query": document}).to_string()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}
