//! The other lists are cut in the same way.

use serde_json::{Value, json};

use crate::support::{Api, both};

/// Walks through a list by pages of two, forwards and backwards.
async fn walk(api: &Api, field: &str, arguments: &str) -> (Vec<String>, Vec<String>) {
    let ask = async |page: String| {
        let query = format!(
            "{{ list: {field}({arguments} {page}) {{ totalCount nodes {{ recordId userId }} \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        api.ask(&query, json!({})).await["list"].clone()
    };
    let keys = |page: &Value| -> Vec<String> {
        let key = |node: &Value| format!("{}/{}", node["recordId"], node["userId"]).replace('"', "");
        page["nodes"].as_array().unwrap().iter().map(key).collect()
    };
    let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
    let mut page = ask("first: 2".to_owned()).await;
    forwards.extend(keys(&page));
    while page["pageInfo"]["hasNextPage"] == true {
        page = ask(format!("first: 2, after: {}", page["pageInfo"]["endCursor"])).await;
        assert_eq!(page["pageInfo"]["hasPreviousPage"], true);
        forwards.extend(keys(&page));
    }
    assert_eq!(page["totalCount"], forwards.len());
    page = ask("last: 2".to_owned()).await;
    backwards.splice(0..0, keys(&page));
    while page["pageInfo"]["hasPreviousPage"] == true {
        page = ask(format!("last: 2, before: {}", page["pageInfo"]["startCursor"])).await;
        assert_eq!(page["pageInfo"]["hasNextPage"], true);
        backwards.splice(0..0, keys(&page));
    }
    assert_eq!(keys(&ask("first: 2, offset: 1".to_owned()).await), forwards[1..3]);
    (forwards, backwards)
}

both! {
    async fn the_trash_is_walked_through_both_ways(world: World) {
        let api = Api::start(&world).await;
        let rows: Vec<String> = (0..7).map(|n| format!("('DELETE', 't', '{n}', '1'), ('READ', 't', '{n}', '2')")).collect();
        world.insert("action, table_name, record_id, user_id", &rows.join(",")).await;
        world.insert("action, table_name, record_id", "('CREATE', 't', '3')").await;
        let (forwards, backwards) = walk(&api, "trash", "filter: {userId: 1},").await;
        assert_eq!(forwards, ["6/1", "5/1", "4/1", "2/1", "1/1", "0/1"]);
        assert_eq!(backwards, forwards);
    }

    async fn the_history_of_an_object_is_walked_through_both_ways(world: World) {
        let api = Api::start(&world).await;
        let rows: Vec<String> =
            (0..5).map(|n| format!("('UPDATE', 't', '7', '{n}'), ('UPDATE', 't', '8', '{n}'), ('UPDATE', 'u', '7', '{n}')")).collect();
        world.insert("action, table_name, record_id, user_id", &rows.join(",")).await;
        let (forwards, backwards) = walk(&api, "objectHistory", "tableName: \"t\", recordId: 7,").await;
        assert_eq!(forwards, ["7/4", "7/3", "7/2", "7/1", "7/0"]);
        assert_eq!(backwards, forwards);
        let filtered = walk(&api, "objectHistory", "tableName: \"t\", recordId: \"7\", filter: {not: {userId: 2}},").await;
        assert_eq!(filtered.0, ["7/4", "7/3", "7/1", "7/0"]);
        let query = "{ objectHistory(tableName: \"t\", recordId: \"9\") { totalCount nodes { id } } }";
        assert_eq!(api.ask(query, json!({})).await["objectHistory"], json!({"totalCount": 0, "nodes": []}));
    }
}
