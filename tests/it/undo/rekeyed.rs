//! Tables whose key has become another one: what a record id names then is another row.

use serde_json::{Value, json};

use super::{
    entry, preview, refused, refused_transaction, rows, sql_text, tracked, transaction, undo, undo_as_planned,
};
use crate::support::{Api, World, both};

const TABLE: &str = "create table a (id integer primary key, k integer not null, v text)";

/// Gives the table `a` the key `k`.
fn by_k(world: &World) -> &'static str {
    sql_text(
        world,
        "alter table a drop constraint a_pkey; alter table a add primary key (k)",
        "create table b (id integer, k integer not null primary key, v text); insert into b select id, k, v from a; \
         drop table a; alter table b rename to a",
    )
}

/// The latest entry about the capture of a table: its id, and what it says of the key before and after.
async fn about(api: &Api, table: &str) -> (String, Value, Value) {
    let query = "query($t: ID!) { objectHistory(tableName: \"afterimage.tracked_table\", recordId: $t, first: 1) \
        { nodes { id oldValues newValues } } }";
    let mut data = api.ask(query, json!({"t": table})).await;
    let node = data["objectHistory"]["nodes"][0].take();
    let id = node["id"].as_str().expect("an id").to_owned();
    (id, node["oldValues"]["primaryKey"].clone(), node["newValues"]["primaryKey"].clone())
}

