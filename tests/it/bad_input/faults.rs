//! Faults of the server: the client learns a sentence and an id, and nothing of the database.

use serde_json::json;

use crate::support::{Api, Kind, both, by_hand};

both! {
    async fn a_fault_shows_nothing_of_the_database(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql(match world.kind {
            Kind::Sqlite => "drop table afterimage_log",
            Kind::Postgres => "drop table afterimage.log cascade",
        }).await;
        let create = json!({"i": by_hand("x", json!({}))});
        for (query, variables) in [
            ("{ auditLogs { nodes { id } } }", json!({})),
            ("{ auditLog(id: 1) { id } }", json!({})),
            ("{ summary { total byTable { count } timeline { count } } }", json!({})),
            ("{ trash { nodes { id } } }", json!({})),
            ("mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }", create),
            ("mutation { undo(id: 1) { auditLog { id } } }", json!({})),
        ] {
            let answer = api.answer_as(&[afterimage::auth::Role::Admin], query, variables).await;
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"], json!({"code": "INTERNAL_SERVER_ERROR"}), "{answer}");
            let message = error["message"].as_str().unwrap();
            let id = message.strip_prefix("an internal error occurred; the server's log has it as ").expect(message);
            assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{message}");
            // The path names fields of the API, which say nothing of the database.
            let text = format!("{message}{}", error["extensions"]).to_lowercase();
            for leak in ["afterimage", "select", "insert", "table", "sql", "relation", "error returned"] {
                assert!(!text.contains(leak), "{text}");
            }
        }
    }

    /// `auditLog` is nullable: what fails there leaves its neighbours alone.
    async fn a_fault_of_a_nullable_field_leaves_its_neighbours_alone(world: World) {
        let api = Api::with_worlds(&world).await;
        let query = "{ viewer { userId } auditLog(id: \"x\") { id } trackedTables { tableName } }";
        let answer = api.answer_as(&[afterimage::auth::Role::Admin], query, json!({})).await;
        assert_eq!(answer["data"]["auditLog"], json!(null));
        assert_eq!(answer["data"]["viewer"]["userId"], "42");
        assert_eq!(answer["data"]["trackedTables"].as_array().unwrap().len(), 8);
        assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
        assert_eq!(answer["errors"][0]["path"], json!(["auditLog"]));
    }
}
