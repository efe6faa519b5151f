//! Who may what: every field of the roots, for every role, and for nobody.

mod subscribing;

use afterimage::auth::{Role, TokenRequest};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{Duration, Utc};
use serde_json::{Value, json};

use crate::support::{Api, both};

/// Every field of the roots, a document that asks for it, and the roles that may.
const FIELDS: [(&str, &str, &[Role]); 18] = [
    ("auditLogs", "{ auditLogs { totalCount } }", READERS),
    ("auditLog", "{ auditLog(id: 1) { id } }", READERS),
    ("summary", "{ summary { total } }", READERS),
    ("trash", "{ trash { totalCount } }", READERS),
    ("objectHistory", "{ objectHistory(tableName: \"t\", recordId: 1) { totalCount } }", READERS),
    ("trackedObject", "{ trackedObject(tableName: \"t\", recordId: 1) { current } }", READERS),
    ("undoPreview", "{ undoPreview(id: 1) { possible } }", READERS),
    ("undoTransactionPreview", "{ undoTransactionPreview(transactionId: 1) { possible } }", READERS),
    ("feedCursor", "{ feedCursor }", READERS),
    ("trackedTables", "{ trackedTables { tableName } }", READERS),
    ("viewer", "{ viewer { userId } }", ALL),
    (
        "createAuditLog",
        "mutation { createAuditLog(input: {userId: 1, action: READ, tableName: \"t\"}) { auditLog { id } } }",
        WRITERS,
    ),
    ("createAuditLogs", "mutation { createAuditLogs(inputs: []) { auditLogs { id } } }", WRITERS),
    ("undo", "mutation { undo(id: 1) { auditLog { id } } }", ADMINS),
    ("undoTransaction", "mutation { undoTransaction(transactionId: 1) { auditLog { id } } }", ADMINS),
    ("trackTable", "mutation { trackTable(input: {tableName: \"t\"}) { trackedTable { tableName } } }", ADMINS),
    ("untrackTable", "mutation { untrackTable(tableName: \"t\") { tableName } }", ADMINS),
    ("auditLogAdded", "subscription { auditLogAdded { auditLog { id } } }", READERS),
];
const ALL: &[Role] = &[Role::Admin, Role::Auditor, Role::Writer];
const READERS: &[Role] = &[Role::Admin, Role::Auditor];
const WRITERS: &[Role] = &[Role::Admin, Role::Writer];
const ADMINS: &[Role] = &[Role::Admin];

both! {
    async fn each_role_may_what_is_its_own(world: World) {
        let api = Api::start(&world).await;
        for (field, query, may) in FIELDS {
            if query.starts_with("subscription") {
                continue;
            }
            for role in ALL {
                let answer = api.answer_as(&[*role], query, json!({})).await;
                // Who may can still be told that there is no such table.
                let forbidden = answer["errors"][0]["extensions"]["code"] == "FORBIDDEN";
                assert_eq!(forbidden, !may.contains(role), "{field} {role:?}: {answer}");
            }
            assert_eq!(api.answer_as(&[Role::Auditor, Role::Writer], query, json!({})).await["errors"][0]["extensions"]["code"]
                == "FORBIDDEN", may == ADMINS, "{field}");
        }
        // Of all who were refused none left an entry.
        assert_eq!(api.entries().await, 3 + 1);
    }

    async fn who_has_no_role_may_only_ask_who_they_are(world: World) {
        let api = Api::start(&world).await;
        for (field, query, _) in FIELDS.iter().filter(|(_, query, _)| !query.starts_with("subscription")) {
            let answer = api.answer_as(&[], query, json!({})).await;
            if *field == "viewer" {
                assert_eq!(answer, json!({"data": {"viewer": {"userId": "42"}}}));
            } else {
                assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{field}");
            }
        }
    }

    async fn a_viewer_is_told_who_they_are(world: World) {
        let api = Api::start(&world).await;
        let answer = api.answer_as(&[Role::Writer, Role::Admin], "{ viewer { userId username roles } }", json!({})).await;
        assert_eq!(answer["data"]["viewer"], json!({"userId": "42", "username": "ann", "roles": ["ADMIN", "WRITER"]}));
    }

    async fn without_a_valid_token_nothing_is_answered(world: World) {
        let api = Api::start(&world).await;
        let expired = TokenRequest { user_id: "42".into(), username: None, roles: vec![Role::Admin], lifetime: Duration::hours(1) };
        let expired = api.server.authenticator.issue(&expired, Utc::now() - Duration::hours(2)).unwrap();
        let good = api.token(&[Role::Admin]);
        let headers = [None, Some(String::new()), Some("Bearer".into()), Some("Bearer x".into()), Some(format!("Basic {good}")),
            Some(format!("Bearer {expired}")), Some(format!("Bearer {}x", good)), Some(good.clone())];
        for header in headers {
            for (field, query, _) in FIELDS {
                let mut request = Request::post("http://localhost/graphql").header("host", "localhost")
                    .header("content-type", "application/json");
                if let Some(header) = &header {
                    request = request.header("authorization", header);
                }
                let (status, text) = api.send(request.body(Body::from(json!({"query": query}).to_string())).unwrap()).await;
                let answer: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{field}");
                assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{field}");
                assert!(answer.get("data").is_none(), "{answer}");
            }
        }
        assert_eq!(api.entries().await, 0);
    }

    /// A field that is added has to say here who may.
    async fn the_matrix_knows_every_field_of_the_roots(world: World) {
        let api = Api::start(&world).await;
        let query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } } } }";
        let data = api.ask(query, json!({})).await;
        let of = |root: &str| data["__schema"][root]["fields"].as_array().unwrap().clone();
        let mut fields = Vec::new();
        for root in ["queryType", "mutationType", "subscriptionType"] {
            fields.extend(of(root).iter().map(|field| field["name"].as_str().unwrap().to_owned()));
        }
        let mut known = FIELDS.map(|(field, ..)| field.to_owned()).to_vec();
        fields.sort_unstable();
        known.sort_unstable();
        assert_eq!(fields, known);
    }
}
