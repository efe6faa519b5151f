//! Undoing a CREATE: the object goes, and before it what hangs on it.

use serde_json::{Value, json};

use super::{UNDO, conflict, entry, refused, rows, tracked, undo};
use crate::support::{Api, both};

/// What was done, in order: action, table and record id.
fn steps(done: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let entries = done["entries"].as_array().expect("a list");
    let step = |e: &Value| format!("{} {} {}", text(&e["action"]), text(&e["tableName"]), text(&e["recordId"]));
    entries.iter().map(step).collect()
}

/// Each entry that reverses a creation points at that creation.
async fn each_reverses_its_own(api: &Api, done: &Value) {
    for e in done["entries"].as_array().expect("a list").iter().filter(|e| e["action"] == "DELETE") {
        let (table, id) = (e["tableName"].as_str().expect("text"), e["recordId"].as_str().expect("text"));
        assert_eq!(e["undoOf"], json!({"id": entry(api, "CREATE", table, id).await}), "{e}");
    }
}

both! {
    async fn what_hangs_on_it_goes_first_level_by_level(world: World) {
        let tables = "create table a (id integer primary key); \
            create table b (id integer primary key, a integer not null references a on delete cascade); \
            create table c (id integer primary key, b integer references b on delete restrict); \
            create table d (id integer primary key, c integer references c)";
        let api = tracked(&world, tables, &["a", "b", "c", "d"]).await;
        world.sql("insert into a values (1), (2); insert into b values (1, 1), (2, 1), (3, 2); \
            insert into c values (1, 1), (2, 2), (3, 3); insert into d values (1, 1), (2, null)").await;
        let done = undo(&api, &entry(&api, "CREATE", "a", "1").await).await;
        assert_eq!(steps(&done), ["DELETE d 1", "DELETE c 1", "DELETE b 1", "DELETE c 2", "DELETE b 2", "DELETE a 1"]);
        each_reverses_its_own(&api, &done).await;
        assert_eq!(done["auditLog"]["recordId"], "1");
        assert_eq!(done["derived"], json!([]));
        for (table, left) in [("a", 1), ("b", 1), ("c", 1), ("d", 1)] {
            assert_eq!(rows(&world, table).await.len(), left, "{table}");
        }
    }

    async fn set_null_and_set_default_children_stay(world: World) {
        let tables = "create table p (id integer primary key); \
            create table n (id integer primary key, p integer references p on delete set null, x text); \
            create table d (id integer primary key, p integer default 2 references p on delete set default)";
        let api = tracked(&world, tables, &["p", "n", "d"]).await;
        world.sql("insert into p values (1), (2); insert into n values (1, 1, 'x'); insert into d values (1, 1)").await;
        let done = undo(&api, &entry(&api, "CREATE", "p", "1").await).await;
        let mut did = steps(&done);
        did.sort();
        assert_eq!(did, ["DELETE p 1", "UPDATE d 1", "UPDATE n 1"]);
        assert_eq!(done["derived"], json!([]));
        assert_eq!(done["effects"].as_array().map(Vec::len), Some(3));
        assert_eq!(done["auditLog"], json!({"id": done["auditLog"]["id"], "action": "DELETE", "recordId": "1"}));
        assert_eq!(world.rows("select p, x from n").await, [[None, Some("x".into())]]);
        assert_eq!(world.scalar("select p from d").await, "2");
        let query = "query($id: ID!) { auditLog(id: $id) { undoneBy { id } } }";
        let created = entry(&api, "CREATE", "p", "1").await;
        let data = api.ask(query, json!({"id": created})).await;
        assert_eq!(data["auditLog"]["undoneBy"]["id"], done["auditLog"]["id"]);
    }

    async fn a_row_may_refer_to_itself(world: World) {
        let tables = "create table s (id integer primary key, boss integer references s)";
        let api = tracked(&world, tables, &["s"]).await;
        world.sql("insert into s values (1, 1), (2, 1), (3, 2)").await;
        let done = undo(&api, &entry(&api, "CREATE", "s", "1").await).await;
        assert_eq!(steps(&done), ["DELETE s 3", "DELETE s 2", "DELETE s 1"]);
        assert_eq!(done["auditLog"]["recordId"], "1");
        each_reverses_its_own(&api, &done).await;
        assert!(rows(&world, "s").await.is_empty());
    }

    async fn rows_of_two_tables_may_refer_to_each_other(world: World) {
        for (number, action) in ["", "on delete cascade", "on delete no action deferrable initially deferred"].iter().enumerate() {
            let (a, b) = (format!("a{number}"), format!("b{number}"));
            let tables = format!("create table {a} (id integer primary key, b integer); \
                create table {b} (id integer primary key, a integer references {a} {action})");
            let api = tracked(&world, &tables, &[]).await;
            let close = match world.kind {
                crate::support::Kind::Postgres => format!("alter table {a} add foreign key (b) references {b} {action}"),
                crate::support::Kind::Sqlite => format!("drop table {a}; \
                    create table {a} (id integer primary key, b integer references {b} {action})"),
            };
            world.sql(&close).await;
            api.track(&a).await;
            api.track(&b).await;
            world.sql(&format!("insert into {a} values (1, null); insert into {b} values (1, 1); \
                update {a} set b = 1; insert into {a} values (2, 1)")).await;
            let done = undo(&api, &entry(&api, "CREATE", &b, "1").await).await;
            let mut did = steps(&done);
            did.sort();
            assert_eq!(did, [format!("DELETE {a} 1"), format!("DELETE {a} 2"), format!("DELETE {b} 1")], "{action}");
            each_reverses_its_own(&api, &done).await;
            assert_eq!(done["derived"], json!([]));
            assert!(rows(&world, &a).await.is_empty() && rows(&world, &b).await.is_empty());
        }
    }

    async fn a_child_reached_by_two_ways_goes_once(world: World) {
        let tables = "create table a (id integer primary key); \
            create table b (id integer primary key, a integer references a); \
            create table c (id integer primary key, a integer references a, b integer references b, \
                            other integer references a on delete set null)";
        let api = tracked(&world, tables, &["a", "b", "c"]).await;
        world.sql("insert into a values (1); insert into b values (1, 1); insert into c values (1, 1, 1, 1)").await;
        let done = undo(&api, &entry(&api, "CREATE", "a", "1").await).await;
        assert_eq!(steps(&done), ["DELETE c 1", "DELETE b 1", "DELETE a 1"]);
    }

    async fn composite_keys_are_followed(world: World) {
        let tables = "create table a (x integer, y text, primary key (y, x)); \
            create table b (id integer primary key, x integer, y text, foreign key (x, y) references a (x, y))";
        let tables = tables.replace("foreign key (x, y) references a (x, y)", "foreign key (y, x) references a (y, x)");
        let api = tracked(&world, &tables, &["a", "b"]).await;
        world.sql("insert into a values (1, 'o\"'), (1, 'p'); insert into b values (1, 1, 'o\"'), (2, 1, 'p'), (3, 1, null)").await;
        let done = undo(&api, &entry(&api, "CREATE", "a", "[\"o\\\"\",\"1\"]").await).await;
        assert_eq!(steps(&done), ["DELETE b 1", "DELETE a [\"o\\\"\",\"1\"]"]);
        assert_eq!(rows(&world, "b").await.len(), 2);
    }

    async fn an_untracked_child_table_is_a_conflict_that_names_it(world: World) {
        let tables = "create table a (id integer primary key); \
            create table quiet (id integer primary key, a integer references a on delete cascade)";
        let api = tracked(&world, tables, &["a"]).await;
        world.sql("insert into a values (1), (2); insert into quiet values (1, 1)").await;
        conflict(&world, &api, &entry(&api, "CREATE", "a", "1").await, "quiet").await;
        undo(&api, &entry(&api, "CREATE", "a", "2").await).await;
    }

    async fn too_many_rows_are_a_conflict_that_names_the_flag(world: World) {
        world.sql("create table a (id integer primary key); \
            create table b (id integer primary key, a integer references a on delete cascade); \
            create table n (id integer primary key, a integer references a on delete set null)").await;
        let api = Api::start_with(&world, |settings| settings.undo_max_rows = 4).await;
        for table in ["a", "b", "n"] {
            api.track(table).await;
        }
        world.sql("insert into a values (1), (2); insert into b values (1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2); \
            insert into n values (1, 2)").await;
        conflict(&world, &api, &entry(&api, "CREATE", "a", "1").await, "--undo-max-rows").await;
        undo(&api, &entry(&api, "CREATE", "a", "2").await).await;
    }

    async fn a_row_that_is_gone_or_was_created_anew_is_a_conflict(world: World) {
        let api = tracked(&world, "create table a (id integer primary key)", &["a"]).await;
        world.sql("insert into a values (1)").await;
        let first = entry(&api, "CREATE", "a", "1").await;
        world.sql("delete from a").await;
        conflict(&world, &api, &first, "gone").await;
        world.sql("insert into a values (1)").await;
        let second = entry(&api, "CREATE", "a", "1").await;
        conflict(&world, &api, &first, &format!("entry {second}")).await;
        undo(&api, &second).await;
    }

    async fn a_child_that_must_have_a_parent_is_a_conflict(world: World) {
        let tables = "create table p (id integer primary key); \
            create table n (id integer primary key, p integer not null references p on delete set null)";
        let api = tracked(&world, tables, &["p", "n"]).await;
        world.sql("insert into p values (1); insert into n values (1, 1)").await;
        let (code, message) = refused(&world, &api, &entry(&api, "CREATE", "p", "1").await).await;
        assert_eq!(code, "CONFLICT", "{message}");
        assert!(message.contains('p') && message.contains('n'), "{message}");
    }

    async fn names_that_need_quotes_are_followed(world: World) {
        let tables = "create table \"Pa.rent\" (\"I d\" integer primary key); \
            create table \"ki\"\"ds\" (\"select\" integer primary key, \"Ü'\" integer references \"Pa.rent\")";
        let api = tracked(&world, tables, &["\"Pa.rent\"", "\"ki\"\"ds\""]).await;
        world.sql("insert into \"Pa.rent\" values (1); insert into \"ki\"\"ds\" values (5, 1)").await;
        let done = undo(&api, &entry(&api, "CREATE", "\"Pa.rent\"", "1").await).await;
        assert_eq!(steps(&done), ["DELETE \"ki\"\"ds\" 5", "DELETE \"Pa.rent\" 1"]);
    }

    async fn a_refused_undo_is_recorded_once_and_names_the_caller(world: World) {
        let api = tracked(&world, "create table a (id integer primary key)", &["a"]).await;
        world.sql("insert into a values (1); delete from a").await;
        let id = entry(&api, "CREATE", "a", "1").await;
        refused(&world, &api, &id).await;
        let query = "{ auditLogs(first: 1) { nodes { action tableName recordId userId username source recordedBy metadata } } }";
        let data = api.ask(query, json!({})).await;
        assert_eq!(data["auditLogs"]["nodes"][0], json!({"action": "READ", "tableName": "afterimage.undo", "recordId": id,
            "userId": "42", "username": "ann", "source": "API", "recordedBy": "42", "metadata": {"code": "CONFLICT"}}));
        let (code, _) = api.refusal(UNDO, json!({"id": "999999"})).await;
        assert_eq!(code, "NOT_FOUND");
    }
}
