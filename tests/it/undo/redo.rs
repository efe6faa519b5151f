//! What was undone is done again by undoing the undo.

use super::{all, entry, last_transaction, tracked, undo_as_planned, undo_transaction};
use crate::support::both;

const TABLES: &str = "create table p (id integer primary key, a text); \
    create table c (id integer primary key, p integer references p on delete cascade); \
    create table n (id integer primary key, p integer references p on delete set null)";
const NAMES: [&str; 3] = ["p", "c", "n"];

both! {
    async fn each_kind_of_undo_is_undone_by_its_transaction(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql("insert into p values (1, 'a'), (2, 'b'); insert into c values (1, 1), (2, 1); insert into n values (1, 1); \
            update p set a = 'z' where id = 2; update p set id = 20 where id = 2; delete from p where id = 20").await;
        for (action, record_id) in [("CREATE", "1"), ("DELETE", "20")] {
            let before = all(&world, &NAMES).await;
            undo_as_planned(&api, &entry(&api, action, "p", record_id).await, false).await;
            let after = all(&world, &NAMES).await;
            for state in [&before, &after, &before, &after] {
                undo_transaction(&api, &last_transaction(&api).await).await;
                assert_eq!(&all(&world, &NAMES).await, state, "{action}");
            }
        }
        // The key goes back too, and forth.
        undo_as_planned(&api, &entry(&api, "DELETE", "p", "2").await, false).await;
        assert_eq!(world.scalar("select a from p where id = 2").await, "z");
        undo_transaction(&api, &last_transaction(&api).await).await;
        assert_eq!(world.scalar("select a from p where id = 20").await, "z");
    }

    async fn entry_by_entry_as_well(world: World) {
        let api = tracked(&world, TABLES, &NAMES).await;
        world.sql("insert into p values (1, 'a'); update p set a = 'b'; delete from p").await;
        for _ in 0..3 {
            undo_as_planned(&api, &entry(&api, "DELETE", "p", "1").await, false).await;
            assert_eq!(world.scalar("select a from p").await, "b");
            undo_as_planned(&api, &entry(&api, "CREATE", "p", "1").await, false).await;
            assert_eq!(world.scalar("select count(*) from p").await, "0");
        }
    }
}
