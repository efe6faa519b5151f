//! The feed: whatever the writers do, whoever goes away and comes back, every committed entry once, and no other. (What
//! only the inside shows of it on SQLite, where one writes at a time, is tested beside the code.)

mod catching_up;
mod expired;
mod interleavings;
mod outage;
mod positions;
mod resume;
mod transactions;

use std::sync::Arc;
use std::time::Duration;

use afterimage::audit::{Entry, Filter, Result};
use afterimage::feed::{Event, Feed, Request, Subscription};
use afterimage::store::{Database, migrate};
use futures_util::StreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::support::{World, cluster};

/// Longer than anything here takes; it only ever runs out where a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than the feed pauses.
const A_WHILE: Duration = Duration::from_millis(600);

/// A log in a database of its own, and its feed.
struct Log {
    url: String,
    feed: Feed,
}

impl Log {
    async fn new() -> Log {
        Log::at(cluster::shared().database().await).await
    }

    async fn at(url: String) -> Log {
        let database = Database::connect(&url, PATIENCE).await.expect("the database answers");
        migrate(&database, &url).await.expect("the log's tables are made");
        Log { url, feed: Feed::new(&database) }
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the database answers")
    }

    async fn run(&self, sql: &str) {
        run(&mut self.connect().await, sql).await;
    }

    async fn subscribe(&self) -> Subscription {
        self.feed.subscribe(Filter::everything()).await.expect("the database answers")
    }

    /// The ids of all committed entries, ascending.
    async fn committed(&self) -> Vec<i64> {
        let statement = "SELECT id FROM afterimage.log ORDER BY id";
        sqlx::query_scalar(statement).fetch_all(&mut self.connect().await).await.expect("the log can be read")
    }

    /// How many connections the feed holds.
    async fn readers(&self) -> i64 {
        let statement = "SELECT count(*) FROM pg_stat_activity \
             WHERE application_name = 'afterimage feed' AND datname = current_database()";
        sqlx::query_scalar(statement).fetch_one(&mut self.connect().await).await.expect("the activity can be read")
    }
}

/// The feed of a world's database, as a server of its own would have it.
async fn feed_of(world: &World) -> Feed {
    let database = Database::connect(&world.database_url, PATIENCE).await.expect("the database answers");
    migrate(&database, &world.database_url).await.expect("the log's tables are made");
    Feed::new(&database)
}

/// Everything after a cursor.
fn after(cursor: &str) -> Request {
    Request { after: Some(cursor.to_owned()), ..Filter::everything().into() }
}

/// The statement that records entries with these keys, all in one.
fn insert(from: usize, to: usize) -> String {
    format!(
        "INSERT INTO afterimage.log (action, table_name, record_id, new_values) \
         SELECT 'CREATE', 't', n::text, json_build_object('n', n) FROM generate_series({from}, {to}) AS n"
    )
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
}

async fn next_event(subscription: &mut Subscription) -> Result<Arc<Event>> {
    timeout(PATIENCE, subscription.next()).await.expect("something comes").expect("the subscription goes on")
}

async fn next(subscription: &mut Subscription) -> Result<Arc<Entry>> {
    next_event(subscription).await.map(|event| entry(&event))
}

fn entry(event: &Event) -> Arc<Entry> {
    Arc::clone(event.entry().expect("an entry, and no bare position"))
}

async fn take(subscription: &mut Subscription, count: usize) -> Vec<Arc<Entry>> {
    let mut entries = Vec::with_capacity(count);
    while entries.len() < count {
        entries.push(next(subscription).await.expect("an entry"));
    }
    entries
}

async fn keys(subscription: &mut Subscription, count: usize) -> Vec<usize> {
    take(subscription, count).await.iter().map(key).collect()
}

/// Someone who takes entries as they come, whatever else the test does.
struct Listener {
    received: watch::Receiver<Vec<Arc<Entry>>>,
}

impl Listener {
    fn of(mut subscription: Subscription) -> Listener {
        let (sender, received) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Some(item) = subscription.next().await {
                sender.send_modify(|entries| entries.push(entry(&item.expect("nobody is ended"))));
                if sender.is_closed() {
                    break;
                }
            }
        });
        Listener { received }
    }

    /// Waits until it has this many.
    async fn reaches(&mut self, count: usize) {
        let reached = self.received.wait_for(|entries| entries.len() >= count);
        let outcome = timeout(PATIENCE, reached).await.map(drop);
        assert!(outcome.is_ok(), "{} of {count} entries came", self.received.borrow().len());
    }

    /// Waits for the last of this many and for the certainty that no more come.
    async fn exactly(mut self, count: usize) -> Vec<Arc<Entry>> {
        self.reaches(count).await;
        sleep(A_WHILE).await;
        let entries = self.received.borrow().clone();
        assert_eq!(entries.len(), count);
        entries
    }
}

fn sorted_ids(entries: &[Arc<Entry>]) -> Vec<i64> {
    let mut ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    ids.sort_unstable();
    ids
}

fn key(entry: &Arc<Entry>) -> usize {
    entry.record_id.as_ref().expect("a key").parse().expect("a number")
}

/// Waits a while and finds that nothing comes.
async fn nothing(subscription: &mut Subscription) {
    let item = timeout(A_WHILE, subscription.next()).await;
    assert!(item.is_err(), "nothing was expected, not {item:?}");
}
