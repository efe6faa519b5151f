//! Undo: what it does to rows and what it says about it, on both databases.

mod created;
mod deleted;
mod encoding;
mod keys;
mod outcome;
mod replaced;
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
