//! The feed on SQLite, and what only the inside shows. What both databases do is tested in `tests/it/feed`.

mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::{Event, Feed, Subscription};
use crate::audit::{Filter, Result};
use crate::store::{Database, migrate};

/// Longer than anything here takes; it only ever runs out where a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A log in a file of its own.
struct Log {
    url: String,
    database: Database,
    feed: Feed,
    folder: TempDir,
}

impl Log {
    async fn new() -> Log {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("log.db").display());
        let database = Database::connect(&url, PATIENCE).await.unwrap();
        migrate(&database, &url).await.unwrap();
        Log { feed: Feed::new(&database), url, database, folder }
    }

    /// Another process, as far as the feed can tell.
    async fn elsewhere(&self) -> Database {
        Database::connect(&self.url, PATIENCE).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        self.database.writer.execute_unprepared(sql).await.unwrap();
    }

    async fn record(&self, from: usize, to: usize) {
        self.run(&insert(from, to)).await;
    }

    async fn subscribe(&self) -> Subscription {
        self.feed.subscribe(Filter::everything()).await.unwrap()
    }

    /// Waits until the task that reads has ended.
    async fn is_quiet(&self) {
        let quiet = async {
            while self.feed.hub.is_polling() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, quiet).await.expect("the task ends when nobody listens");
    }
}

/// Entries of a table `t` whose keys are these numbers.
fn insert(from: usize, to: usize) -> String {
    format!(
        "WITH RECURSIVE n (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM n WHERE n < {to}) \
         INSERT INTO afterimage_log (action, table_name, record_id) SELECT 'CREATE', 't', n FROM n"
    )
}

async fn next(subscription: &mut Subscription) -> Result<Arc<Event>> {
    timeout(PATIENCE, subscription.next()).await.expect("something comes").expect("the subscription goes on")
}

fn key(event: &Event) -> usize {
    event.entry().unwrap().record_id.as_ref().unwrap().parse().unwrap()
}

async fn keys(subscription: &mut Subscription, count: usize) -> Vec<usize> {
    let mut keys = Vec::new();
    while keys.len() < count {
        keys.push(key(&next(subscription).await.unwrap()));
    }
    keys
}
