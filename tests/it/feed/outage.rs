use std::sync::atomic::{AtomicBool, Ordering};

use afterimage::audit::Code;

use super::*;
use crate::support::cluster::Cluster;

/// Writes until told to stop, whatever happens to the database.
async fn write(url: String, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut connection) = PgConnection::connect(&url).await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        while !stop.load(Ordering::Relaxed) && try_write(&mut connection).await.is_ok() {}
    }
}

async fn try_write(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for _ in 0..3 {
        sqlx::raw_sql(AssertSqlSafe(insert(1, 2))).execute(&mut *transaction).await?;
        sleep(Duration::from_millis(1)).await;
    }
    transaction.commit().await
}

/// Commits do not wait for the disk in this cluster: a crash undoes some that others have seen, and their transactions'
/// numbers are given out again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_in_the_middle_loses_nothing_doubles_nothing_and_tells_nothing_that_was_undone() {
    let cluster = Cluster::start();
    let log = Log::at(cluster.database().await).await;
    let mut listener = Listener::of(log.subscribe().await);
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        writers.spawn(write(log.url.clone(), Arc::clone(&stop)));
    }
    for crashes in 1..=3 {
        listener.reaches(crashes * 600).await;
        tokio::task::block_in_place(|| cluster.crash());
        let refused = log.feed.subscribe(Filter::everything()).await.err();
        assert_eq!(refused.map(|error| error.code()), Some(Code::Unavailable));
        tokio::task::block_in_place(|| cluster.restart());
        listener.reaches(crashes * 600 + 300).await;
    }
    stop.store(true, Ordering::Relaxed);
    writers.join_all().await;
    let committed = log.committed().await;
    assert_eq!(sorted_ids(&listener.exactly(committed.len()).await), committed);
}

/// Clients come and go with their cursors while the database crashes and transactions' numbers are given out again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_outlive_crashes() {
    let cluster = Cluster::start();
    let log = Log::at(cluster.database().await).await;
    let database = Database::connect(&log.url, PATIENCE).await.expect("the database answers");
    let mut cursor = Feed::new(&database).cursor().await.expect("a cursor");
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        writers.spawn(write(log.url.clone(), Arc::clone(&stop)));
    }
    let mut heard: Vec<Arc<Entry>> = Vec::new();
    for crashes in 0..4 {
        for connection in 1..=20 {
            // Each time a server that knows nothing.
            let mut subscription = Feed::new(&database).subscribe(after(&cursor)).await.expect("the cursor is good");
            for _ in 0..connection * 7 % 23 {
                let event = next_event(&mut subscription).await.expect("an event");
                cursor = event.cursor().expect("a cursor").to_owned();
                heard.push(entry(&event));
            }
        }
        if crashes < 3 {
            tokio::task::block_in_place(|| cluster.crash());
            tokio::task::block_in_place(|| cluster.restart());
        }
    }
    stop.store(true, Ordering::Relaxed);
    writers.join_all().await;
    let committed = log.committed().await;
    let mut subscription = Feed::new(&database).subscribe(after(&cursor)).await.expect("the cursor is good");
    heard.extend(take(&mut subscription, committed.len() - heard.len()).await);
    assert_eq!(sorted_ids(&heard), committed);
    nothing(&mut subscription).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_catching_up_waits_an_outage_out() {
    let cluster = Cluster::start();
    let log = Log::at(cluster.database().await).await;
    let cursor = log.feed.cursor().await.expect("a cursor");
    log.run(&insert(1, 60_000)).await;
    let mut subscription = log.feed.subscribe(after(&cursor)).await.expect("the cursor is good");
    assert!(keys(&mut subscription, 1_000).await.into_iter().eq(1..=1_000));
    tokio::task::block_in_place(|| cluster.crash());
    let rest = keys(&mut subscription, 59_000);
    let restart = async {
        sleep(A_WHILE).await;
        tokio::task::block_in_place(|| cluster.restart());
    };
    let (rest, ()) = tokio::join!(rest, restart);
    assert!(rest.into_iter().eq(1_001..=60_000));
}

/// A cluster in which nothing reaches the disk by itself.
async fn lazy_cluster() -> (Cluster, Log) {
    let cluster = Cluster::start();
    let log = Log::at(cluster.database().await).await;
    log.run("ALTER SYSTEM SET wal_writer_delay = '10s'").await;
    log.run("SELECT pg_reload_conf()").await;
    (cluster, log)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_outlives_a_crash() {
    let (cluster, log) = lazy_cluster().await;
    let mut subscription = log.subscribe().await;
    for key in 1..=5 {
        log.run(&insert(key, key)).await;
        assert_eq!(keys(&mut subscription, 1).await, [key]);
        tokio::task::block_in_place(|| cluster.crash());
        tokio::task::block_in_place(|| cluster.restart());
        assert_eq!(log.committed().await.len(), key);
    }
}

/// The records that an open transaction wrote after a commit stay in memory, and no other commit takes them along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_does_not_wait_for_the_open_transaction_that_wrote_after_it() {
    let (_cluster, log) = lazy_cluster().await;
    let mut subscription = log.subscribe().await;
    let mut open = log.connect().await;
    run(&mut open, "SET synchronous_commit = on").await;
    run(&mut open, &format!("BEGIN; {}; COMMIT; BEGIN; {}", insert(1, 1), insert(2, 2))).await;
    let received = timeout(Duration::from_secs(5), keys(&mut subscription, 1)).await;
    assert_eq!(received.expect("it comes long before anything else reaches the disk"), [1]);
    nothing(&mut subscription).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_goes_on_where_it_was_interrupted() {
    let log = Log::new().await;
    let mut open = log.connect().await;
    run(&mut open, &format!("BEGIN; {}", insert(100_001, 100_010))).await;
    let mut listener = Listener::of(log.subscribe().await);
    log.run(&insert(1, 100_000)).await;
    listener.reaches(5_000).await;
    // What commits now has earlier ids than the rest of the burst: a place among them is none.
    run(&mut open, "COMMIT").await;
    log.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = 'afterimage feed' AND datname = current_database()",
    )
    .await;
    let received = listener.exactly(100_010).await;
    assert!(received.iter().map(key).eq(1..=100_010));
}

#[tokio::test]
async fn another_life_of_the_database_ends_the_subscriptions() {
    let log = Log::new().await;
    let mut subscription = log.subscribe().await;
    log.run(
        "INSERT INTO afterimage.era (era, system_identifier, database_oid, timeline) \
         SELECT 2, system_identifier, database_oid, timeline FROM afterimage.era",
    )
    .await;
    assert_eq!(next(&mut subscription).await.expect_err("no place is good there").code(), Code::CursorExpired);
    let mut again = log.subscribe().await;
    log.run(&insert(1, 1)).await;
    assert_eq!(keys(&mut again, 1).await, [1]);
}
