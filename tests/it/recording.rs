//! From a change to its entry.

use serde_json::json;

use afterimage::store::remove_left_behind;

use crate::support::{Api, Kind, World, both};

both! {
    /// Whoever makes a change, the log has it with both images.
    async fn an_update_is_recorded_with_both_images(world: World) {
        let api = Api::with_worlds(&world).await;
        world.sql("insert into machines (id, name, kind, status) values (1, 'Lathe 1', 'lathe', 'idle')").await;
        world.sql("update machines set status = 'running', operator = 'ann' where id = 1").await;
        let data = api.ask(
            "{ auditLogs(first: 1) { nodes { action tableName recordId oldValues newValues source \
             changes { field old new } } } }",
            json!({}),
        ).await;
        assert_eq!(data["auditLogs"]["nodes"][0], json!({
            "action": "UPDATE", "tableName": "machines", "recordId": "1", "source": "TRIGGER",
            "oldValues": {"status": "idle", "operator": null},
            "newValues": {"status": "running", "operator": "ann"},
            "changes": [
                {"field": "status", "old": "idle", "new": "running"},
                {"field": "operator", "old": null, "new": "ann"},
            ],
        }));
    }
}

/// A writer without foreign keys can commit the row that says who it is. Nobody else must be recorded under its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_that_was_left_behind_is_removed() {
    let world = World::new(Kind::Sqlite).await;
    let api = Api::with_worlds(&world).await;
    let database = &api.server.services.database;
    assert!(!remove_left_behind(database).await.unwrap());
    world.sql("pragma foreign_keys = off; insert into afterimage_context (user_id) values ('7')").await;
    assert!(remove_left_behind(database).await.unwrap());
    assert_eq!(world.scalar("select count(*) from afterimage_context").await, "0");
}
