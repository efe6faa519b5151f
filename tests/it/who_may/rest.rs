//! The same matrix for the paths of the REST API.

use afterimage::auth::Role;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;

use super::{ADMINS, ALL, READERS, WRITERS};
use crate::support::{Api, both};

const ENTRY: &str = r#"{"userId":"1","action":"READ","tableName":"t"}"#;

/// Every operation by its path in the document, a path that asks for it, a body, and the roles that may.
const OPERATIONS: [(&str, &str, &str, &str, &[Role]); 10] = [
    ("get", "/api/auditLog", "/api/auditLog", "", READERS),
    ("post", "/api/auditLog", "/api/auditLog", ENTRY, WRITERS),
    ("get", "/api/auditLog/user/{userId}", "/api/auditLog/user/1", "", READERS),
    ("get", "/api/auditLog/action/{action}", "/api/auditLog/action/READ", "", READERS),
    ("get", "/api/auditLog/trash", "/api/auditLog/trash", "", READERS),
    ("get", "/api/auditLog/summary", "/api/auditLog/summary", "", READERS),
    ("get", "/api/auditLog/{tableName}/{recordId}", "/api/auditLog/t/1", "", READERS),
    ("get", "/api/auditLog/object/{tableName}/{recordId}", "/api/auditLog/object/t/1", "", READERS),
    ("get", "/api/auditLog/{entryId}", "/api/auditLog/1", "", READERS),
    ("post", "/api/auditLog/{entryId}/undo", "/api/auditLog/1/undo", "{}", ADMINS),
];
/// The same by paths that the document does not list.
const ALIASES: [(&str, &str, &str, &[Role]); 3] = [
    ("get", "/api/auditLog/", "", READERS),
    ("post", "/api/auditLog/", ENTRY, WRITERS),
    ("get", "/api/auditLog/t/undo", "", READERS),
];

fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static [Role])> {
    OPERATIONS.into_iter().map(|(method, _, path, body, may)| (method, path, body, may)).chain(ALIASES)
}

async fn ask(api: &Api, authorization: Option<&str>, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let mut request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(format!("http://localhost{path}"))
        .header("host", "localhost")
        .header("content-type", "application/json");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let (status, text) = api.send(request.body(Body::from(body.to_owned())).expect("a request")).await;
    (status, serde_json::from_str(&text).expect("JSON"))
}

both! {
    async fn each_role_may_by_path_what_is_its_own(world: World) {
        let api = Api::start(&world).await;
        for (method, path, body, may) in all() {
            for role in ALL {
                let token = format!("Bearer {}", api.token(&[*role]));
                let (status, answer) = ask(&api, Some(&token), method, path, body).await;
                // Who may can still be told that there is no such entry.
                assert_eq!(status == StatusCode::FORBIDDEN, !may.contains(role), "{method} {path} {role:?}: {answer}");
                assert_eq!(answer["code"] == "FORBIDDEN", !may.contains(role), "{method} {path} {role:?}: {answer}");
            }
            let (status, _) = ask(&api, Some(&format!("bearer {}", api.token(&[]))), method, path, body).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
            // Who may not is not told what else is wrong.
            let (status, _) = ask(&api, Some(&format!("Bearer {}", api.token(&[]))), method, &format!("{path}?x=1"), "{").await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        }
        // Two roles by two paths; and the undo of an entry that cannot be undone is an entry too.
        assert_eq!(api.entries().await, 2 * 2 + 1);
    }

    async fn without_a_valid_token_no_path_answers(world: World) {
        let api = Api::start(&world).await;
        let good = api.token(&[Role::Admin]);
        for authorization in [None, Some(String::new()), Some("Bearer".into()), Some("Bearer x".into()), Some(format!("Basic {good}")),
            Some(format!("Bearer {good}x")), Some(good.clone())] {
            for (method, path, body, _) in all() {
                let (status, answer) = ask(&api, authorization.as_deref(), method, path, body).await;
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
                assert_eq!(answer["code"], "UNAUTHENTICATED", "{method} {path}: {answer}");
            }
        }
        let request = Request::get("http://localhost/api/auditLog").header("host", "localhost").body(Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(api.server.router.clone(), request).await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(api.entries().await, 0);
    }
}

/// An operation that is added has to say here who may.
#[test]
fn the_matrix_knows_every_operation_of_the_document() {
    let document: Value = serde_json::from_str(&afterimage::rest::document().expect("a document")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &Value)| {
        let methods: Vec<String> = item.as_object().expect("operations").keys().cloned().collect();
        let path = path.clone();
        methods.into_iter().map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    let mut described: Vec<String> = paths.iter().flat_map(of).collect();
    let mut known: Vec<String> = OPERATIONS.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    described.sort_unstable();
    known.sort_unstable();
    assert_eq!(described, known);
}