both! {
    async fn another_row_that_bears_the_record_id_under_a_new_key_is_not_written_to(world: World) {
        let api = tracked(&world, TABLE, &["a"]).await;
        assert_eq!(about(&api, "a").await.2, json!(["id"]));
        world.sql("insert into a values (1, 10, 'x'), (2, 20, 'z')").await;
        let whole = transaction(&world, &api, "update a set v = 'y' where id = 1").await;
        let update = entry(&api, "UPDATE", "a", "1").await;
        world.sql("delete from a where id = 2").await;
        let (creation, deletion) = (entry(&api, "CREATE", "a", "1").await, entry(&api, "DELETE", "a", "2").await);
        world.sql(by_k(&world)).await;
        world.sql("insert into a values (99, 1, 'y')").await;
        let before = rows(&world, "a").await;
        for id in [&update, &creation, &deletion] {
            let (code, message) = refused(&world, &api, id).await;
            assert_eq!(code, "NOT_UNDOABLE", "{message}");
            assert!(message.contains("the key of \"a\" is no longer the one under which its rows were recorded"), "{message}");
        }
        assert_eq!(refused_transaction(&world, &api, &whole).await.0, "NOT_UNDOABLE");

        api.track("a").await;
        let (change, old, new) = about(&api, "a").await;
        assert_eq!((old, new), (json!(["id"]), json!(["k"])));
        let named = format!("entry {change},");
        for id in [&update, &creation, &deletion] {
            let (code, message) = refused(&world, &api, id).await;
            assert!(code == "NOT_UNDOABLE" && message.contains("\"a\"") && message.contains(&named), "{message}");
        }
        let (code, message) = refused_transaction(&world, &api, &whole).await;
        assert!(code == "NOT_UNDOABLE" && message.contains(&named), "{message}");
        assert_eq!(rows(&world, "a").await, before);

        world.sql("update a set v = 'later' where k = 1").await;
        undo(&api, &entry(&api, "UPDATE", "a", "1").await).await;
        assert_eq!(rows(&world, "a").await, before, "what is recorded under the new key can be undone");
        world.sql("delete from a where k = 1; insert into a values (98, 1, 'w')").await;
        undo(&api, &entry(&api, "CREATE", "a", "1").await).await;
        assert_eq!(world.rows("select k from a").await, [[Some("10".to_owned())]]);
    }

    async fn a_key_that_changed_while_the_table_was_not_tracked_is_another_one_too(world: World) {
        let api = tracked(&world, TABLE, &["a"]).await;
        world.sql("insert into a values (1, 10, 'x'); update a set v = 'y' where id = 1").await;
        let update = entry(&api, "UPDATE", "a", "1").await;
        let untrack = "mutation { untrackTable(tableName: \"a\") { tableName } }";
        api.ask(untrack, json!({})).await;
        api.track("a").await;
        undo_as_planned(&api, &update, false).await;
        world.sql("update a set v = 'y' where id = 1").await;
        let update = entry(&api, "UPDATE", "a", "1").await;
        api.ask(untrack, json!({})).await;
        world.sql(by_k(&world)).await;
        world.sql("insert into a values (99, 1, 'y')").await;
        api.track("a").await;
        let (change, _, new) = about(&api, "a").await;
        assert_eq!(new, json!(["k"]));
        let (code, message) = refused(&world, &api, &update).await;
        assert!(code == "NOT_UNDOABLE" && message.contains(&format!("entry {change},")), "{message}");
    }

    async fn a_key_of_the_same_columns_in_another_order_is_another_one(world: World) {
        let api = tracked(&world, "create table a (x integer, y integer, v text, primary key (x, y))", &["a"]).await;
        world.sql("insert into a values (1, 2, 'a'), (2, 1, 'b'); update a set v = 'b' where x = 1").await;
        let update = entry(&api, "UPDATE", "a", "[\"1\",\"2\"]").await;
        world.sql(sql_text(&world, "alter table a drop constraint a_pkey; alter table a add primary key (y, x)",
            "create table b (x integer, y integer, v text, primary key (y, x)); insert into b select x, y, v from a; \
             drop table a; alter table b rename to a")).await;
        let before = rows(&world, "a").await;
        assert_eq!(refused(&world, &api, &update).await.0, "NOT_UNDOABLE");
        api.track("a").await;
        let (change, old, new) = about(&api, "a").await;
        assert_eq!((old, new), (json!(["x", "y"]), json!(["y", "x"])));
        let (code, message) = refused(&world, &api, &update).await;
        assert!(code == "NOT_UNDOABLE" && message.contains(&format!("entry {change},")), "{message}");
        assert_eq!(rows(&world, "a").await, before);
    }

    async fn what_hung_on_a_row_does_not_come_back_under_another_key_than_it_had(world: World) {
        for action in ["cascade", "set null"] {
            let reference = format!("p integer references p on delete {action}");
            world.sql("drop table if exists a; drop table if exists p").await;
            let tables = format!("create table p (id integer primary key); create table a (id integer primary key, k integer not null, {reference})");
            let api = tracked(&world, &tables, &["p", "a"]).await;
            world.sql("insert into p values (1); insert into a values (1, 10, 1)").await;
            transaction(&world, &api, "delete from p where id = 1").await;
            let deletion = entry(&api, "DELETE", "p", "1").await;
            world.sql(&sql_text(&world, "alter table a drop constraint a_pkey; alter table a add primary key (k)",
                "create table b (id integer, k integer not null primary key, REFERENCE); insert into b select * from a; \
                 drop table a; alter table b rename to a").replace("REFERENCE", &reference)).await;
            world.sql("insert into a values (99, 1, null)").await;
            let untracked = preview(&api, &deletion, true).await;
            assert_eq!(untracked["code"], "NOT_UNDOABLE", "{action}: {untracked}");
            api.track("a").await;
            let change = about(&api, "a").await.0;
            let before = rows(&world, "a").await;
            let plan = preview(&api, &deletion, true).await;
            assert_eq!(plan["code"], "NOT_UNDOABLE", "{action}: {plan}");
            assert!(plan["reason"].as_str().is_some_and(|reason| reason.contains(&format!("entry {change},"))), "{plan}");
            undo_as_planned(&api, &deletion, false).await;
            assert_eq!(rows(&world, "a").await, before, "{action}: the row itself comes back alone");
            for table in ["a", "p"] {
                api.ask("mutation($t: String!) { untrackTable(tableName: $t) { tableName } }", json!({"t": table})).await;
            }
        }
    }

    async fn a_row_that_goes_along_is_not_taken_for_the_one_that_was_created_under_its_id(world: World) {
        let tables = "create table p (id integer primary key); \
            create table a (id integer primary key, k integer not null, p integer references p)";
        let api = tracked(&world, tables, &["p", "a"]).await;
        world.sql("insert into p values (5); insert into a values (1, 10, null), (2, 1, 5)").await;
        world.sql(sql_text(&world, "alter table a drop constraint a_pkey; alter table a add primary key (k)",
            "create table b (id integer, k integer not null primary key, p integer references p); insert into b select * from a; \
             drop table a; alter table b rename to a")).await;
        api.track("a").await;
        let done = undo_as_planned(&api, &entry(&api, "CREATE", "p", "5").await, false).await;
        let gone = done["entries"].as_array().expect("entries").iter().find(|entry| entry["tableName"] == "a");
        let gone = gone.unwrap_or_else(|| panic!("{done}"));
        assert_eq!((&gone["recordId"], &gone["undoOf"]), (&json!("1"), &Value::Null), "{done}");
        assert_eq!(world.rows("select k from a").await, [[Some("10".to_owned())]]);
    }

    async fn a_record_id_that_does_not_even_fit_the_new_key_is_refused_for_the_same_reason(world: World) {
        let api = tracked(&world, "create table a (id text primary key, k integer not null, v text)", &["a"]).await;
        world.sql("insert into a values ('one', 10, 'x')").await;
        let whole = transaction(&world, &api, "update a set v = 'y'").await;
        world.sql(&by_k(&world).replace("id integer", "id text")).await;
        api.track("a").await;
        let (code, message) = refused_transaction(&world, &api, &whole).await;
        assert_eq!(code, "NOT_UNDOABLE", "{message}");
        assert!(message.contains(&format!("entry {},", about(&api, "a").await.0)), "{message}");
    }
}
