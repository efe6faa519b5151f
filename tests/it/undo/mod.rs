//! Undo: what it does to rows and what it says about it, on both databases.

mod big;
mod collations;
mod concurrency;
mod created;
mod cycles;
mod dangling;
mod deleted;
mod encoding;
mod kept;
mod keys;
mod later;
mod linked;
mod order;
mod outcome;
mod plan_hash;
mod preview;
mod random;
mod redo;
mod rekeyed;
mod replaced;
mod schema_changes;
mod taken;
mod transaction;
mod triggers;
pub(crate) mod types;
mod updated;

use afterimage::auth::Role;
use serde_json::{Value, json};

use crate::support::{Api, Kind, World};

const UNDO: &str = "mutation($id: ID!, $reason: String) { undo(id: $id, reason: $reason) { \
    auditLog { id action recordId } \
    entries { action tableName recordId source userId username description undoOf { id } } \
    effects { tableName recordId action changes { field old new } } \
    derived { tableName recordId action changes { field old new } } \
    skipped { field expected current } } }";

/// Tables that the test made, tracked.
async fn tracked(world: &World, tables: &str, names: &[&str]) -> Api {
    let api = Api::start(world).await;
    world.sql(tables).await;
    for name in names {
        api.track(name).await;
    }
    api
}

/// The id of the latest entry of this action about an object.
async fn entry(api: &Api, action: &str, table: &str, record_id: &str) -> String {
    let query = "query($f: AuditLogFilter) { auditLogs(filter: $f, first: 1) { nodes { id } } }";
    let filter = json!({"tableName": [table], "recordId": [record_id], "action": [action]});
    let data = api.ask(query, json!({"f": filter})).await;
    let id = &data["auditLogs"]["nodes"][0]["id"];
    id.as_str().unwrap_or_else(|| panic!("no {action} of {table} {record_id}: {data}")).to_owned()
}

/// Undoes an entry; the payload.
async fn undo(api: &Api, id: &str) -> Value {
    api.ask(UNDO, json!({"id": id, "reason": "a mistake"})).await["undo"].take()
}

/// The code and sentence with which an undo is refused; and nothing but the record of it is left behind.
async fn refused(world: &World, api: &Api, id: &str) -> (String, String) {
    let before = state(world).await;
    let refusal = api.refusal_as(&[Role::Admin], UNDO, json!({"id": id})).await;
    let after = state(world).await;
    assert_eq!(after[..before.len()], before, "{refusal:?}");
    let log = log_table(world);
    let left =
        format!("select action, record_id, description from {log} where table_name = 'afterimage.undo' order by id");
    let added = world.rows(&left).await;
    let expected = usize::from(matches!(refusal.0.as_str(), "CONFLICT" | "NOT_UNDOABLE"));
    assert_eq!(after.len(), before.len() + expected, "{refusal:?}");
    if expected == 1 {
        let last = added.last().expect("a refusal");
        assert_eq!(last[..2], [Some("READ".to_owned()), Some(id.to_owned())]);
        assert!(last[2].as_ref().is_some_and(|text| text.contains(&refusal.1)), "{last:?}");
    }
    refusal
}

async fn conflict(world: &World, api: &Api, id: &str, part: &str) {
    let (code, message) = refused(world, api, id).await;
    assert_eq!(code, "CONFLICT", "{message}");
    assert!(message.contains(part), "{message:?} has no {part:?}");
}

fn log_table(world: &World) -> &'static str {
    match world.kind {
        Kind::Sqlite => "afterimage_log",
        Kind::Postgres => "afterimage.log",
    }
}

async fn state(world: &World) -> Vec<Vec<Option<String>>> {
    let log = log_table(world);
    world.rows(&format!("select id, action, table_name, record_id, undo_of from {log} order by id")).await
}

/// Every row of a table as text, byte for byte, in an order of its own.
async fn rows(world: &World, table: &str) -> Vec<String> {
    let sql = match world.kind {
        Kind::Postgres => format!("select t::text from {table} as t"),
        Kind::Sqlite => {
            let name = table.trim_matches('"').replace('\'', "''");
            let columns = world.rows(&format!("select name from pragma_table_xinfo('{name}') where hidden <> 1")).await;
            let column = |row: &Vec<Option<String>>| {
                let column = format!("\"{}\"", row[0].as_deref().unwrap_or_default().replace('"', "\"\""));
                format!(
                    "case typeof({column}) when 'text' then 't' || hex({column}) when 'blob' then 'b' || hex({column}) \
                     when 'real' then printf('%!.20g', {column}) when 'null' then 'null' else {column} || '' end"
                )
            };
            let columns: Vec<String> = columns.iter().map(column).collect();
            format!("select {} from {table}", columns.join(" || ',' || "))
        }
    };
    let mut rows: Vec<String> = world.rows(&sql).await.into_iter().map(|row| row[0].clone().expect("text")).collect();
    rows.sort();
    rows
}

fn sql_text<'a>(world: &World, postgres: &'a str, sqlite: &'a str) -> &'a str {
    match world.kind {
        Kind::Postgres => postgres,
        Kind::Sqlite => sqlite,
    }
}

const PLAN: &str = "auditLog { id } possible code reason \
    effects { tableName recordId action changes { field old new redacted } } \
    laterEntries { id } skipped { tableName recordId field expected current } planHash";

