use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait as _;

use super::{AT_A_TIME, Begun, Singles, TOGETHER};
use crate::audit::{Code, Entry, Result};
use crate::store::{self, Database};

/// A log in memory with so many entries, whose ids are also their keys.
async fn log(entries: usize) -> Database {
    let url = "sqlite::memory:";
    let database = Database::connect(url, Duration::from_secs(5)).await.unwrap();
    store::migrate(&database, url).await.unwrap();
    let rows: Vec<String> = (1..=entries).map(|id| format!("({id}, 'READ', 't', '{id}')")).collect();
    let insert = format!("INSERT INTO afterimage_log (id, action, table_name, record_id) VALUES {}", rows.join(","));
    database.writer.execute_unprepared(&insert).await.unwrap();
    database
}

fn waits(singles: &Arc<Singles>, id: i64) -> tokio::sync::oneshot::Receiver<Result<Option<Entry>>> {
    match singles.begin(id) {
        Begun::Together(receiver) => receiver,
        Begun::Alone(_) => panic!("{id} is read alone"),
    }
}

fn alone(singles: &Arc<Singles>) -> super::Turn {
    match singles.begin(1) {
        Begun::Alone(turn) => turn,
        Begun::Together(_) => panic!("somebody reads already"),
    }
}

fn key(told: Result<Option<Entry>>) -> Option<String> {
    told.unwrap().and_then(|entry| entry.record_id)
}

#[tokio::test]
async fn those_who_come_while_one_is_read_are_read_together_after_it() {
    let database = log(TOGETHER * 2).await;
    let singles = &database.singles;
    let turn = alone(singles);
    // One that is not there, and one twice.
    let ids: Vec<i64> = (2..100).chain([5_000, 7]).collect();
    let mut waiting: Vec<_> = ids.iter().map(|id| waits(singles, *id)).collect();
    assert!(waiting.iter_mut().all(|receiver| receiver.try_recv().is_err()), "the first is not done");
    drop(turn);
    for (id, receiver) in ids.into_iter().zip(waiting) {
        assert_eq!(key(receiver.await.unwrap()), (id != 5_000).then(|| id.to_string()));
    }
    // And nobody is left behind: the next is read alone again.
    drop(alone(singles));
    assert_eq!(key(singles.read(3).await).as_deref(), Some("3"));
}

#[tokio::test]
async fn a_statement_that_takes_long_is_not_waited_for() {
    let database = log(3).await;
    let turn = alone(&database.singles);
    let (one, other) = tokio::join!(database.singles.read(2), database.singles.read(3));
    assert_eq!((key(one).as_deref(), key(other).as_deref()), (Some("2"), Some("3")));
    drop(turn);
    drop(alone(&database.singles));
}

#[tokio::test]
async fn more_than_one_statement_takes_are_all_read_beside_one_that_hangs() {
    let database = log(3).await;
    let turn = alone(&database.singles);
    let reads = (0..TOGETHER * 3).map(|_| database.singles.read(2));
    for told in futures_util::future::join_all(reads).await {
        assert_eq!(key(told).as_deref(), Some("2"));
    }
    drop(turn);
    drop(alone(&database.singles));
}

#[tokio::test]
async fn where_all_statements_hang_each_reads_by_itself_in_the_end() {
    let database = log(3).await;
    let turns: Vec<_> = (0..AT_A_TIME).map(|_| database.singles.turn(&mut database.singles.queue())).collect();
    assert_eq!(key(database.singles.read(2).await).as_deref(), Some("2"));
    drop(turns);
    drop(alone(&database.singles));
}

#[tokio::test]
async fn who_goes_away_while_reading_gives_the_turn_to_those_who_wait() {
    let database = log(3).await;
    let reading = tokio::spawn({
        let singles = Arc::clone(&database.singles);
        async move {
            let _turn = alone(&singles);
            std::future::pending::<()>().await;
        }
    });
    tokio::task::yield_now().await;
    let waiting = waits(&database.singles, 2);
    // One that waits no longer is nobody's loss.
    drop(waits(&database.singles, 3));
    reading.abort();
    assert_eq!(key(waiting.await.unwrap()).as_deref(), Some("2"));
}

#[tokio::test]
async fn a_failure_is_told_to_each() {
    let database = log(3).await;
    database.writer.execute_unprepared("ALTER TABLE afterimage_log RENAME TO gone").await.unwrap();
    let reads = (1..=3).map(|id| database.singles.read(id));
    for told in futures_util::future::join_all(reads).await {
        assert_eq!(told.unwrap_err().code(), Code::Internal);
    }
    database.writer.execute_unprepared("ALTER TABLE gone RENAME TO afterimage_log").await.unwrap();
    assert_eq!(key(database.singles.read(3).await).as_deref(), Some("3"));
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_gives_its_turn_away() {
    let database = log(3).await;
    // The one connection is taken: whatever is asked takes for ever.
    let taken = store::begin(&database.writer, database.dialect.write_options()).await.unwrap();
    let turn = alone(&database.singles);
    let waiting = [2, 3].map(|id| waits(&database.singles, id));
    drop(turn);
    tokio::task::yield_now().await;
    assert_eq!(database.singles.queue().under_way, 1);
    drop(waiting);
    while database.singles.queue().under_way > 0 {
        tokio::task::yield_now().await;
    }
    taken.rollback().await.unwrap();
    assert_eq!(key(database.singles.read(2).await).as_deref(), Some("2"));
}

#[tokio::test]
async fn many_at_once_are_each_told_their_own() {
    let database = log(200).await;
    let singles = &database.singles;
    let reads = (0..1_000_i64).map(|n| async move { (n % 250, key(singles.read(n % 250).await)) });
    for (id, key) in futures_util::future::join_all(reads).await {
        assert_eq!(key, (1..=200).contains(&id).then(|| id.to_string()));
    }
}
