use async_graphql::parser::parse_query;

use super::Plan;

fn plan(text: &str) -> Option<Plan> {
    let document = parse_query(text).unwrap();
    let (_, operation) = document.operations.iter().next().unwrap();
    Plan::of(&document, None, &operation.node)
}

#[test]
fn documents_that_only_read_entries_have_a_plan() {
    for text in [
        "{ __typename }",
        "{ auditLog(id: 1) { id changes { field old } undoOf { id undoneBy { id } } } }",
        "query($n: Int) { a: auditLogs(first: $n) { nodes { id } pageInfo { endCursor } } b: trash { totalCount } }",
        "{ objectHistory(tableName: \"t\", recordId: 1) { edges { cursor node { ...F } } } } fragment F on AuditLog { id }",
        "{ ... on Query { auditLogs { __typename } } }",
    ] {
        assert!(plan(text).is_some(), "{text}");
    }
}

#[test]
fn documents_that_record_entries_have_a_plan() {
    for text in [
        "mutation ($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id changes { field } } } }",
        "mutation ($i: [CreateAuditLogInput!]!) { a: createAuditLogs(inputs: $i) { __typename b: auditLogs { id } } }",
    ] {
        assert!(plan(text).is_some(), "{text}");
    }
}

#[test]
fn other_documents_are_left_to_the_library() {
    for text in [
        "mutation { undo(id: 1) { auditLog { id } } }",
        "mutation { __typename }",
        "mutation { a: createAuditLog(input: {}) { __typename } b: createAuditLog(input: {}) { __typename } }",
        "mutation { createAuditLog(input: {}) { auditLogs { id } } }",
        "mutation { createAuditLog(input: {}) { auditLog { id undoneBy { id } } } }",
        "query { createAuditLog(input: {}) { auditLog { id } } }",
        "query A { auditLog(id: 1) { id } } query B { auditLog(id: 2) { id } }",
        "subscription { auditLogAdded { cursor } }",
        "{ viewer { userId } }",
        "{ auditLogs { nodes { id } } summary { total } }",
        "{ auditLogs { nodes { id @include(if: true) } } }",
        "query @x { auditLogs { nodes { id } } }",
        "{ auditLogs { ...F @skip(if: false) } } fragment F on AuditLogConnection { totalCount }",
        "{ auditLogs { nodes { id } nodes { action } } }",
        "{ auditLogs { unknown } }",
        "{ auditLogs { ...Gone } }",
    ] {
        assert!(plan(text).is_none(), "{text}");
    }
}

#[test]
fn a_circle_of_fragments_has_no_plan() {
    assert!(plan("{ auditLogs { nodes { ...A } } } fragment A on AuditLog { undoOf { ...A } }").is_none());
    assert!(plan("{ ...A } fragment A on Query { ...A }").is_none());
}
