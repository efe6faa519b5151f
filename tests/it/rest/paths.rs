//! Which path means what: names that need encoding, names that are also words of a path, and paths that there are not.

use afterimage::auth::Role;
use axum::body::Body;
use serde_json::json;

use super::{get, request, send};
use crate::support::{Api, both, by_hand};

/// Everything but letters and digits, percent-encoded.
fn encoded(text: &str) -> String {
    let of = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(of).collect()
}

both! {
    async fn any_name_and_key_can_stand_in_a_path(world: World) {
        let api = Api::start(&world).await;
        let names = ["products", "sales.orders", "\"odd.name\".\"a\"\"b\"", "a/b", "my table", "Übung", "表", "100%", "a?b", "a#b",
            "a+b", "user", "action", "object", "trash", "summary", "undo", "openapi.json", "%2F", "a%20b", "'; --", "..x", "7"];
        let inputs = names.iter().map(|name| by_hand(name, json!({"tableName": name, "userId": name})));
        api.record(inputs.collect::<Vec<_>>()).await;
        for name in names {
            let segment = encoded(name);
            let answer = get(&api, &format!("/object/{segment}/{segment}")).await.good();
            assert_eq!((&answer[0]["tableName"], &answer[0]["recordId"]), (&json!(name), &json!(name)));
            assert_eq!(answer.as_array().unwrap().len(), 1, "{name}");
            assert_eq!(get(&api, &format!("/user/{segment}")).await.good(), answer, "{name}");
            if !["user", "action"].contains(&name) {
                assert_eq!(get(&api, &format!("/{segment}/{segment}")).await.good(), answer, "{name}");
            }
        }
        // A path that begins with another word is the history of an object all the same.
        for (path, keys) in [("/trash/trash", "trash"), ("/summary/summary", "summary"), ("/object/object", "object"),
            ("/undo/undo", "undo"), ("/user/user", "user"), ("/products/undo", ""), ("/object/x", "")] {
            assert_eq!(get(&api, path).await.keys(), keys, "{path}");
        }
        get(&api, "/action/action").await.problem(404, "NOT_FOUND");
    }

    async fn an_entry_is_found_by_its_id_and_by_nothing_else(world: World) {
        let api = Api::start(&world).await;
        let ids = api.record([by_hand("x", json!({}))].to_vec()).await;
        assert_eq!(get(&api, &format!("/{}", ids[0])).await.good()["recordId"], "x");
        for none in ["999999", "0", "-1", "x", "1x", "01x", "1.0", "9223372036854775808", "%31%00", "user", "action", "object"] {
            get(&api, &format!("/{none}")).await.problem(404, "NOT_FOUND");
        }
        assert!(get(&api, "/999999").await.problem(404, "NOT_FOUND").contains("no entry 999999"));
    }

    async fn a_path_that_there_is_not_is_a_problem(world: World) {
        let api = Api::start(&world).await;
        for path in ["/user/", "//x", "/t/1/2/3", "/object/t/1/2", "/1/undo/", "/trash/"] {
            get(&api, path).await.problem(404, "NOT_FOUND");
        }
        for path in ["/api", "/api/", "/api/auditlog", "/api/x", "/api/auditLogs", "/api/openapi.yaml"] {
            let request = request(&api, &[], "GET", path).body(Body::empty()).unwrap();
            send(&api, request).await.problem(404, "NOT_FOUND");
        }
        for path in ["/user/%FF", "/%FF", "/t/%C3%28", "/action/%80"] {
            get(&api, path).await.problem(400, "BAD_USER_INPUT");
        }
        for path in ["/user/%00", "/t/%00", "/%00/x"] {
            assert!(get(&api, path).await.problem(400, "BAD_USER_INPUT").contains("NUL"), "{path}");
        }
    }

    async fn a_method_that_a_path_does_not_take_is_told_those_that_it_does(world: World) {
        let api = Api::start(&world).await;
        for (path, allowed) in [
            ("", "GET,HEAD,POST"), ("/", "GET,HEAD,POST"), ("/1", "GET,HEAD"), ("/trash", "GET,HEAD"), ("/summary", "GET,HEAD"),
            ("/user/1", "GET,HEAD"), ("/action/READ", "GET,HEAD"), ("/t/1", "GET,HEAD"), ("/1/undo", "GET,HEAD,POST"),
        ] {
            for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "POST"] {
                if allowed.contains(method) {
                    continue;
                }
                let request = request(&api, &[Role::Admin], method, &format!("/api/auditLog{path}")).body(Body::empty()).unwrap();
                let answer = send(&api, request).await;
                answer.problem(405, "BAD_USER_INPUT");
                let mut methods: Vec<&str> = answer.header("allow").split(',').collect();
                methods.sort_unstable();
                assert_eq!(methods.join(","), allowed, "{method} {path}");
            }
        }
    }

    async fn head_is_get_without_a_body(world: World) {
        let api = Api::start(&world).await;
        let request = request(&api, &[Role::Auditor], "HEAD", "/api/auditLog").body(Body::empty()).unwrap();
        let answer = send(&api, request).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str(), answer.header("content-type")), (200, "", "application/json"));
    }

    async fn a_foreign_host_is_a_problem_too(world: World) {
        let api = Api::start(&world).await;
        let mut foreign = request(&api, &[Role::Admin], "GET", "/api/auditLog").body(Body::empty()).unwrap();
        // As it comes over a connection: the host is in the header alone.
        *foreign.uri_mut() = "/api/auditLog".parse().unwrap();
        foreign.headers_mut().insert("host", "evil.example".parse().unwrap());
        assert!(send(&api, foreign).await.problem(421, "BAD_USER_INPUT").contains("--allowed-host"));
    }
}
