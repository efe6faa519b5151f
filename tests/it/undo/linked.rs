//! Restoring an object with what fell along with it.

use serde_json::json;

use super::{all, entry, preview, steps, tracked, transaction, undo, undo_as_planned, undo_mutation, undo_transaction};
use crate::support::{Kind, both};

const TABLES: &str = "create table p (id integer primary key, a text); \
    create table c (id integer primary key, p integer references p on delete cascade, a text); \
    create table g (id integer primary key, c integer references c on delete cascade); \
    create table n (id integer primary key, p integer references p on delete set null, a text)";
const NAMES: [&str; 4] = ["p", "c", "g", "n"];
const START: &str = "insert into p values (1, 'a'), (2, 'b'); insert into c values (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z'), (4, 1, 'w'); \
    insert into g values (1, 1), (2, 1), (3, 3); insert into n values (1, 1, 'n'), (2, 1, 'm'), (3, 2, 'o')";

both! {
    async fn what_hung_on_it_comes_back_parents_first_and_nothing_else(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        world.sql("delete from c where id = 4").await;
        let before = all(&world, &NAMES).await;
        transaction(&world, &api, "delete from p where id = 1").await;
        let after = all(&world, &NAMES).await;
        let id = entry(&api, "DELETE", "p", "1").await;
        let alone = preview(&api, &id, false).await;
        assert_eq!(steps(&alone["effects"]), ["CREATE p 1"]);
        let done = undo_as_planned(&api, &id, true).await;
        assert_eq!(all(&world, &NAMES).await, before, "{done}");
        let order = steps(&done["entries"]);
        let place = |step: &str| order.iter().position(|done| done == step).unwrap_or_else(|| panic!("{step}: {order:?}"));
        assert_eq!(order.len(), 7, "p, two of c, two of g, two of n: {order:?}");
        assert!(place("CREATE p 1") < place("CREATE c 1") && place("CREATE c 1") < place("CREATE g 2"), "{order:?}");
        assert_eq!(done["auditLog"]["recordId"], "1");
        for e in done["entries"].as_array().expect("entries") {
            let action = if e["action"] == "CREATE" { "DELETE" } else { "UPDATE" };
            let (table, record_id) = (e["tableName"].as_str().expect("text"), e["recordId"].as_str().expect("text"));
            if action == "DELETE" {
                assert_eq!(e["undoOf"]["id"], json!(entry(&api, action, table, record_id).await), "{e}");
            } else {
                assert!(e["undoOf"]["id"].is_string(), "{e}");
            }
        }
        // Undone as a whole, all of it falls again.
        undo_transaction(&api, &crate::undo::last_transaction(&api).await).await;
        assert_eq!(all(&world, &NAMES).await, after);
    }

    async fn what_fell_in_the_same_transaction_but_hung_on_another_stays_away(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        transaction(&world, &api, "delete from p; insert into p values (9, 'c')").await;
        undo_as_planned(&api, &entry(&api, "DELETE", "p", "2").await, true).await;
        assert_eq!(world.rows("select id from p order by id").await, [[Some("2".into())], [Some("9".into())]]);
        assert_eq!(world.rows("select id from c order by id").await, [[Some("3".into())]]);
        assert_eq!(world.rows("select id from g order by id").await, [[Some("3".into())]]);
        assert_eq!(world.rows("select id, p from n order by id").await,
            [[Some("1".into()), None], [Some("2".into()), None], [Some("3".into()), Some("2".into())]]);
    }

    async fn what_was_deleted_by_hand_in_the_transaction_comes_back_too_and_what_fell_before_does_not(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        world.sql("delete from g where id = 1").await;
        let before = all(&world, &NAMES).await;
        transaction(&world, &api, "delete from g; delete from c where p = 1; update n set p = 2, a = 'moved' where id = 1; \
            update n set p = null where id = 2; delete from p where id = 1").await;
        let done = undo_as_planned(&api, &entry(&api, "DELETE", "p", "1").await, true).await;
        assert_eq!(world.rows("select id from g").await, [[Some("2".into())]], "3 hung on another, 1 fell before");
        assert_eq!(all(&world, &["p", "c"]).await, before[..2], "{done}");
        assert_eq!(world.rows("select id, p, a from n order by id").await[0],
            [Some("1".into()), Some("1".into()), Some("moved".into())], "only the reference is set again");
        assert_eq!(world.scalar("select p from n where id = 2").await, "1");
    }

    async fn a_reference_that_someone_set_since_is_left_alone(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        transaction(&world, &api, "delete from p where id = 1").await;
        world.sql("update n set p = 2 where id = 2; delete from n where id = 1").await;
        let done = undo_as_planned(&api, &entry(&api, "DELETE", "p", "1").await, true).await;
        assert_eq!(done["skipped"], json!([{"tableName": "n", "recordId": "2", "field": "p", "expected": null, "current": 2}]));
        assert_eq!(world.rows("select id, p from n order by id").await,
            [[Some("2".into()), Some("2".into())], [Some("3".into()), Some("2".into())]]);
    }

    async fn a_child_whose_key_is_taken_stands_in_the_way_of_all(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        transaction(&world, &api, "delete from p where id = 1").await;
        world.sql("insert into c values (2, 2, 'new')").await;
        let id = entry(&api, "DELETE", "p", "1").await;
        let (code, message) = api.refusal(&undo_mutation(), json!({"id": id, "l": true})).await;
        assert!(code == "CONFLICT" && message.contains("\"2\"") && message.contains("\"c\""), "{message}");
        assert_eq!(world.scalar("select count(*) from p").await, "1");
        undo(&api, &id).await;
    }

    async fn without_a_transaction_nobody_can_tell(world: World) {
        if world.kind == Kind::Postgres {
            return;
        }
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        world.sql("delete from p where id = 1").await;
        let id = entry(&api, "DELETE", "p", "1").await;
        let (code, message) = api.refusal(&undo_mutation(), json!({"id": id, "l": true})).await;
        assert!(code == "NOT_UNDOABLE" && message.contains("context row"), "{message}");
        undo(&api, &id).await;
    }

    /// The deletion may be an undo's own.
    async fn the_undo_of_a_creation_is_taken_back_with_all_that_went(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        let before = all(&world, &NAMES).await;
        undo_as_planned(&api, &entry(&api, "CREATE", "p", "1").await, false).await;
        undo_as_planned(&api, &entry(&api, "DELETE", "p", "1").await, true).await;
        assert_eq!(all(&world, &NAMES).await, before);
    }

    async fn it_has_no_effect_on_other_entries(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql(START).await;
        world.sql("update p set a = 'z' where id = 1").await;
        let done = undo_as_planned(&api, &entry(&api, "UPDATE", "p", "1").await, true).await;
        assert_eq!(steps(&done["effects"]), ["UPDATE p 1"]);
    }

    async fn composite_keys_and_a_table_that_hangs_on_itself(world: World) {
        let tables = "create table p (x integer, y text, up_x integer, up_y text, primary key (x, y), \
            foreign key (up_x, up_y) references p (x, y) on delete cascade)";
        let api = tracked(&world, tables, &["p"]).await;
        world.sql("insert into p values (1, 'a', null, null), (2, 'b', 1, 'a'), (3, 'c', 2, 'b'), (4, 'd', null, 'a'), (5, 'e', 5, 'e')").await;
        let before = all(&world, &["p"]).await;
        transaction(&world, &api, "delete from p").await;
        let done = undo_as_planned(&api, &entry(&api, "DELETE", "p", "[\"1\",\"a\"]").await, true).await;
        assert_eq!(done["effects"].as_array().map(Vec::len), Some(3), "{done}");
        for id in ["[\"4\",\"d\"]", "[\"5\",\"e\"]"] {
            undo_as_planned(&api, &entry(&api, "DELETE", "p", id).await, true).await;
        }
        assert_eq!(all(&world, &["p"]).await, before);
    }
}
