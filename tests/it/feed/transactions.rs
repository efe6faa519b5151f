use std::collections::HashSet;

use super::*;

/// One writer: transactions of one to four entries, some with a savepoint that is undone, some undone whole, some that
/// end late.
async fn write(mut connection: PgConnection, writer: usize, rounds: usize) {
    for round in 0..rounds {
        run(&mut connection, "BEGIN").await;
        for part in 0..=(round * 7 + writer) % 4 {
            let key = writer * 1_000_000 + round * 10 + part;
            run(&mut connection, &insert(key, key)).await;
            if (round + part).is_multiple_of(5) {
                run(&mut connection, &format!("SAVEPOINT s; {}; ROLLBACK TO s", insert(0, 2))).await;
            }
            if (round + part).is_multiple_of(3) {
                run(&mut connection, &format!("SAVEPOINT s; {}; RELEASE s", insert(key + 5, key + 5))).await;
            }
            if (round + writer) % 11 == part {
                sleep(Duration::from_millis((writer * 7 + round % 13) as u64)).await;
            }
        }
        run(&mut connection, if (round + writer).is_multiple_of(6) { "ROLLBACK" } else { "COMMIT" }).await;
    }
}

/// That each transaction stands together, and each one's entries in their order.
fn assert_transactions_are_whole(entries: &[Arc<Entry>]) {
    let mut seen = HashSet::new();
    for transaction in entries.chunk_by(|one, other| one.transaction_id == other.transaction_id) {
        assert!(seen.insert(&transaction[0].transaction_id), "{:?} came in parts", transaction[0].transaction_id);
        assert!(transaction.is_sorted_by_key(|entry| entry.id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_writers_lose_nothing_and_double_nothing() {
    let log = Log::new().await;
    run(&mut log.connect().await, &insert(1, 10)).await;
    let before: HashSet<i64> = log.committed().await.into_iter().collect();
    let listener = Listener::of(log.subscribe().await);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 1..=6 {
        writers.spawn(write(log.connect().await, writer, 200));
    }
    writers.join_all().await;
    let committed: Vec<i64> = log.committed().await.into_iter().filter(|id| !before.contains(id)).collect();
    assert!(committed.len() > 2_000 && !committed.is_sorted_by(|one, other| one + 1 == *other), "rollbacks left gaps");
    let received = listener.exactly(committed.len()).await;
    assert_transactions_are_whole(&received);
    assert_eq!(sorted_ids(&received), committed);
}

#[tokio::test]
async fn an_open_transaction_holds_up_nobody_and_comes_whole_once_it_commits() {
    let log = Log::new().await;
    let mut open = log.connect().await;
    run(&mut open, &format!("BEGIN; {}", insert(1, 600))).await;
    let mut subscription = log.subscribe().await;
    log.run(&insert(1001, 1002)).await;
    run(&mut open, &insert(601, 700)).await;
    log.run(&insert(1003, 1003)).await;
    assert_eq!(keys(&mut subscription, 3).await, [1001, 1002, 1003]);
    nothing(&mut subscription).await;
    run(&mut open, "COMMIT").await;
    let entries = take(&mut subscription, 700).await;
    assert_transactions_are_whole(&entries);
    assert_eq!(entries[699].record_id.as_deref(), Some("700"));
}

#[tokio::test]
async fn what_commits_before_the_subscription_does_not_come() {
    let log = Log::new().await;
    log.run(&insert(1, 3)).await;
    let mut first = log.subscribe().await;
    log.run(&insert(4, 4)).await;
    let mut second = log.subscribe().await;
    log.run(&insert(5, 5)).await;
    log.feed.wake();
    assert_eq!(keys(&mut first, 2).await, [4, 5]);
    let entry = next(&mut second).await.expect("an entry");
    assert_eq!(entry.new_values.as_ref().expect("an image").as_str(), "{\"n\" : 5}");
    assert!(entry.transaction_id.as_ref().expect("a transaction").starts_with("1."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_two_hundred_thousand_comes_whole_also_to_who_sleeps() {
    let log = Log::new().await;
    let mut idle = log.subscribe().await;
    let listener = Listener::of(log.subscribe().await);
    log.run(&insert(1, 200_000)).await;
    let received = listener.exactly(200_000).await;
    assert!(received.iter().map(key).eq(1..=200_000));
    assert!(keys(&mut idle, 200_000).await.into_iter().eq(1..=200_000));
}

#[tokio::test]
async fn nothing_is_asked_of_the_database_while_nobody_listens() {
    let log = Log::new().await;
    assert_eq!(log.readers().await, 0);
    let (one, other) = (log.subscribe().await, log.subscribe().await);
    assert_eq!(log.readers().await, 1);
    drop((one, other));
    let quiet = async {
        while log.readers().await > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, quiet).await.expect("the connection is closed when nobody listens");
}
