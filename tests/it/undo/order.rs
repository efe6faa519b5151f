//! The order of a plan: the reversed one, but for what foreign keys and unique values need.

use super::{all, entry, steps, tracked, transaction, undo_as_planned, undo_transaction};
use crate::support::{Kind, World, both};

/// What happens in one transaction is undone, and done again, and each time the tables are as they were.
async fn back_and_forth(world: &World, tables: &str, names: &[&str], start: &str, change: &str) -> Vec<String> {
    let api = tracked(world, tables, names).await;
    world.sql(start).await;
    let before = all(world, names).await;
    let id = transaction(world, &api, change).await;
    let after = all(world, names).await;
    assert_ne!(before, after);
    let done = undo_transaction(&api, &id).await;
    assert_eq!(all(world, names).await, before, "{done}");
    let redone = undo_transaction(&api, done["auditLog"]["transactionId"].as_str().expect("an id")).await;
    assert_eq!(all(world, names).await, after, "{redone}");
    undo_transaction(&api, redone["auditLog"]["transactionId"].as_str().expect("an id")).await;
    assert_eq!(all(world, names).await, before);
    steps(&done["entries"])
}

/// Swaps over values that are unique by more than a column's bytes, as only PostgreSQL looks at them at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unique_otherwise_is_swapped_back_on_postgres() {
    let swap =
        "update e set pos = 99 where id = 1; update e set pos = 1 where id = 2; update e set pos = 2 where id = 1";
    for unique in [
        "create unique index on e (pos) where not del",
        "create unique index on e (abs(pos))",
        "alter table e add g int generated always as (pos * 3) stored unique",
        "alter table e add exclude using btree (pos with =)",
    ] {
        let world = World::new(Kind::Postgres).await;
        let tables = format!("create table e (id int primary key, pos int, del bool default false); {unique}");
        back_and_forth(&world, &tables, &["e"], "insert into e values (1, 1), (2, 2)", swap).await;
    }
}

