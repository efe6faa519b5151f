//! Who last set each field.

use serde_json::json;

use super::{ask, blame, ids, tracked};
use crate::support::{Api, both};

const TABLE: &str = "create table t (id integer primary key, a text, b text, c text)";

both! {
    async fn each_field_has_the_entry_that_last_set_it(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b', 'c')").await;
        world.sql("update t set a = 'a2', b = 'b2'; update t set b = 'b3'; update t set b = 'b3'").await;
        let ids = ids(&api, "t", "1").await;
        let expected = json!([["id", 1, ids[0]], ["a", "a2", ids[1]], ["b", "b3", ids[2]], ["c", "c", ids[0]]]);
        assert_eq!(blame(&api, "t", "1").await, expected);
        world.sql("delete from t").await;
        assert_eq!(blame(&api, "t", "1").await, expected, "as it was last");
    }

    async fn what_was_set_before_tracking_is_nobody_s(world: World) {
        world.sql(TABLE).await;
        world.sql("insert into t values (1, 'a', null, 'c')").await;
        let api = tracked(&world, "select 1", &["t"]).await;
        assert_eq!(blame(&api, "t", "1").await, json!([["id", 1, null], ["a", "a", null], ["b", null, null], ["c", "c", null]]));
        world.sql("update t set b = 'b'; update t set c = null").await;
        let ids = ids(&api, "t", "1").await;
        let expected = json!([["id", 1, null], ["a", "a", null], ["b", "b", ids[0]], ["c", null, ids[1]]]);
        assert_eq!(blame(&api, "t", "1").await, expected);
        world.sql("delete from t").await;
        assert_eq!(blame(&api, "t", "1").await, expected);
    }

    async fn an_undo_sets_fields_as_anyone_does(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b', 'c'); update t set a = 'a2', b = 'b2'").await;
        let update = ids(&api, "t", "1").await.pop();
        api.ask("mutation($id: ID!) { undo(id: $id) { entries { id } } }", json!({"id": update})).await;
        let ids = ids(&api, "t", "1").await;
        let fields = ask(&api, "t", "1", "blame { field auditLog { id source undoOf { id } } }").await;
        assert_eq!(fields["blame"][1], json!({"field": "a", "auditLog": {"id": ids[2], "source": "UNDO", "undoOf": {"id": update}}}));
        assert_eq!(fields["blame"][3]["auditLog"]["id"], ids[0]);
    }

    async fn a_key_that_changed_begins_a_life_under_the_new_one(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b', 'c'); update t set id = 2; update t set a = 'a2'").await;
        let (old, new) = (ids(&api, "t", "1").await, ids(&api, "t", "2").await);
        assert_eq!(blame(&api, "t", "2").await,
            json!([["id", 2, new[0]], ["a", "a2", new[1]], ["b", "b", new[0]], ["c", "c", new[0]]]));
        assert_eq!(blame(&api, "t", "1").await,
            json!([["id", 1, old[0]], ["a", "a", old[0]], ["b", "b", old[0]], ["c", "c", old[0]]]));
    }

    /// Of a table that is tracked no more, or never was, the entries tell as far as their images go.
    async fn a_table_that_is_not_tracked_has_blame_from_its_entries(world: World) {
        let api = Api::start(&world).await;
        world.insert("action, table_name, record_id, old_values, new_values", "
            ('CREATE', 'u', 'x', null, '{\"a\":1,\"b\":1.10}'),
            ('UPDATE', 'u', 'x', '{\"a\":1}', '{\"a\":2}'), ('READ', 'u', 'x', null, null),
            ('DELETE', 'u', 'y', null, null), ('READ', 'u', 'z', null, null)").await;
        assert_eq!(blame(&api, "u", "x").await, json!([["a", 2, "2"], ["b", 1.10, "1"]]));
        assert_eq!(blame(&api, "u", "y").await, json!([]));
        let object = ask(&api, "u", "z", "tableName recordId current blame { field } history { totalCount }").await;
        let known = json!({"tableName": "u", "recordId": "z", "current": null, "blame": [], "history": {"totalCount": 1}});
        assert_eq!(object, known, "someone has looked at it");
    }
}
