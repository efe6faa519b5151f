//! Capture on PostgreSQL: whatever changes a row, and however it is done, the log has it. (What it is on SQLite is tested
//! beside the code.)

mod altered;
mod altered_types;
mod bulk;
mod cascades;
mod context;
mod health;
mod partitions;
mod replicated;
mod settings;
mod sizes;
mod statements;
mod transactions;
mod users_triggers;
mod ways;

use serde_json::json;

use crate::support::{Api, Kind, World};

/// A server over a PostgreSQL database in which the test made these tables, all tracked.
async fn tracked(tables: &str, names: &[&str]) -> (World, Api) {
    let world = World::new(Kind::Postgres).await;
    let api = Api::start(&world).await;
    world.sql(tables).await;
    for name in names {
        api.track(name).await;
    }
    (world, api)
}

/// Everything that was recorded of the application's tables, in order: action, table, record id, old and new values.
async fn entries(world: &World) -> Vec<String> {
    let sql = "select concat_ws(' ', action, table_name, record_id, coalesce('<' || previous_record_id, ''), \
        coalesce(old_values::text, '-'), coalesce(new_values::text, '-'), redacted::text) \
        from afterimage.log where table_name not like 'afterimage.%' order by id";
    world.rows(sql).await.into_iter().map(|row| row[0].clone().expect("text").replace("  ", " ")).collect()
}

async fn health_of(api: &Api, table: &str) -> String {
    let data = api.ask("{ trackedTables { tableName health } }", json!({})).await;
    let all = data["trackedTables"].as_array().expect("a list");
    let found = all.iter().find(|each| each["tableName"] == table).unwrap_or_else(|| panic!("{table} in {data}"));
    found["health"].as_str().expect("text").to_owned()
}
