//! An undo after which a row would refer to one that is not there is refused, and its preview says so: also on SQLite,
//! which asks only at the commit.

use serde_json::json;

use super::{
    all, conflict, entry, preview, refused_transaction, rows, sql_text, tracked, transaction, undo, undo_as_planned,
};
use crate::support::{Api, Kind, World, both};

/// The preview and the undo say the same, and name what stands in the way.
async fn stands_in_the_way(world: &World, api: &Api, id: &str, constraint: &str, sentence: &str) {
    let plan = preview(api, id, false).await;
    assert_eq!((&plan["possible"], &plan["code"]), (&json!(false), &json!("CONFLICT")), "{plan}");
    let part = sql_text(world, constraint, sentence);
    assert!(plan["reason"].as_str().expect("a reason").contains(part), "{plan} has no {part:?}");
    conflict(world, api, id, plan["reason"].as_str().expect("a reason")).await;
}

both! {
    async fn a_default_that_refers_to_no_row_is_refused_as_previewed(world: World) {
        let tables = "create table p (id integer primary key); \
            create table c (id integer primary key, f integer default 1 references p on delete set default)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        world.sql("insert into p values (2); insert into c values (1, 2)").await;
        let id = entry(&api, "CREATE", "p", "2").await;
        let sentence = "\"c\" \"1\" refers to a row of \"p\" that is not there: its \"f\" is 1";
        stands_in_the_way(&world, &api, &id, "c_f_fkey", sentence).await;
        world.sql("insert into p values (1)").await;
        undo_as_planned(&api, &id, false).await;
        assert_eq!(rows(&world, "c").await.len(), 1);
        // Now the default is the row that goes.
        let id = entry(&api, "CREATE", "p", "1").await;
        stands_in_the_way(&world, &api, &id, "c_f_fkey", sentence).await;
    }

    async fn a_key_to_which_rows_refer_by_now_is_not_taken_from_them(world: World) {
        let tables = "create table p (k integer primary key, a text); \
            create table c (id integer primary key, f integer references p deferrable initially deferred)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a'); insert into c values (5, 1)").await;
        world.sql("begin; update p set k = 2; update c set f = 2; commit").await;
        let sentence = "\"c\" \"5\" refers to a row of \"p\" that is not there: its \"f\" is 2";
        for action in ["DELETE", "CREATE"] {
            let id = entry(&api, action, "p", if action == "CREATE" { "2" } else { "1" }).await;
            stands_in_the_way(&world, &api, &id, "c_f_fkey", sentence).await;
        }
        world.sql("update c set f = null").await;
        undo_as_planned(&api, &entry(&api, "CREATE", "p", "2").await, false).await;
    }

    async fn a_unique_value_to_which_rows_refer_by_now_is_not_taken_from_them(world: World) {
        let tables = "create table p (id integer primary key, a text, b text, unique (a, b)); \
            create table c (id integer primary key, x text, y text, constraint xy foreign key (x, y) references p (a, b))";
        let api = tracked(&world, tables, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'old'); update p set b = 'new'; insert into c values (5, 'a', 'new')").await;
        let id = entry(&api, "UPDATE", "p", "1").await;
        let sentence = "\"c\" \"5\" refers to a row of \"p\" that is not there: its \"x, y\" is 'a', 'new'";
        stands_in_the_way(&world, &api, &id, "\"xy\"", sentence).await;
        // Another row may have the values as well.
        world.sql("update c set x = null").await;
        undo_as_planned(&api, &id, false).await;
    }

    async fn a_table_that_is_not_tracked_is_looked_at_too(world: World) {
        let tables = "create table p (k integer primary key); \
            create table c (f integer, constraint cf foreign key (f) references p deferrable initially deferred)";
        let api = tracked(&world, tables, &["p"]).await;
        world.sql("insert into p values (1); update p set k = 2; insert into c values (2)").await;
        let id = entry(&api, "CREATE", "p", "2").await;
        let sentence = "a row of \"c\" refers to a row of \"p\" that is not there: its \"f\" is 2";
        stands_in_the_way(&world, &api, &id, "\"cf\"", sentence).await;
    }

    async fn a_transaction_is_refused_as_previewed_too(world: World) {
        let tables = "create table p (id integer primary key); \
            create table c (id integer primary key, f integer default 1 references p on delete set default)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        let made = transaction(&world, &api, "insert into p values (2)").await;
        world.sql("insert into c values (1, 2)").await;
        let before = all(&world, &["p", "c"]).await;
        let (code, message) = refused_transaction(&world, &api, &made).await;
        assert_eq!(code, "CONFLICT");
        assert!(message.contains(sql_text(&world, "c_f_fkey", "its \"f\" is 1")), "{message}");
        assert_eq!(all(&world, &["p", "c"]).await, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_trigger_writes_during_the_undo_is_looked_at_too() {
    let world = World::new(Kind::Sqlite).await;
    let tables = "create table p (id integer primary key, a text); \
        create table c (id integer primary key, f integer references p); \
        create trigger busy after update on p when new.a = 'old' begin insert into c values (9, 77); end";
    let api = tracked(&world, tables, &["p", "c"]).await;
    world.sql("insert into p values (1, 'old'); update p set a = 'new'").await;
    let id = entry(&api, "UPDATE", "p", "1").await;
    let sentence = "\"c\" \"9\" refers to a row of \"p\" that is not there: its \"f\" is 77";
    stands_in_the_way(&world, &api, &id, "", sentence).await;
}

/// SQLite compares as the parent's column does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_only_the_parents_collation_or_type_calls_equal_is_found() {
    let world = World::new(Kind::Sqlite).await;
    let tables = "create table p (id integer primary key, u text collate nocase unique, n integer unique); \
        create table c (id integer primary key, f text references p (u)); create index c_f on c (f); \
        create table d (id integer primary key, f text references p (n))";
    let api = tracked(&world, tables, &["p", "c", "d"]).await;
    world.sql("insert into p values (1, 'old', 1); update p set u = 'new'; insert into c values (5, 'NEW')").await;
    let sentence = "\"c\" \"5\" refers to a row of \"p\" that is not there: its \"f\" is 'NEW'";
    stands_in_the_way(&world, &api, &entry(&api, "UPDATE", "p", "1").await, "", sentence).await;
    world.sql("delete from c; update p set n = 2; insert into d values (6, '2')").await;
    let sentence = "\"d\" \"6\" refers to a row of \"p\" that is not there: its \"f\" is '2'";
    stands_in_the_way(&world, &api, &entry(&api, "UPDATE", "p", "1").await, "", sentence).await;
}

/// Written by a program that does not enforce foreign keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_that_the_undo_does_not_touch_may_lead_nowhere() {
    let world = World::new(Kind::Sqlite).await;
    let tables = "create table p (id integer primary key); \
        create table c (id integer primary key, a text, f integer references p)";
    let api = tracked(&world, tables, &["p", "c"]).await;
    world.sql("pragma foreign_keys = off; insert into c values (1, 'old', 99)").await;
    world.sql("update c set a = 'new'; update c set id = 2").await;
    undo(&api, &entry(&api, "CREATE", "c", "2").await).await;
    undo(&api, &entry(&api, "UPDATE", "c", "1").await).await;
    assert_eq!(world.scalar("select id || a || f from c").await, "1old99");
}
