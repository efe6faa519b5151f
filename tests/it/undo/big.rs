//! Undos of thousands of rows: more than one statement takes.

use std::time::{Duration, Instant};

use super::{all, entry, last_transaction, tracked, transaction, undo_as_planned, undo_transaction};
use crate::support::both;

const TABLES: &str = "create table p (id integer primary key, a text); \
    create table c (id integer primary key, p integer not null references p on delete cascade, a text unique); \
    create index c_p on c (p)";

fn lines(from: u32, count: u32) -> String {
    let rows: Vec<String> = (from..from + count).map(|id| format!("({id}, 1, 'line {id}')")).collect();
    format!("insert into c values {}", rows.join(", "))
}

both! {
    async fn what_goes_in_batches_goes_as_one(world: World) {
        let count: u32 = std::env::var("BIG").ok().and_then(|n| n.parse().ok()).unwrap_or(2_100);
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        transaction(&world, &api, &format!("insert into p values (1, 'a'); {}", lines(1, count))).await;
        let full = all(&world, &["p", "c"]).await;
        let began = Instant::now();
        undo_as_planned(&api, &entry(&api, "CREATE", "p", "1").await, false).await;
        eprintln!("{:?} away with preview: {:?}", world.kind, began.elapsed());
        assert!(all(&world, &["p", "c"]).await.iter().all(Vec::is_empty));
        let began2 = Instant::now();
        undo_as_planned(&api, &entry(&api, "DELETE", "p", "1").await, true).await;
        eprintln!("{:?} back with what was linked: {:?}", world.kind, began2.elapsed());
        assert_eq!(all(&world, &["p", "c"]).await, full);
        let id = transaction(&world, &api, "update c set a = a || '!'").await;
        let began2 = Instant::now();
        undo_transaction(&api, &id).await;
        eprintln!("{:?} updates undone: {:?}", world.kind, began2.elapsed());
        assert_eq!(all(&world, &["p", "c"]).await, full);
        let fell = transaction(&world, &api, "delete from p").await;
        let began2 = Instant::now();
        undo_transaction(&api, &fell).await;
        eprintln!("{:?} cascade undone: {:?}", world.kind, began2.elapsed());
        assert_eq!(all(&world, &["p", "c"]).await, full);
        undo_transaction(&api, &last_transaction(&api).await).await;
        assert!(all(&world, &["p", "c"]).await.iter().all(Vec::is_empty));
        assert!(began.elapsed() < Duration::from_secs(300), "{:?}", began.elapsed());
    }
}
