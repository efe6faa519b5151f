//! What can be chosen for a tracked table, and what becomes of its triggers while its schema changes.

mod baseline;
mod context;
mod hidden;
mod paused;
mod user;
mod watched;

use serde_json::{Value, json};

use crate::support::{Api, Kind, World};

/// Tracks a table with these options, given as GraphQL writes them.
async fn track(api: &Api, table: &str, options: &str) -> Value {
    let mutation = format!(
        "mutation {{ trackTable(input: {{tableName: \"{table}\" {options}}}) \
         {{ baselineRows warnings trackedTable {{ requiresUser pausedSince redactedColumns health }} }} }}"
    );
    api.ask(&mutation, json!({})).await["trackTable"].take()
}

/// One field of a tracked table.
async fn field(api: &Api, table: &str, field: &str) -> Value {
    let data = api.ask(&format!("{{ trackedTables {{ tableName {field} }} }}"), json!({})).await;
    let all = data["trackedTables"].as_array().expect("a list");
    let found = all.iter().find(|each| each["tableName"] == table).unwrap_or_else(|| panic!("{table} in {data}"));
    found[field].clone()
}

/// What was recorded of a table, the oldest first: action, key, images.
async fn recorded(world: &World, table: &str) -> Vec<String> {
    let images = "coalesce(cast(old_values as text), '-') || ' ' || coalesce(cast(new_values as text), '-')";
    let sql = format!(
        "select action || ' ' || coalesce(record_id, '-') || ' ' || {images} || coalesce(' ' || cast(redacted as text), '') \
         from {} where table_name = '{table}' order by id",
        world.log()
    );
    world.rows(&sql).await.into_iter().map(|row| row[0].clone().expect("text")).collect()
}

/// The latest entry about the capture of a table.
async fn about(api: &Api, table: &str) -> Value {
    let query = "query($t: ID!) { objectHistory(tableName: \"afterimage.tracked_table\", recordId: $t, first: 1) \
        { nodes { action description metadata oldValues newValues source userId } } }";
    api.ask(query, json!({"t": table})).await["objectHistory"]["nodes"][0].take()
}

/// The statements as one transaction of the user `42`.
fn by_ann(world: &World, statements: &str) -> String {
    match world.kind {
        Kind::Sqlite => format!(
            "begin immediate; insert into afterimage_context (user_id) values ('42'); {statements}; \
             delete from afterimage_context; commit"
        ),
        Kind::Postgres => {
            format!("begin; select set_config('afterimage.context', '{{\"userId\": 42}}', true); {statements}; commit")
        }
    }
}
