//! Pages: cut from either end, before and after places, and what there is around them.

mod instants;
mod lists;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::{Api, World, both};

/// Nine entries of the table `t`, three to an instant, and others between them. Their keys, the most recent first.
async fn log(world: &World) -> (Api, Vec<String>) {
    let api = Api::start(world).await;
    let row = |n: usize| {
        let table = if n.is_multiple_of(2) { "t" } else { "other" };
        format!("('READ', '{table}', '{}', '2026-03-01T00:00:0{}.000Z')", n / 2, n / 6)
    };
    let rows: Vec<String> = (0..18).map(row).collect();
    world.insert("action, table_name, record_id, \"timestamp\"", &rows.join(",")).await;
    (api, (0..9).rev().map(|n: usize| n.to_string()).collect())
}

const PAGE: &str = "{ nodes { recordId } edges { cursor node { recordId } } \
                    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }";

fn keys(page: &Value) -> Vec<String> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["recordId"].as_str().unwrap().to_owned()).collect()
}

fn cursors(page: &Value) -> Vec<String> {
    page["edges"].as_array().unwrap().iter().map(|edge| edge["cursor"].as_str().unwrap().to_owned()).collect()
}

async fn page(api: &Api, arguments: &str) -> Value {
    api.ask(&format!("{{ auditLogs(filter: {{tableName: \"t\"}}, {arguments}) {PAGE} }}"), json!({})).await["auditLogs"]
        .clone()
}

/// What a page should be, from the list of all keys: its keys, and whether there is more on either side.
fn expected(
    list: &[String],
    size: usize,
    last: bool,
    after: Option<usize>,
    before: Option<usize>,
) -> (Vec<String>, bool, bool) {
    let from = after.map_or(0, |place| place + 1);
    let to = before.unwrap_or(list.len()).max(from);
    let range = if last { to.saturating_sub(size).max(from)..to } else { from..to.min(from + size) };
    if range.is_empty() {
        // The place itself lies beyond an empty page.
        return (Vec::new(), before.is_some(), after.is_some());
    }
    (list[range.clone()].to_vec(), range.end < list.len(), range.start > 0)
}

