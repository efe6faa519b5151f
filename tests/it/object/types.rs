//! Whatever a row held, it is shown again to the last digit, from an image as from the row itself.

use super::{OBJECT, moment, tracked};
use crate::support::{Api, Kind, World};
use crate::undo::types::{POSTGRES, SETUP, SQLITE_VALUES, STRANGE};
use afterimage::auth::Role;
use serde_json::json;

/// What the field says, as it stands in the answer.
async fn text(api: &Api, table: &str, record_id: &str, field: &str) -> String {
    let query = format!("{OBJECT}x: {field} }} }}");
    let body = json!({"query": query, "variables": {"t": table, "r": record_id}}).to_string();
    let (_, answer) = api.post(&api.token(&[Role::Admin]), &body).await;
    let inner = answer.strip_prefix("{\"data\":{\"trackedObject\":{\"x\":").and_then(|rest| rest.strip_suffix("}}}"));
    inner.unwrap_or_else(|| panic!("{answer}\nto {query}")).to_owned()
}

async fn at(api: &Api, table: &str, id: usize, instant: &str) -> String {
    text(api, table, &id.to_string(), &format!("at(instant: {instant:?})")).await
}

/// The new image that the log holds of a creation.
async fn image(world: &World, table: &str, id: usize) -> String {
    let log = world.log();
    let image = format!(
        "select new_values from {log} where table_name = '{table}' and record_id = '{id}' and action = 'CREATE'"
    );
    world.scalar(&image).await
}

/// Rows as they were before tracking, after an update and after a deletion, by the row that is there, by old and by new
/// values; and the same values as a creation's image writes them.
async fn every_value_is_shown_as_it_was(world: &World, api: &Api, table: &str, count: usize, change: &str) {
    let first = moment(world).await;
    let copies = format!("{STRANGES}insert into {table} (id, v) select id + 100, v from {table}");
    let strange = if world.kind == Kind::Postgres { STRANGE } else { "" };
    world.sql(&copies.replace(STRANGES, strange)).await;
    let mut rows = Vec::new();
    for id in 0..count {
        let row = text(api, table, &id.to_string(), "current").await;
        assert_eq!(at(api, table, id, &first).await, row, "{table}: by the row itself");
        let copy = row.replacen(&format!("\"id\":{id}"), &format!("\"id\":{}", id + 100), 1);
        assert_eq!(image(world, table, id + 100).await, copy, "{table}: as an image writes it");
        rows.push(row);
    }
    world.sql(&format!("{strange}{change}")).await;
    let second = moment(world).await;
    let mut changed = Vec::new();
    for (id, row) in rows.iter().enumerate() {
        changed.push(text(api, table, &id.to_string(), "current").await);
        assert_eq!(&at(api, table, id, &first).await, row, "{table}: by an old value");
    }
    world.sql(&format!("{strange}delete from {table}")).await;
    for (id, (row, changed)) in rows.iter().zip(&changed).enumerate() {
        assert_eq!(&at(api, table, id, &first).await, row, "{table}: by an image, the row being gone");
        assert_eq!(&at(api, table, id, &second).await, changed, "{table}: by a new value");
        assert_eq!(text(api, table, &id.to_string(), "current").await, "null");
    }
}

/// Stands for settings of the writing session.
const STRANGES: &str = "/* settings */";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_is_shown_as_it_was_on_postgres() {
    let world = World::new(Kind::Postgres).await;
    let api = tracked(&world, SETUP, &[]).await;
    for (number, (kind, values)) in POSTGRES.iter().enumerate() {
        let table = format!("t{number}");
        let filler = if *kind == "must" { "'filler'" } else { "null" };
        let tuples: Vec<String> = values.iter().enumerate().map(|(id, value)| format!("({id}, {value})")).collect();
        world.sql(&format!("create table {table} (id int primary key, v {kind})")).await;
        world.sql(&format!("insert into {table} values {}", tuples.join(", "))).await;
        api.track(&table).await;
        let change = format!("update {table} set v = {filler}");
        every_value_is_shown_as_it_was(&world, &api, &table, values.len(), &change).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_storage_class_is_shown_as_it_was_on_sqlite() {
    let world = World::new(Kind::Sqlite).await;
    let api = tracked(&world, "select 1", &[]).await;
    for (number, form) in ["", "blob", "text", "integer", "real", "numeric"].iter().enumerate() {
        let table = format!("t{number}");
        let tail = if number % 2 == 0 { "without rowid" } else { "" };
        let tuples: Vec<String> = SQLITE_VALUES.iter().enumerate().map(|(id, v)| format!("({id}, {v})")).collect();
        world
            .sql(&format!(
                "create table {table} (id integer primary key not null, v {form}) {tail};
                 insert into {table} values {}",
                tuples.join(", ")
            ))
            .await;
        api.track(&table).await;
        let change = format!("update {table} set v = null");
        every_value_is_shown_as_it_was(&world, &api, &table, tuples.len(), &change).await;
    }
}
