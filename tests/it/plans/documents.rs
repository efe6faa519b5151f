//! Random documents that a plan can be made of, and variables for them, good and bad.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const ENTRY_FIELDS: [&str; 22] = [
    "__typename",
    "id",
    "timestamp",
    "action",
    "tableName",
    "recordId",
    "previousRecordId",
    "userId",
    "username",
    "oldValues",
    "newValues",
    "changes { field old new oldText newText redacted __typename }",
    "description",
    "ipAddress",
    "correlationId",
    "transactionId",
    "metadata",
    "source",
    "databaseRole",
    "recordedBy",
    "undoOf { id undoOf { id action } }",
    "undoneBy { ...Few undoneBy { newValues } }",
];

/// All of them may be used by every root, so that no variable goes unused.
const DECLARATIONS: &str = "$first: Int, $last: Int, $offset: Int, $after: String, $before: String, $id: ID! = 1, \
     $table: String! = \"products\", $record: ID! = 3, $filter: AuditLogFilter, $users: [ID!], $start: Instant, \
     $search: String = \"a\", $not: AuditLogFilter, $action: [AuditAction!]";

/// A root that uses every variable.
const USES_ALL: &str = "all: auditLogs(first: $first, last: $last, offset: $offset, after: $after, before: $before, \
     filter: {userId: $users, start: $start, search: $search, not: $not, action: $action}) { pageInfo { hasNextPage } }";

fn entry() -> impl Strategy<Value = String> {
    (btree_set(select(&ENTRY_FIELDS[..]), 1..8), any::<bool>(), any::<bool>()).prop_map(|(fields, spread, inline)| {
        let mut text = fields.into_iter().collect::<Vec<_>>().join(" ");
        if spread {
            text += " ...More";
        }
        if inline {
            text += " ... on AuditLog { also: recordId }";
        }
        text
    })
}

fn page() -> impl Strategy<Value = String> {
    (entry(), entry(), any::<[bool; 4]>()).prop_map(|(node, other, [edges, nodes, info, total])| {
        let mut text = String::from("__typename");
        if edges {
            text += &format!(" edges {{ cursor __typename node {{ {node} }} }}");
        }
        if nodes {
            text += &format!(" nodes {{ {other} }}");
        }
        if info {
            text += " pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename }";
        }
        if total {
            text += " totalCount";
        }
        text
    })
}

fn root() -> impl Strategy<Value = String> {
    let paging = "first: $first, last: $last, offset: $offset, after: $after, before: $before";
    let list = (select(vec!["auditLogs", "trash", "objectHistory"]), page()).prop_map(move |(name, fields)| {
        let object = if name == "objectHistory" { "tableName: $table, recordId: $record, " } else { "" };
        format!("{name}({object}{paging}, filter: $filter) {{ {fields} }}")
    });
    prop_oneof![
        4 => list,
        1 => page().prop_map(|fields| format!("auditLogs(filter: {{action: [CREATE, DELETE], hasUser: true}}, first: 7) {{ {fields} }}")),
        1 => entry().prop_map(|fields| format!("auditLog(id: 3) {{ {fields} }}")),
        1 => entry().prop_map(|fields| format!("auditLog(id: 100000) {{ {fields} }}")),
    ]
}

/// A document of one to three roots under aliases.
pub fn any_document() -> impl Strategy<Value = String> {
    (vec(root(), 1..4), any::<bool>(), option::of(0..9u8)).prop_map(|(roots, fragment, name)| {
        let roots: Vec<String> = roots.iter().enumerate().map(|(place, root)| format!("r{place}: {root}")).collect();
        let roots = match fragment {
            true => format!("... on Query {{ {} }} __typename", roots.join(" ")),
            false => roots.join("\n"),
        };
        let name = name.map(|name| format!("Q{name}")).unwrap_or_default();
        // Names of fragments that are not used would be refused, as variables are: what uses them all comes last.
        let rest = format!(
            "used: auditLog(id: $id) {{ ...More undoneBy {{ ...Few }} }} \
             {} history: objectHistory(tableName: $table, recordId: $record, filter: $filter) {{ pageInfo {{ endCursor }} }}",
            USES_ALL
        );
        format!(
            "query {name}({}) {{ {roots} {rest} }} fragment More on AuditLog {{ more: description changes {{ field }} }} \
             fragment Few on AuditLog {{ id few: username }}",
            DECLARATIONS
        )
    })
}

/// Variables with which every document is answered.
pub fn plain_variables() -> Value {
    json!({"first": 3})
}

fn filter() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![select(vec![
        json!({}),
        json!({"userId": ["a", "ann"]}),
        json!({"userId": "a"}),
        json!({"userId": [7]}),
        json!({"hasUser": false}),
        json!({"username": null}),
        json!({"tableName": ["a", "products"], "action": ["UPDATE", "READ"]}),
        json!({"action": "CREATE"}),
        json!({"action": ["NONE"]}),
        json!({"start": "2026-03-01", "end": 1_900_000_000}),
        json!({"start": "no day"}),
        json!({"search": "%"}),
        json!({"changedField": ["a"], "source": ["API"]}),
        json!({"ipAddress": "10.0.0.0/8"}),
        json!({"ipAddress": "nowhere"}),
        json!({"recordId": []}),
        json!({"unknown": 1}),
        json!({"hasUser": 1}),
        json!({"search": 1.10}),
        json!("text"),
        json!(null),
    ])];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|filters| json!({"or": filters})),
            vec(inner.clone(), 0..3).prop_map(|filters| json!({"and": filters})),
            inner.prop_map(|filter| json!({"not": filter})),
        ]
    })
}

/// Variables, some of which are refused.
pub fn any_variables() -> impl Strategy<Value = Value> {
    let number = || {
        select(vec![
            json!(1),
            json!(2),
            json!(7),
            json!(null),
            json!(0),
            json!(1.5),
            json!("3"),
            json!(5_000_000_000_i64),
        ])
    };
    let size = || prop_oneof![6 => select(vec![json!(1), json!(3), json!(50)]), 1 => number()];
    let few = |name: &'static str, strategy: BoxedStrategy<Value>, rarity: u32| prop_oneof![rarity => Just(None), 1 => strategy.prop_map(move |value| Some((name.to_owned(), value)))];
    let members = (
        few("first", size().boxed(), 1),
        few("last", size().boxed(), 12),
        few("offset", number().boxed(), 8),
        few("after", select(vec![json!("no cursor"), json!(null), json!(7)]).boxed(), 20),
        few("id", select(vec![json!(4), json!("5"), json!("none"), json!(null), json!(-1), json!(true)]).boxed(), 5),
        few("table", select(vec![json!("a"), json!("ann"), json!(null), json!(1)]).boxed(), 4),
        few("record", select(vec![json!("a"), json!(5), json!("é"), json!(null)]).boxed(), 4),
        few("filter", filter().boxed(), 1),
        few("users", select(vec![json!(["a", 1]), json!([]), json!(null), json!("ann"), json!([null])]).boxed(), 3),
        few("not", filter().boxed(), 4),
        few("action", select(vec![json!(["CREATE"]), json!("DELETE"), json!(["x"])]).boxed(), 6),
        few("unknown", Just(json!({"x": 1})).boxed(), 9),
    );
    members.prop_map(|members| {
        let (a, b, c, d, e, f, g, h, i, j, k, l) = members;
        Value::Object([a, b, c, d, e, f, g, h, i, j, k, l].into_iter().flatten().collect::<Map<_, _>>())
    })
}
