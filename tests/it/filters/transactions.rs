//! `transactionId` and `correlationId` of real transactions.

use serde_json::{Value, json};

use crate::support::{Api, Kind, World, both, by_hand};

const SHOW: &str =
    "{ auditLogs(filter: {tableName: \"machines\"}) { nodes { recordId transactionId correlationId } } }";

fn column(nodes: &Value, name: &str) -> Vec<Option<String>> {
    nodes.as_array().unwrap().iter().rev().map(|node| node[name].as_str().map(str::to_owned)).collect()
}

fn machine(id: u32) -> String {
    format!("insert into machines (id, name, kind, status) values ({id}, 'Lathe {id}', 'lathe', 'idle');")
}

/// One transaction with a context that makes these machines.
fn transaction(world: &World, correlation: &str, ids: &[u32]) -> String {
    let inserts: String = ids.iter().map(|id| machine(*id)).collect();
    match world.kind {
        Kind::Sqlite => format!(
            "begin; insert into afterimage_context (correlation_id) values ('{correlation}'); {inserts} \
             delete from afterimage_context; commit;"
        ),
        Kind::Postgres => format!(
            "begin; select set_config('afterimage.context', '{{\"correlationId\": \"{correlation}\"}}', true); \
             {inserts} commit;"
        ),
    }
}

both! {
    async fn the_entries_of_a_transaction_share_its_id(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(&transaction(&world, "x", &[1, 2])).await;
        world.sql(&transaction(&world, "x", &[3])).await;
        let nodes = api.ask(SHOW, json!({})).await["auditLogs"]["nodes"].clone();
        let ids = column(&nodes, "transactionId");
        assert!(ids[0].is_some() && ids[0] == ids[1] && ids[2].is_some() && ids[1] != ids[2], "{ids:?}");
        assert_eq!(api.keys(json!({"tableName": "machines", "transactionId": [ids[0]]})).await, "1 2");
        assert_eq!(api.keys(json!({"transactionId": [ids[0], ids[2]]})).await, "1 2 3");
        assert_eq!(api.keys(json!({"correlationId": ["x"]})).await, "1 2 3");
        assert_eq!(api.keys(json!({"tableName": "machines", "not": {"transactionId": [ids[0]]}})).await, "3");
    }

    async fn entries_by_hand_of_one_call_share_a_transaction(world: World) {
        let api = Api::start(&world).await;
        api.record(json!([by_hand("a", json!({})), by_hand("b", json!({}))])).await;
        api.record(json!([by_hand("c", json!({}))])).await;
        let data = api.ask("{ auditLogs { nodes { transactionId } } }", json!({})).await;
        let ids = column(&data["auditLogs"]["nodes"], "transactionId");
        assert!(ids[0].is_some() && ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
        assert_eq!(api.keys(json!({"transactionId": ids[0]})).await, "a b");
    }

    async fn an_id_that_is_none_finds_nothing(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(&transaction(&world, "x", &[1])).await;
        let nodes = api.ask(SHOW, json!({})).await["auditLogs"]["nodes"].clone();
        let id = column(&nodes, "transactionId")[0].clone().unwrap();
        let bare = id.rsplit('.').next().unwrap().to_owned();
        let mut wrong = vec![format!("0{id}"), format!("{id}0"), format!(" {id}"), format!("+{id}"), format!("{id}."),
            format!("{id}.1"), format!("9{id}")];
        wrong.extend(["", ".", "1.", ".1", "-1.1", "1.-1", "1.1e3", "1.99999999999999999999", "99999999999999999999.1",
            "1.18446744073709551615", "9223372036854775808.1", "c", "s", "c0", "C1", "1.٣", "' or 1=1", "null"].map(str::to_owned));
        if world.kind == Kind::Postgres {
            wrong.push(bare.clone());
            wrong.push(format!("1.0{bare}"));
        }
        for id in wrong {
            assert_eq!(api.keys(json!({"tableName": "machines", "transactionId": [id]})).await, "", "{id:?}");
            let not = json!({"tableName": "machines", "not": {"transactionId": [id]}});
            assert_eq!(api.keys(not).await, "1", "{id:?}");
        }
    }

    /// SQLite numbers no transactions; without a context nothing ties the entries together.
    async fn without_a_context_sqlite_has_no_transaction_id(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(&machine(1)).await;
        let nodes = api.ask(SHOW, json!({})).await["auditLogs"]["nodes"].clone();
        assert_eq!(column(&nodes, "transactionId")[0].is_none(), world.kind == Kind::Sqlite);
    }
}
