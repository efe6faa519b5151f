//! Undoing an UPDATE.

use serde_json::json;

use super::{conflict, entry, refused, rows, sql_text, state, tracked, undo};
use crate::support::{Kind, both};

const ITEMS: &str = "create table items (id integer primary key, name text, price text, note text)";

both! {
    async fn only_fields_that_nobody_changed_since_go_back(world: World) {
        let api = tracked(&world, ITEMS, &["items"]).await;
        world.sql("insert into items values (1, 'a', '1', 'n'); update items set name = 'b', price = '2' where id = 1").await;
        let id = entry(&api, "UPDATE", "items", "1").await;
        world.sql("update items set price = '3' where id = 1").await;
        let done = undo(&api, &id).await;
        assert_eq!(done["skipped"], json!([{"field": "price", "expected": "2", "current": "3"}]));
        assert_eq!(done["effects"], json!([{"tableName": "items", "recordId": "1", "action": "UPDATE",
            "changes": [{"field": "name", "old": "b", "new": "a"}]}]));
        assert_eq!(done["entries"], json!([{"action": "UPDATE", "tableName": "items", "recordId": "1", "source": "UNDO",
            "userId": "42", "username": "ann", "description": "a mistake", "undoOf": {"id": id}}]));
        assert_eq!(done["derived"], json!([]));
        assert_eq!(world.rows("select name, price from items").await[0], [Some("a".into()), Some("3".into())]);
    }

    async fn two_undos_of_one_entry_change_nothing_the_second_time(world: World) {
        let api = tracked(&world, ITEMS, &["items"]).await;
        world.sql("insert into items values (1, 'a', '1', 'n'); update items set name = 'b' where id = 1").await;
        let id = entry(&api, "UPDATE", "items", "1").await;
        let first = undo(&api, &id).await;
        let before = state(&world).await;
        let second = undo(&api, &id).await;
        assert_eq!(state(&world).await, before);
        assert_eq!(second["entries"], json!([]));
        assert_eq!(second["auditLog"], first["auditLog"]);
        assert_eq!(second["skipped"], json!([{"field": "name", "expected": "b", "current": "a"}]));
    }

    async fn an_undo_can_be_undone(world: World) {
        let api = tracked(&world, ITEMS, &["items"]).await;
        world.sql("insert into items values (1, 'a', '1', null); update items set name = 'b', note = 'x' where id = 1").await;
        let changed = rows(&world, "items").await;
        let id = entry(&api, "UPDATE", "items", "1").await;
        let undone = undo(&api, &id).await;
        let redone = undo(&api, undone["auditLog"]["id"].as_str().expect("an id")).await;
        assert_eq!(rows(&world, "items").await, changed);
        assert_eq!(redone["entries"][0]["undoOf"], json!({"id": undone["auditLog"]["id"]}));
        let query = "query($id: ID!) { auditLog(id: $id) { undoOf { id } undoneBy { id undoneBy { id } } } }";
        let data = api.ask(query, json!({"id": id})).await;
        assert_eq!(data["auditLog"], json!({"undoOf": null,
            "undoneBy": {"id": undone["auditLog"]["id"], "undoneBy": {"id": redone["auditLog"]["id"]}}}));
    }

    async fn a_row_that_is_gone_is_a_conflict(world: World) {
        let api = tracked(&world, ITEMS, &["items"]).await;
        world.sql("insert into items values (1, 'a', '1', 'n'); update items set name = 'b'; delete from items").await;
        conflict(&world, &api, &entry(&api, "UPDATE", "items", "1").await, "gone").await;
    }

    async fn a_value_taken_by_another_row_since_is_a_conflict(world: World) {
        let api = tracked(&world, "create table u (id integer primary key, sku text constraint sku_once unique)", &["u"]).await;
        world.sql("insert into u values (1, 'a'); update u set sku = 'b'; insert into u values (2, 'a')").await;
        let name = sql_text(&world, "sku_once", "u.sku");
        conflict(&world, &api, &entry(&api, "UPDATE", "u", "1").await, name).await;
    }

    async fn a_parent_gone_since_is_a_conflict_that_names_it(world: World) {
        let tables = "create table parents (id integer primary key); \
            create table kids (id integer primary key, parent integer references parents)";
        let api = tracked(&world, tables, &["parents", "kids"]).await;
        world.sql("insert into parents values (7), (8); insert into kids values (1, 7)").await;
        world.sql("update kids set parent = 8; delete from parents where id = 7").await;
        let id = entry(&api, "UPDATE", "kids", "1").await;
        conflict(&world, &api, &id, "parents").await;
        conflict(&world, &api, &id, "7").await;
    }

    /// A table may say that what collides is to be replaced; an undo replaces nothing.
    async fn an_undo_replaces_no_other_row(world: World) {
        if world.kind == Kind::Postgres {
            return;
        }
        let api = tracked(&world, "create table u (id integer primary key, sku text unique on conflict replace)", &["u"]).await;
        world.sql("insert into u values (1, 'a'); update u set sku = 'b'; insert into u values (2, 'a')").await;
        conflict(&world, &api, &entry(&api, "UPDATE", "u", "1").await, "u.sku").await;
        assert_eq!(rows(&world, "u").await, ["1,t62", "2,t61"]);
    }

    async fn columns_that_came_or_went_since_do_not_hinder_the_others(world: World) {
        let api = tracked(&world, ITEMS, &["items"]).await;
        world.sql("insert into items values (1, 'a', '1', 'n'); update items set name = 'b', note = 'm'").await;
        let id = entry(&api, "UPDATE", "items", "1").await;
        api.ask("mutation { untrackTable(tableName: \"items\") { tableName } }", json!({})).await;
        world.sql("alter table items drop column note").await;
        world.sql("alter table items add column extra text default 'e'").await;
        api.track("items").await;
        let done = undo(&api, &id).await;
        assert_eq!(done["skipped"], json!([{"field": "note", "expected": "m", "current": null}]));
        let row = world.rows("select name, extra from items").await;
        assert_eq!(row[0], [Some("a".into()), Some("e".into())]);
    }

    async fn hidden_columns_are_left_alone_and_not_shown(world: World) {
        let api = tracked(&world, ITEMS, &["items"]).await;
        let track = "mutation($i: TrackTableInput!) { trackTable(input: $i) { trackedTable { tableName } } }";
        let hidden = json!({"i": {"tableName": "items", "redactedColumns": ["note"], "ignoredColumns": ["price"]}});
        api.ask(track, hidden).await;
        world.sql("insert into items values (1, 'a', '1', 'secret'); update items set name = 'b', price = '2', note = 'other'").await;
        let done = undo(&api, &entry(&api, "UPDATE", "items", "1").await).await;
        assert_eq!(done["skipped"], json!([{"field": "note", "expected": null, "current": null}]));
        let row = world.rows("select name, price, note from items").await;
        assert_eq!(row[0], [Some("a".into()), Some("2".into()), Some("other".into())]);
        world.sql("update items set note = 'third'").await;
        let only = entry(&api, "UPDATE", "items", "1").await;
        assert_eq!(refused(&world, &api, &only).await.0, "NOT_UNDOABLE");
    }

    /// Equal is not the same: what has other bytes was changed by someone.
    async fn other_bytes_of_an_equal_value_count_as_changed(world: World) {
        let column = sql_text(&world, "numeric", "text collate nocase");
        let api = tracked(&world, &format!("create table n (id integer primary key, v {column})"), &["n"]).await;
        let (one, two, equal) = match world.kind {
            Kind::Postgres => ("1", "2.0", "2.00"),
            Kind::Sqlite => ("'a'", "'b'", "'B'"),
        };
        world.sql(&format!("insert into n values (1, {one}); update n set v = {two}")).await;
        let id = entry(&api, "UPDATE", "n", "1").await;
        world.sql(&format!("update n set v = {equal}")).await;
        assert_ne!(entry(&api, "UPDATE", "n", "1").await, id, "the change is recorded");
        let done = undo(&api, &id).await;
        assert_eq!(done["entries"], json!([]));
        assert_eq!(done["skipped"][0]["field"], "v");
        undo(&api, &entry(&api, "UPDATE", "n", "1").await).await;
        undo(&api, &id).await;
        assert_eq!(world.scalar("select v from n").await, one.trim_matches('\''));
    }
}