both! {
    /// Each combination of the arguments against the list cut by hand.
    async fn every_page_is_the_list_cut_there(world: World) {
        let (api, list) = log(&world).await;
        let cursors = cursors(&page(&api, "first: 9").await);
        let places = || std::iter::once(None).chain((0..list.len()).map(Some));
        for (size, last) in [(1, false), (3, false), (9, false), (1, true), (3, true), (9, true)] {
            for after in places() {
                let mut document = String::from("{");
                for (number, before) in places().enumerate() {
                    let side = if last { "last" } else { "first" };
                    let after = after.map_or("null".to_owned(), |place| format!("\"{}\"", cursors[place]));
                    let before = before.map_or("null".to_owned(), |place| format!("\"{}\"", cursors[place]));
                    write!(document, " p{number}: auditLogs(filter: {{tableName: \"t\"}}, {side}: {size}, \
                        after: {after}, before: {before}) {PAGE}").unwrap();
                }
                let data = api.ask(&(document + "}"), json!({})).await;
                for (number, before) in places().enumerate() {
                    let page = &data[format!("p{number}")];
                    let (nodes, next, previous) = expected(&list, size, last, after, before);
                    let case = format!("size {size} last {last} after {after:?} before {before:?}");
                    assert_eq!(keys(page), nodes, "{case}");
                    let info = &page["pageInfo"];
                    assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(next), &json!(previous)), "{case}");
                    let cursors = super::cursors(page);
                    let end = |cursor: Option<&String>| json!(cursor);
                    assert_eq!(info["startCursor"], end(cursors.first()), "{case}");
                    assert_eq!(info["endCursor"], end(cursors.last()), "{case}");
                }
            }
        }
    }

    async fn an_offset_skips_entries(world: World) {
        let (api, list) = log(&world).await;
        for offset in 0..11 {
            for size in [1, 4, 9] {
                let page = page(&api, &format!("first: {size}, offset: {offset}")).await;
                let rest = list.get(offset..).unwrap_or_default();
                assert_eq!(keys(&page), rest[..size.min(rest.len())], "{offset} {size}");
                assert_eq!(page["pageInfo"]["hasNextPage"], rest.len() > size, "{offset} {size}");
                assert_eq!(page["pageInfo"]["hasPreviousPage"], offset > 0, "{offset} {size}");
            }
        }
        assert_eq!(keys(&page(&api, "offset: 7").await), ["1", "0"]);
        assert_eq!(keys(&page(&api, "offset: 2147483647").await), [""; 0]);
    }

    async fn walking_visits_each_entry_once_while_new_ones_arrive(world: World) {
        let (api, list) = log(&world).await;
        let arrive = async || world.insert("action, table_name, record_id", "('READ', 't', 'new')").await;
        let mut seen = Vec::new();
        let mut after = "null".to_owned();
        loop {
            let page = page(&api, &format!("first: 2, after: {after}")).await;
            seen.extend(keys(&page));
            arrive().await;
            after = page["pageInfo"]["endCursor"].to_string();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen, list);
        let mut seen = Vec::new();
        let mut before = "null".to_owned();
        for _ in 0..5 {
            let page = page(&api, &format!("last: 2, before: {before}")).await;
            arrive().await;
            let mut keys = keys(&page);
            keys.append(&mut seen);
            seen = keys;
            assert_eq!(page["pageInfo"]["hasPreviousPage"], true);
            before = page["pageInfo"]["startCursor"].to_string();
        }
        assert_eq!(seen[1..], list);
    }

    async fn a_page_holds_fifty_entries_and_at_most_a_thousand(world: World) {
        let api = Api::start(&world).await;
        let rows: Vec<String> = (0..1_001).map(|n| format!("('READ', 't', '{n}')")).collect();
        world.insert("action, table_name, record_id", &rows.join(",")).await;
        let list: Vec<String> = (0..1_001).rev().map(|n: usize| n.to_string()).collect();
        let ask = async |arguments: &str| {
            let query = format!("{{ auditLogs{arguments} {{ totalCount nodes {{ recordId }} pageInfo {{ hasNextPage }} }} }}");
            api.ask(&query, json!({})).await["auditLogs"].clone()
        };
        let (some, many) = (ask("").await, ask("(first: 1000)").await);
        assert_eq!((keys(&some), &some["pageInfo"]["hasNextPage"]), (list[..50].to_vec(), &json!(true)));
        assert_eq!((keys(&many), &many["pageInfo"]["hasNextPage"]), (list[..1_000].to_vec(), &json!(true)));
        assert_eq!(many["totalCount"], 1_001);
        assert_eq!(keys(&ask("(last: 1000)").await), list[1..]);
    }

    /// Clients declare all arguments once and give some.
    async fn arguments_may_be_variables_that_are_not_given(world: World) {
        let (api, list) = log(&world).await;
        let query = "query($first: Int, $after: String, $last: Int, $before: String, $offset: Int, $table: [String!]) { \
             auditLogs(filter: {tableName: $table}, first: $first, after: $after, last: $last, before: $before, \
             offset: $offset) { nodes { recordId } pageInfo { endCursor } } \
             summary(filter: {tableName: $table}) { byTable(first: $first) { count } } }";
        let ask = async |variables: Value| api.ask(query, variables).await["auditLogs"].clone();
        let all = ask(json!({"table": "t"})).await;
        assert_eq!(keys(&all), list);
        assert_eq!(keys(&ask(json!({"table": "t", "first": 2})).await), list[..2]);
        assert_eq!(keys(&ask(json!({"table": "t", "last": 2})).await), list[7..]);
        assert_eq!(keys(&ask(json!({"table": "t", "first": 3, "offset": 7})).await), list[7..]);
        let before = &all["pageInfo"]["endCursor"];
        assert_eq!(keys(&ask(json!({"table": "t", "first": null, "before": before})).await), list[..8]);
    }

    async fn an_empty_log_has_an_empty_page(world: World) {
        let api = Api::start(&world).await;
        for arguments in ["first: 1", "last: 1", "offset: 1", "offset: 0"] {
            let page = page(&api, arguments).await;
            let info = json!({"hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null});
            assert_eq!((keys(&page), &page["pageInfo"]), (Vec::new(), &info), "{arguments}");
        }
    }
}
