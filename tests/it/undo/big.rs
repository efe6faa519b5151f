//! Undos of thousands of rows: more than one statement takes.

use super::{all, entry, last_transaction, tracked, transaction, undo_as_planned, undo_transaction};
use crate::support::both;

const TABLES: &str = "create table p (id integer primary key, a text); \
    create table c (id integer primary key, p integer not null references p on delete cascade, a text unique); \
    create index c_p on c (p)";

/// More than two full statements.
const COUNT: u32 = 2_100;

fn lines(from: u32, count: u32) -> String {
    let rows: Vec<String> = (from..from + count).map(|id| format!("({id}, 1, 'line {id}')")).collect();
    format!("insert into c values {}", rows.join(", "))
}

both! {
    async fn what_goes_in_batches_goes_as_one(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        transaction(&world, &api, &format!("insert into p values (1, 'a'); {}", lines(1, COUNT))).await;
        let full = all(&world, &["p", "c"]).await;
        undo_as_planned(&api, &entry(&api, "CREATE", "p", "1").await, false).await;
        assert!(all(&world, &["p", "c"]).await.iter().all(Vec::is_empty));
        undo_as_planned(&api, &entry(&api, "DELETE", "p", "1").await, true).await;
        assert_eq!(all(&world, &["p", "c"]).await, full);
        let id = transaction(&world, &api, "update c set a = a || '!'").await;
        undo_transaction(&api, &id).await;
        assert_eq!(all(&world, &["p", "c"]).await, full);
        let fell = transaction(&world, &api, "delete from p").await;
        undo_transaction(&api, &fell).await;
        assert_eq!(all(&world, &["p", "c"]).await, full);
        undo_transaction(&api, &last_transaction(&api).await).await;
        assert!(all(&world, &["p", "c"]).await.iter().all(Vec::is_empty));
    }
}
