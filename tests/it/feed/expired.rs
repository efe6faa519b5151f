//! Cursors that mean nothing in the database that answers.

use afterimage::audit::Code;

use super::*;
use crate::support::cluster::Cluster;
use crate::support::{Kind, both};

/// Puts entries back or away as an older copy of the database would have them, past the triggers that forbid it.
async fn tamper(world: &World, sql: &str) {
    let triggers = match world.kind {
        Kind::Postgres => "alter table afterimage.log disable trigger user",
        Kind::Sqlite => "drop trigger afterimage_log_no_delete; drop trigger afterimage_log_no_update",
    };
    world.sql(triggers).await;
    world.sql(sql).await;
}

async fn record(world: &World, key: usize) {
    world.insert("action, table_name, record_id", &format!("('CREATE', 't', '{key}')")).await;
}

async fn is_expired(feed: &Feed, cursor: &str) {
    let refused = feed.subscribe(after(cursor)).await.err().expect("it means nothing any more");
    assert_eq!(refused.code(), Code::CursorExpired, "{refused}");
    assert!(refused.message().contains("`feedCursor`") && refused.message().contains("`auditLogs`"), "{refused}");
}

both! {
    async fn an_older_copy_that_lacks_what_was_passed(world: World) {
        let feed = feed_of(&world).await;
        for key in 1..=5 {
            record(&world, key).await;
        }
        let cursor = feed.cursor().await.unwrap();
        assert!(feed.subscribe(after(&cursor)).await.is_ok());
        tamper(&world, &format!("delete from {} where record_id > '3'", world.log())).await;
        is_expired(&feed, &cursor).await;
        // Also once others have taken the numbers.
        for key in 6..=9 {
            record(&world, key).await;
        }
        is_expired(&feed, &cursor).await;
        // A new one is good.
        let cursor = feed.cursor().await.unwrap();
        record(&world, 10).await;
        assert_eq!(keys(&mut feed.subscribe(after(&cursor)).await.unwrap(), 1).await, [10]);
    }

    async fn a_copy_in_which_another_entry_has_the_number(world: World) {
        let feed = feed_of(&world).await;
        let mut subscription = feed.subscribe(Filter::everything()).await.unwrap();
        for key in 1..=3 {
            record(&world, key).await;
        }
        let mut last = String::new();
        for _ in 1..=3 {
            last = next_event(&mut subscription).await.unwrap().cursor().unwrap().to_owned();
        }
        drop(subscription);
        let later = match world.kind {
            Kind::Postgres => "\"timestamp\" + interval '1 second'",
            Kind::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', timestamp, '+1 second')",
        };
        tamper(&world, &format!("update {} set \"timestamp\" = {later} where record_id = '3'", world.log())).await;
        is_expired(&feed, &last).await;
    }

    async fn another_kind_of_database(world: World) {
        let feed = feed_of(&world).await;
        record(&world, 1).await;
        let other = World::new(match world.kind { Kind::Postgres => Kind::Sqlite, Kind::Sqlite => Kind::Postgres }).await;
        let foreign = feed_of(&other).await;
        record(&other, 1).await;
        is_expired(&feed, &foreign.cursor().await.unwrap()).await;
    }
}

#[tokio::test]
async fn another_life_of_the_database() {
    let log = Log::new().await;
    log.run(&insert(1, 3)).await;
    let cursor = log.feed.cursor().await.expect("a cursor");
    log.run(
        "INSERT INTO afterimage.era (era, system_identifier, database_oid, timeline) \
         SELECT 2, system_identifier, database_oid, timeline FROM afterimage.era",
    )
    .await;
    is_expired(&log.feed, &cursor).await;
    let cursor = log.feed.cursor().await.expect("a cursor");
    log.run(&insert(4, 4)).await;
    let mut subscription = log.feed.subscribe(after(&cursor)).await.expect("the cursor is good");
    assert_eq!(keys(&mut subscription, 1).await, [4]);
}

/// A copy from before, in which fewer transactions have been.
#[tokio::test]
async fn a_cursor_from_the_database_s_future() {
    let (log, other) = (Log::new().await, Cluster::start());
    let younger = Log::at(other.database().await).await;
    younger.run(&insert(1, 1)).await;
    for _ in 0..3 {
        log.run("DO $$ BEGIN FOR n IN 1..2000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$").await;
    }
    log.run(&insert(1, 1)).await;
    is_expired(&younger.feed, &log.feed.cursor().await.expect("a cursor")).await;
}