/// What an undo would do.
async fn preview(api: &Api, id: &str, restore_linked: bool) -> Value {
    let query = format!("query($id: ID!, $l: Boolean) {{ undoPreview(id: $id, restoreLinked: $l) {{ {PLAN} }} }}");
    api.ask(&query, json!({"id": id, "l": restore_linked})).await["undoPreview"].take()
}

/// What an undo of a transaction would do.
async fn preview_transaction(api: &Api, id: &str) -> Value {
    let query = format!("query($id: ID!) {{ undoTransactionPreview(transactionId: $id) {{ {PLAN} }} }}");
    api.ask(&query, json!({"id": id})).await["undoTransactionPreview"].take()
}

const PAYLOAD: &str = "auditLog { id transactionId recordId } \
    entries { id action tableName recordId undoOf { id } } \
    effects { tableName recordId action changes { field old new redacted } } \
    derived { tableName recordId action changes { field old new } } \
    skipped { tableName recordId field expected current }";

fn undo_mutation() -> String {
    format!(
        "mutation($id: ID!, $l: Boolean, $h: String) {{ undo(id: $id, restoreLinked: $l, planHash: $h) {{ {PAYLOAD} }} }}"
    )
}

fn undo_transaction_mutation() -> String {
    format!("mutation($id: ID!, $h: String) {{ undoTransaction(transactionId: $id, planHash: $h) {{ {PAYLOAD} }} }}")
}

/// Undoes a transaction as its preview says; the payload.
async fn undo_transaction(api: &Api, id: &str) -> Value {
    let plan = preview_transaction(api, id).await;
    assert_eq!(plan["possible"], true, "{plan}");
    let hash = plan["planHash"].clone();
    let mut data = api.ask(&undo_transaction_mutation(), json!({"id": id, "h": hash})).await;
    let done = data["undoTransaction"].take();
    assert_eq!(sorted(&done["effects"]), sorted(&plan["effects"]));
    assert_eq!(done["skipped"], plan["skipped"]);
    done
}

/// Undoes an entry as its preview says; the payload.
async fn undo_as_planned(api: &Api, id: &str, restore_linked: bool) -> Value {
    let plan = preview(api, id, restore_linked).await;
    assert_eq!(plan["possible"], true, "{plan}");
    let hash = plan["planHash"].clone();
    let mut data = api.ask(&undo_mutation(), json!({"id": id, "l": restore_linked, "h": hash})).await;
    let done = data["undo"].take();
    assert_eq!(sorted(&done["effects"]), sorted(&plan["effects"]));
    assert_eq!(done["skipped"], plan["skipped"]);
    done
}

/// What goes in one statement comes in any order.
fn sorted(list: &Value) -> Vec<String> {
    let mut list: Vec<String> = list.as_array().expect("a list").iter().map(Value::to_string).collect();
    list.sort();
    list
}

/// What was done, in order: action, table and record id.
fn steps(list: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let step = |e: &Value| format!("{} {} {}", text(&e["action"]), text(&e["tableName"]), text(&e["recordId"]));
    list.as_array().expect("a list").iter().map(step).collect()
}

/// Runs statements as one transaction that has an id; the id.
async fn transaction(world: &World, api: &Api, sql: &str) -> String {
    world
        .sql(&match world.kind {
            Kind::Postgres => format!("begin; {sql}; commit"),
            Kind::Sqlite => format!(
                "begin immediate; insert into afterimage_context (user_id) values ('7'); {sql}; \
                 delete from afterimage_context; commit"
            ),
        })
        .await;
    last_transaction(api).await
}

/// The id of the transaction of the latest entry.
async fn last_transaction(api: &Api) -> String {
    let data = api.ask("{ auditLogs(first: 1) { nodes { transactionId } } }", json!({})).await;
    data["auditLogs"]["nodes"][0]["transactionId"].as_str().expect("a transaction").to_owned()
}

/// The code and sentence with which the undo of a transaction is refused; nothing but the record of it is left behind,
/// and its preview says the same.
async fn refused_transaction(world: &World, api: &Api, id: &str) -> (String, String) {
    let before = state(world).await;
    let query = format!("query($id: ID!) {{ undoTransactionPreview(transactionId: $id) {{ {PLAN} }} }}");
    let plan = api.answer_as(&[Role::Auditor], &query, json!({"id": id})).await;
    assert_eq!(state(world).await, before, "a preview leaves nothing");
    let refusal = api.refusal(&undo_transaction_mutation(), json!({"id": id})).await;
    let after = state(world).await;
    assert_eq!(after[..before.len()], before, "{refusal:?}");
    let left: Vec<Option<String>> = after[before.len()..].iter().flat_map(|row| row[1..4].to_vec()).collect();
    if refusal.0 == "NOT_FOUND" {
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(plan["errors"][0]["extensions"]["code"], "NOT_FOUND");
    } else {
        assert_eq!(left, ["READ", "afterimage.undo", id].map(|text| Some(text.to_owned())));
        let plan = &plan["data"]["undoTransactionPreview"];
        assert_eq!((&plan["possible"], &plan["code"]), (&json!(false), &json!(refusal.0)));
        assert_eq!(plan["reason"], json!(refusal.1));
    }
    refusal
}

/// Every row of these tables.
async fn all(world: &World, tables: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for table in tables {
        found.push(rows(world, table).await);
    }
    found
}
