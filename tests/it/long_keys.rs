//! No write is refused because of capture, however long the row's key is; and its entries are found.

use serde_json::{Value, json};

use crate::support::{Api, Kind, World, both};

/// Keys that no index can shorten, each as SQL writes it; as long as the table's own key may be.
fn keys(world: &World) -> Vec<(&'static str, String)> {
    let mut state = 1_u64;
    let mut random = || {
        // A generator of Knuth's: its upper bits are random enough.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let letters: Vec<char> = ('!'..='~').filter(|letter| *letter != '\'').collect();
    let mut text = |length: usize| (0..length).map(|_| letters[random() % letters.len()]).collect::<String>();
    let hex = |text: String| text.bytes().map(|byte| format!("{:02x}", byte ^ 0x5a)).collect::<String>();
    match world.kind {
        // What PostgreSQL's own key holds at the most; of what can be compressed, more.
        Kind::Postgres => vec![
            ("text", format!("'{}'", text(2_650))),
            ("text", "repeat('0123456789', 10000)".to_owned()),
            ("bytea", format!("'\\x{}'", hex(text(2_650)))),
        ],
        Kind::Sqlite => vec![
            ("text", format!("'{}'", text(100_000))),
            ("text", format!("'{}'", "0123456789".repeat(10_000))),
            ("blob", format!("x'{}'", hex(text(100_000)))),
        ],
    }
}

async fn nodes(api: &Api, query: &str, variables: Value) -> Vec<Value> {
    let mut data = api.ask(query, variables).await;
    data["x"]["nodes"].take().as_array().expect("nodes").clone()
}

both! {
    async fn a_row_with_a_long_key_is_captured_found_in_the_trash_and_undone(world: World) {
        let api = Api::start(&world).await;
        for (number, (kind, key)) in keys(&world).into_iter().enumerate() {
            let table = format!("t{number}");
            world.sql(&format!("create table {table} (k {kind} not null primary key, v integer)")).await;
            api.track(&table).await;
            world.sql(&format!("insert into {table} values ({key}, 1)")).await;
            world.sql(&format!("update {table} set v = 2")).await;
            let row = world.rows(&format!("select k, v from {table}")).await;
            world.sql(&format!("delete from {table}")).await;
            let trash = "query($t: String!) { x: trash(filter: {tableName: [$t]}) { nodes { id recordId } } }";
            let deletion = nodes(&api, trash, json!({"t": table})).await;
            assert_eq!(deletion.len(), 1, "{table}");
            let record_id = deletion[0]["recordId"].as_str().expect("a key").to_owned();
            assert!(record_id.len() > 2_600);
            let history = "query($t: String!, $r: ID!) { x: objectHistory(tableName: $t, recordId: $r) { nodes { id action undoOf { id } } } }";
            assert_eq!(nodes(&api, history, json!({"t": table, "r": record_id})).await.len(), 3);
            let undo = "mutation($id: ID!) { undo(id: $id) { auditLog { action } } }";
            api.ask(undo, json!({"id": deletion[0]["id"]})).await;
            assert_eq!(world.rows(&format!("select k, v from {table}")).await, row);
            let all = nodes(&api, history, json!({"t": table, "r": record_id})).await;
            assert_eq!(all[0]["undoOf"]["id"], deletion[0]["id"]);
            assert_eq!(nodes(&api, trash, json!({"t": table})).await.len(), 0);
            let seen = "query($t: String!, $r: ID!) { trackedObject(tableName: $t, recordId: $r) { current at(instant: \"2100-01-01\") blame { auditLog { id } } } }";
            let object = api.ask(seen, json!({"t": table, "r": record_id})).await["trackedObject"].take();
            assert_eq!([&object["current"]["v"], &object["at"]["v"]], [2, 2]);
            assert_eq!(object["blame"][1]["auditLog"]["id"], all[0]["id"]);
            api.ask(undo, json!({"id": all[0]["id"]})).await;
            api.ask(undo, json!({"id": nodes(&api, trash, json!({"t": table})).await[0]["id"]})).await;
            api.ask(undo, json!({"id": all[2]["id"]})).await;
            assert_eq!(world.scalar(&format!("select v from {table}")).await, "1");
        }
    }
}
