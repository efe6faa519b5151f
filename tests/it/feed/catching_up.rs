//! Who is slow, was away for long, or meets a burst.

use super::*;

const SMALL: usize = 300_000;

/// Three hundred thousand transactions, which nobody listened to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_of_small_transactions_come_whole_and_in_order() {
    let log = Log::new().await;
    let cursor = log.feed.cursor().await.expect("a cursor");
    let part = SMALL / 6;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let mut connection = log.connect().await;
        writers.spawn(async move {
            let insert = format!(
                "INSERT INTO afterimage.log (action, table_name, record_id) VALUES ('CREATE', 't', ({} + n)::text)",
                writer * part
            );
            run(&mut connection, "SET synchronous_commit = off").await;
            let each = format!("DO $$ BEGIN FOR n IN 1..{part} LOOP {insert}; COMMIT; END LOOP; END $$");
            run(&mut connection, &each).await;
        });
    }
    writers.join_all().await;
    let mut subscription = log.feed.subscribe(after(&cursor)).await.expect("the cursor is good");
    let entries = take(&mut subscription, SMALL).await;
    assert!(entries.is_sorted_by_key(|entry| entry.id));
    let mut keys: Vec<usize> = entries.iter().map(key).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(1..=SMALL));
    nothing(&mut subscription).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_holds_no_connection_and_delays_nobody() {
    let log = Log::new().await;
    let cursor = log.feed.cursor().await.expect("a cursor");
    let mut stalled = Vec::new();
    for number in 0..20 {
        // Some had caught up, the others had not.
        let request = if number % 2 == 0 { Filter::everything().into() } else { after(&cursor) };
        stalled.push(log.feed.subscribe(request).await.expect("a subscription"));
    }
    let mut busy = Listener::of(log.subscribe().await);
    log.run(&insert(1, 20_000)).await;
    busy.reaches(20_000).await;
    for key in 20_001..20_050 {
        log.run(&insert(key, key)).await;
        busy.reaches(key).await;
    }
    let one = async {
        while log.readers().await > 1 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, one).await.expect("only the one that polls is left");
    for subscription in &mut stalled {
        assert!(keys(subscription, 20_049).await.into_iter().eq(1..=20_049));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_uncommitted_entries_are_in_nobody_s_way() {
    let log = Log::new().await;
    let mut open = log.connect().await;
    run(&mut open, &format!("BEGIN; {}", insert(1, 1_000_000))).await;
    let cursor = log.feed.cursor().await.expect("a cursor");
    let mut subscription = log.subscribe().await;
    for key in 1..=20 {
        log.run(&insert(key, key)).await;
        assert_eq!(keys(&mut subscription, 1).await, [key]);
    }
    run(&mut open, "ROLLBACK").await;
    log.run(&insert(21, 21)).await;
    assert_eq!(keys(&mut subscription, 1).await, [21]);
    let mut later = log.feed.subscribe(after(&cursor)).await.expect("the cursor is good");
    assert!(keys(&mut later, 21).await.into_iter().eq(1..=21));
    nothing(&mut later).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_dropped_while_it_catches_up_leaves_nothing_behind() {
    let log = Log::new().await;
    let cursor = log.feed.cursor().await.expect("a cursor");
    log.run(&insert(1, 100_000)).await;
    // Nothing is let through, so that it would read to the end before it tells anything.
    let nobody = Request { filter: Filter::Record(vec!["nobody".into()]), ..after(&cursor) };
    let mut subscription = log.feed.subscribe(nobody).await.expect("the cursor is good");
    assert!(timeout(Duration::from_millis(50), subscription.next()).await.is_err());
    drop(subscription);
    let quiet = async {
        while log.readers().await > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, quiet).await.expect("all connections are closed");
}
