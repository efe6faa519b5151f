//! From a change to its entry.

use serde_json::json;

use crate::support::{Api, both};

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
