use super::*;
use crate::audit::Code;
use crate::feed::BUFFER;

#[tokio::test]
async fn what_commits_after_the_subscription_comes_and_what_was_before_does_not() {
    let log = Log::new().await;
    log.record(1, 3).await;
    let mut first = log.subscribe().await;
    log.record(4, 4).await;
    // The second comes while the task runs, and perhaps before it has seen the fourth entry.
    let mut second = log.subscribe().await;
    log.record(5, 6).await;
    assert_eq!(keys(&mut first, 3).await, [4, 5, 6]);
    assert_eq!(keys(&mut second, 2).await, [5, 6]);
}

#[tokio::test]
async fn another_process_s_commits_come_and_its_rollbacks_do_not() {
    let log = Log::new().await;
    let mut subscription = log.subscribe().await;
    let elsewhere = log.elsewhere().await;
    for sql in ["BEGIN IMMEDIATE", &insert(1, 10), "ROLLBACK", &insert(11, 12)] {
        elsewhere.writer.execute_unprepared(sql).await.unwrap();
    }
    assert_eq!(keys(&mut subscription, 2).await, [11, 12]);
}

#[tokio::test]
async fn an_entry_is_decoded_once_for_all() {
    let log = Log::new().await;
    let (mut one, mut other) = (log.subscribe().await, log.subscribe().await);
    log.record(1, 1).await;
    log.feed.wake();
    assert!(Arc::ptr_eq(&next(&mut one).await.unwrap(), &next(&mut other).await.unwrap()));
}

#[tokio::test]
async fn a_filter_lets_through_what_it_means() {
    let log = Log::new().await;
    let mut subscription = log.feed.subscribe(Filter::Record(vec!["7".into(), "9".into()])).await.unwrap();
    log.record(1, 20).await;
    assert_eq!(keys(&mut subscription, 2).await, [7, 9]);
}

#[tokio::test]
async fn a_long_burst_comes_whole_and_in_order_to_who_keeps_up() {
    let log = Log::new().await;
    let mut subscription = log.subscribe().await;
    let count = 20 * BUFFER;
    let (keys, ()) = tokio::join!(keys(&mut subscription, count), log.record(1, count));
    assert!(keys.into_iter().eq(1..=count));
}

#[tokio::test]
async fn who_sleeps_gets_all_of_a_burst_later_and_holds_up_nobody() {
    let log = Log::new().await;
    let mut idle = log.subscribe().await;
    let mut busy = log.subscribe().await;
    let count = 3 * BUFFER;
    let (received, ()) = tokio::join!(keys(&mut busy, count), log.record(1, count));
    assert!(received.into_iter().eq(1..=count));
    log.record(count + 1, count + 1).await;
    assert_eq!(keys(&mut busy, 1).await, [count + 1]);
    assert!(keys(&mut idle, count + 1).await.into_iter().eq(1..=count + 1));
    // And it has caught up.
    log.record(count + 2, count + 2).await;
    assert_eq!((keys(&mut idle, 1).await, keys(&mut busy, 1).await), (vec![count + 2], vec![count + 2]));
}

#[tokio::test]
async fn nothing_is_read_while_nobody_listens() {
    let log = Log::new().await;
    assert!(!log.feed.hub.is_polling());
    let (one, other) = (log.subscribe().await, log.subscribe().await);
    drop(one);
    log.record(1, 1).await;
    assert!(log.feed.hub.is_polling());
    drop(other);
    log.is_quiet().await;
    // And the next is served by a new task.
    log.record(2, 2).await;
    let mut again = log.subscribe().await;
    log.record(3, 3).await;
    assert_eq!(keys(&mut again, 1).await, [3]);
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable_and_nobody_is_left_behind() {
    let log = Log::new().await;
    let (there, gone) = (log.folder.path().join("log.db"), log.folder.path().join("gone.db"));
    std::fs::rename(&there, &gone).unwrap();
    let refused = log.feed.subscribe(Filter::everything()).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unavailable);
    log.is_quiet().await;
    std::fs::rename(&gone, &there).unwrap();
    let mut subscription = log.subscribe().await;
    log.record(1, 1).await;
    assert_eq!(keys(&mut subscription, 1).await, [1]);
}

#[tokio::test]
async fn a_log_that_was_put_back_ends_the_subscriptions() {
    let log = Log::new().await;
    log.record(1, 5).await;
    let mut subscription = log.subscribe().await;
    // As if an older file had been copied over this one.
    log.run("DROP TRIGGER afterimage_log_no_delete; DELETE FROM afterimage_log WHERE id > 3").await;
    assert_eq!(next(&mut subscription).await.unwrap_err().code(), Code::CursorExpired);
    assert!(subscription.next().await.is_none());
    log.is_quiet().await;
}