both! {
    async fn a_cascade_comes_back_parents_first(world: World) {
        let tables = "create table a (id integer primary key); \
            create table b (id integer primary key, a integer not null references a on delete cascade); \
            create table c (id integer primary key, b integer not null references b on delete cascade)";
        let start = "insert into a values (1), (2); insert into b values (1, 1), (2, 1), (3, 2); insert into c values (1, 1), (2, 3)";
        let order = back_and_forth(&world, tables, &["a", "b", "c"], start, "delete from a").await;
        let place = |step: &str| order.iter().position(|done| done == step).unwrap_or_else(|| panic!("{step}: {order:?}"));
        for (parent, child) in [("a 1", "b 1"), ("a 1", "b 2"), ("a 2", "b 3"), ("b 1", "c 1"), ("b 3", "c 2")] {
            assert!(place(&format!("CREATE {parent}")) < place(&format!("CREATE {child}")), "{order:?}");
        }
    }

    async fn references_that_were_cut_are_set_again(world: World) {
        let tables = "create table p (id integer primary key); \
            create table n (id integer primary key, p integer references p on delete set null); \
            create table d (id integer primary key, p integer default 2 references p on delete set default)";
        let start = "insert into p values (1), (2); insert into n values (1, 1), (2, 2); insert into d values (1, 1), (2, 2)";
        back_and_forth(&world, tables, &["p", "n", "d"], start, "delete from p where id = 1").await;
    }

    async fn restrict_is_kept_to(world: World) {
        let tables = "create table p (id integer primary key); \
            create table c (id integer primary key, p integer not null references p on delete restrict on update restrict)";
        let start = "insert into p values (1); insert into c values (1, 1)";
        back_and_forth(&world, tables, &["p", "c"], start,
            "insert into p values (2); update c set p = 2; insert into c values (5, 2); delete from p where id = 1").await;
    }

    async fn a_deferred_key_lets_the_child_come_first(world: World) {
        let tables = "create table p (id integer primary key); \
            create table c (id integer primary key, p integer not null references p deferrable initially deferred)";
        let start = "insert into p values (1); insert into c values (1, 1)";
        let order = back_and_forth(&world, tables, &["p", "c"], start,
            "insert into c values (2, 2); insert into p values (2); delete from p where id = 1; delete from c where id = 1").await;
        let place = |step: &str| order.iter().position(|done| done == step).unwrap_or_else(|| panic!("{step}: {order:?}"));
        assert!(place("CREATE p 1") < place("CREATE c 1") && place("DELETE c 2") < place("DELETE p 2"), "{order:?}");
    }

    async fn composite_and_self_references(world: World) {
        let tables = "create table t (x integer, y text, up_x integer, up_y text, primary key (x, y), \
            foreign key (up_x, up_y) references t (x, y) on delete cascade)";
        let start = "insert into t values (1, 'a', null, null), (2, 'b', 1, 'a'), (3, 'c', 2, 'b'), (9, 'i', 9, 'i')";
        back_and_forth(&world, tables, &["t"], start,
            "delete from t; insert into t values (2, 'b', null, null), (4, 'd', 2, 'b'); update t set up_x = 4, up_y = 'd' where x = 2").await;
    }

    async fn a_child_reached_by_two_ways_comes_back_once(world: World) {
        let tables = "create table a (id integer primary key); \
            create table b (id integer primary key, a integer references a on delete cascade); \
            create table c (id integer primary key, a integer references a on delete cascade, b integer references b on delete cascade)";
        let start = "insert into a values (1); insert into b values (1, 1); insert into c values (1, 1, 1), (2, null, 1), (3, 1, null)";
        back_and_forth(&world, tables, &["a", "b", "c"], start, "delete from a").await;
    }

    async fn a_unique_value_is_free_before_it_is_taken(world: World) {
        let tables = "create table u (id integer primary key, sku text not null unique, a integer, b integer, unique (a, b))";
        let start = "insert into u values (1, 'x', 1, 1), (2, 'y', 1, 2), (3, 'z', 2, 1)";
        back_and_forth(&world, tables, &["u"], start,
            "update u set sku = 'tmp' where id = 1; update u set sku = 'x' where id = 2; update u set sku = 'y' where id = 1; \
             delete from u where id = 3; insert into u values (4, 'z', 2, 1); update u set a = 5 where id = 1; update u set a = 1, b = 1 where id = 2").await;
    }

    async fn keys_that_move_take_their_children_along(world: World) {
        let tables = "create table p (id integer primary key, a text); \
            create table c (id integer primary key, p integer references p on update cascade on delete cascade)";
        let start = "insert into p values (1, 'a'), (2, 'b'); insert into c values (1, 1), (2, 2)";
        back_and_forth(&world, tables, &["p", "c"], start,
            "update p set id = 10 where id = 1; update p set a = 'x' where id = 10; insert into c values (3, 10); \
             update p set id = 11 where id = 10; insert into p values (1, 'new'); update c set p = 1 where id = 2").await;
    }

    async fn a_creation_takes_along_what_others_hung_on_it_since(world: World) {
        let tables = "create table p (id integer primary key); \
            create table c (id integer primary key, p integer references p on delete restrict)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        let id = transaction(&world, &api, "insert into p values (1), (2); insert into c values (1, 1)").await;
        world.sql("insert into c values (2, 2)").await;
        let done = undo_transaction(&api, &id).await;
        assert_eq!(all(&world, &["p", "c"]).await, [vec![] as Vec<String>, vec![]], "{done}");
    }

    async fn a_default_is_what_the_schema_says(world: World) {
        let default = if world.kind == Kind::Postgres { "(1 + 1)" } else { "2" };
        let tables = format!("create table p (id integer primary key); \
            create table d (id integer primary key, p integer default {default} references p on delete set default)");
        let api = tracked(&world, &tables, &["p", "d"]).await;
        world.sql("insert into p values (1), (2); insert into d values (1, 1), (2, 2)").await;
        let done = undo_as_planned(&api, &entry(&api, "CREATE", "p", "1").await, false).await;
        assert_eq!(steps(&done["effects"]), ["UPDATE d 1", "DELETE p 1"]);
        assert_eq!(done["effects"][0]["changes"][0]["new"], 2);
    }

    async fn a_row_that_refers_to_itself_gets_its_key_back(world: World) {
        let tables = "create table tree (id integer primary key, p integer references tree (id) on update cascade)";
        let start = "insert into tree values (5, 5), (6, 5), (7, 6)";
        back_and_forth(&world, tables, &["tree"], start, "update tree set id = 50 where id = 5").await;
        let fresh = World::new(world.kind).await;
        let moved = "update tree set p = 6 where id = 5; update tree set id = 50 where id = 5";
        back_and_forth(&fresh, tables, &["tree"], start, moved).await;
    }

}
