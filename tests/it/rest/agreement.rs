//! An entry by REST is the entry by GraphQL, to the last byte.

use afterimage::auth::Role;
use afterimage::demo;
use serde_json::json;
use serde_json::value::RawValue;

use super::get;
use crate::support::{Api, auth_settings, both, by_hand, serve_settings};

const FIELDS: &str = "id timestamp action tableName recordId previousRecordId userId username oldValues newValues \
    changes { field old new oldText newText redacted } description ipAddress correlationId transactionId metadata source \
    databaseRole recordedBy undoOf { id } undoneBy { id }";

/// The entries as GraphQL lists them, with ids in the place of the entries that they point at.
async fn by_graphql(api: &Api, root: &str, arguments: &str) -> String {
    let body = json!({"query": format!("{{ {root}({arguments}) {{ nodes {{ {FIELDS} }} }} }}")}).to_string();
    let (_, text) = api.post(&api.token(&[Role::Auditor]), &body).await;
    let list =
        text.strip_prefix(&format!(r#"{{"data":{{"{root}":{{"nodes":"#)).and_then(|rest| rest.strip_suffix("}}}"));
    let mut list = list.unwrap_or_else(|| panic!("{text}")).to_owned();
    for name in ["undoOf", "undoneBy"] {
        let opening = format!(r#""{name}":{{"id":"#);
        while let Some(start) = list.find(&opening) {
            let end = start + list[start..].find('}').expect("it is closed");
            list.remove(end);
            list.replace_range(start..start + opening.len(), &format!(r#""{name}":"#));
        }
    }
    list
}

async fn agree(api: &Api) -> usize {
    let (mut offset, mut seen) = (0, 0);
    loop {
        let rest = get(api, &format!("?limit=1000&offset={offset}")).await;
        assert_eq!(rest.text, by_graphql(api, "auditLogs", &format!("first: 1000, offset: {offset}")).await);
        let count = serde_json::from_str::<Vec<&RawValue>>(&rest.text).expect("a list").len();
        seen += count;
        offset += 1000;
        if count == 0 {
            break;
        }
    }
    let trash = get(api, "/trash?limit=1000").await.text;
    assert_eq!(trash, by_graphql(api, "trash", "first: 1000").await);
    seen
}

both! {
    /// Half a year of two worlds: all actions and sources, redactions, composite keys, changes of keys, undos, contexts.
    async fn the_demo_reads_the_same_by_both(world: World) {
        let server = demo::start(&world.database_url, &auth_settings(), &serve_settings(), &|_| {}).await;
        let api = Api { server: server.expect("the demo is made") };
        assert!(agree(&api).await > 2_000);
        let undone = get(&api, "?limit=1000").await.good();
        let undone = undone.as_array().unwrap().iter().find(|entry| !entry["undoneBy"].is_null()).expect("an undone entry");
        let by = get(&api, &format!("/{}", undone["undoneBy"].as_str().unwrap())).await.good();
        assert_eq!((&by["undoOf"], &by["source"]), (&undone["id"], &json!("UNDO")));
        // One by one they are what they are in the list.
        assert_eq!(get(&api, &format!("/{}", undone["id"].as_str().unwrap())).await.good(), *undone);
        let text = |name: &str| undone[name].as_str().unwrap().to_owned();
        let object = get(&api, &format!("/{}/{}?limit=1000", text("tableName"), text("recordId"))).await.good();
        assert!(object.as_array().unwrap().contains(undone));
    }

    /// Values that only text carries whole.
    async fn values_that_json_readers_would_change_read_the_same_by_both(world: World) {
        let api = Api::start(&world).await;
        let images = [
            r#"{"z":12345678901234567890.1234567891,"a":1.10,"m":1e400,"n":-0,"x":null,"e":"é\"\\\n\u0001","l":[1.0,{"k":2.50}]}"#,
            r#"{"b":{"$blob":"00ff"},"r":{"$real":"Inf"},"t":{"$text":"6100"},"j":{"$json":"null"},"u":{"$json":"{\"a\": 1.0}"}}"#,
            r#"{"9":1,"1":2,"":3,"undoOf":4,"ключ":"значение","emoji":"😀"}"#, "{}",
        ];
        for image in images {
            let text = image.replace('\'', "''");
            world.insert("action, table_name, record_id, old_values, new_values, metadata",
                &format!("('CREATE', 't', 'x', null, '{text}', '{text}'), ('DELETE', 't', 'x', '{text}', null, '[1.0]'), \
                          ('UPDATE', 't', 'x', '{text}', '{{\"z\":1}}', '1.10')")).await;
        }
        world.insert("action, table_name, redacted, new_values", "('CREATE', 'r', '{\"pin\":1,\"key\":2}', '{\"a\":1,\"b\":2}')").await;
        api.record([by_hand("x", json!({"metadata": "text", "ipAddress": "2001:db8::1", "correlationId": "c"}))].to_vec()).await;
        assert_eq!(agree(&api).await, 3 * images.len() + 2);
        assert!(get(&api, "?limit=1000").await.text.contains(images[0]));
    }
}
