//! Pages: their order, their size, and the links to their neighbours.

use serde_json::json;

use super::get;
use crate::support::{Api, both, by_hand};

/// Seven entries, `a` the oldest.
async fn seven(world: &crate::support::World) -> Api {
    let api = Api::start(world).await;
    let entries: Vec<_> = "abcdefg".chars().map(|key| by_hand(&key.to_string(), json!({}))).collect();
    api.record(entries).await;
    api
}

both! {
    async fn the_most_recent_come_first_with_every_spelling_of_the_path(world: World) {
        let api = seven(&world).await;
        for path in ["", "/", "?limit=1000", "/?offset=0", "/user/42", "/action/read", "/action/READ", "/action/Read?"] {
            let answer = get(&api, path).await;
            assert_eq!(answer.keys(), "g f e d c b a", "{path}");
            assert_eq!(answer.header("link"), "", "{path}");
        }
        assert_eq!(get(&api, "/trash").await.keys(), "");
        assert_eq!(get(&api, "/t/c").await.keys(), "c");
    }

    async fn a_page_links_to_its_neighbours(world: World) {
        let api = seven(&world).await;
        let answer = get(&api, "?limit=3&user=42").await;
        assert_eq!(answer.keys(), "g f e");
        assert_eq!(answer.header("link"), r#"</api/auditLog?user=42&limit=3&offset=3>; rel="next""#);
        let answer = get(&api, "?user=42&limit=3&offset=3").await;
        assert_eq!(answer.keys(), "d c b");
        assert_eq!(answer.header("link"), r#"</api/auditLog?user=42&limit=3&offset=6>; rel="next", </api/auditLog?user=42&limit=3&offset=0>; rel="prev""#);
        let answer = get(&api, "?user=42&limit=3&offset=6").await;
        assert_eq!((answer.keys().as_str(), answer.header("link")), ("a", r#"</api/auditLog?user=42&limit=3&offset=3>; rel="prev""#));
        // What precedes is fewer than a page holds, and comes on no page twice.
        let answer = get(&api, "/user/42?limit=3&offset=1").await;
        assert_eq!((answer.keys().as_str(), answer.header("link").split(", ").nth(1)),
            ("f e d", Some(r#"</api/auditLog/user/42?limit=1&offset=0>; rel="prev""#)));
        assert_eq!(get(&api, "?offset=7").await.keys(), "");
        assert_eq!(get(&api, "?offset=2147483647").await.keys(), "");
        // A page that ends with the list has no next one.
        assert_eq!(get(&api, "?limit=7").await.header("link"), "");
    }

    async fn links_lead_through_the_whole_list(world: World) {
        let api = seven(&world).await;
        let (mut path, mut seen) = ("?limit=2&table=t&action=read&startDate=2000-01-01".to_owned(), Vec::new());
        loop {
            let answer = get(&api, &path).await;
            seen.push(answer.keys());
            let link = answer.header("link");
            let Some(next) = link.split(", ").find(|link| link.ends_with("rel=\"next\"")) else { break };
            let uri = next.trim_start_matches('<').split('>').next().unwrap();
            path = uri.strip_prefix("/api/auditLog").unwrap().to_owned();
        }
        assert_eq!(seen, ["g f", "e d", "c b", "a"]);
    }

    async fn fifty_come_where_nothing_is_said(world: World) {
        let api = Api::start(&world).await;
        let entries: Vec<_> = (0..51).map(|key| by_hand(&key.to_string(), json!({}))).collect();
        api.record(entries).await;
        let answer = get(&api, "").await;
        assert_eq!(answer.good().as_array().unwrap().len(), 50);
        assert_eq!(answer.header("link"), r#"</api/auditLog?limit=50&offset=50>; rel="next""#);
    }

    async fn what_is_out_of_bounds_is_refused_and_not_clipped(world: World) {
        let api = Api::start(&world).await;
        for (query, part) in [
            ("limit=0", "from 1 to 1000"), ("limit=1001", "from 1 to 1000"), ("limit=-1", "`limit` is \"-1\""),
            ("limit=", "`limit`"), ("limit=1.0", "`limit`"), ("limit=+1", "`limit`"), ("limit=ten", "`limit`"),
            ("limit=99999999999999999999", "`limit`"), ("limit=-", "`limit`"), ("offset=-1", "`offset`"),
            ("offset=2147483648", "from 0 to 2147483647"), ("limit=1&limit=1", "\"limit\" stands in the query twice"),
            ("limit=1&li%6Dit=2", "twice"), ("offset=0&offset=0", "twice"), ("x=1&x=2", "twice"),
            ("first=1", "\"first\" means nothing here; this path takes: limit, offset, start, end, startDate, endDate, user, table, action"),
            ("Limit=1", "\"Limit\" means nothing here"), ("=", "\"\" means nothing here"), ("filter", "\"filter\" means"),
        ] {
            for path in ["", "/", "/user/1", "/action/READ", "/trash", "/t/1", "/object/t/1"] {
                let detail = get(&api, &format!("{path}?{query}")).await.problem(400, "BAD_USER_INPUT");
                assert!(detail.contains(part), "{query}: {detail}");
            }
        }
        let detail = get(&api, "/summary?limit=1").await.problem(400, "BAD_USER_INPUT");
        assert!(detail.ends_with("this path takes: start, end, startDate, endDate, user, table, action"), "{detail}");
        let detail = get(&api, "/1?limit=1").await.problem(400, "BAD_USER_INPUT");
        assert!(detail.ends_with("this path takes: none"), "{detail}");
    }
}
