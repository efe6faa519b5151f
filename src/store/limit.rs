//! How long what only reads may keep the database busy: until a statement has taken as long as one may, or until nobody
//! waits for it any more.
//!
//! PostgreSQL has a setting for the one, and needs none of this. SQLite runs a statement to its end, whoever has gone;
//! but it can be made to ask, every so often, whether it is to go on. What it asks is set on a connection when that is
//! taken, which happens deep within the pool: so the task that takes it says under which limit it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static PRESENT: Deadline;
}

/// A limit for the statements on one connection, one after the other. Dropped, it is over: what runs is cancelled.
pub(super) struct Limit {
    length: Duration,
    deadline: Deadline,
}

impl Limit {
    /// A limit of this length for each statement, and the first one begins now.
    pub fn new(length: Duration) -> Limit {
        let limit = Limit { length, deadline: Deadline { since: Instant::now(), millis: Arc::default() } };
        limit.begin();
        limit
    }

    /// A statement begins now.
    pub fn begin(&self) {
        self.set(self.deadline.since.elapsed() + self.length);
    }

    /// Whatever connection is taken by this future is taken under this limit.
    pub fn over<F: Future>(&self, future: F) -> TaskLocalFuture<Deadline, F> {
        PRESENT.scope(self.deadline.clone(), future)
    }

    fn set(&self, end: Duration) {
        self.deadline.millis.store(u64::try_from(end.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.set(Duration::ZERO);
    }
}

/// When a limit is reached, for the thread that asks.
#[derive(Clone)]
pub(super) struct Deadline {
    since: Instant,
    /// That many milliseconds after it.
    millis: Arc<AtomicU64>,
}

impl Deadline {
    /// That of the limit under which this task takes connections, if there is one.
    pub fn present() -> Option<Deadline> {
        PRESENT.try_with(Deadline::clone).ok()
    }

    /// Whether it has come.
    pub fn has_passed(&self) -> bool {
        self.since.elapsed() >= Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_limit_is_known_where_it_is_set_and_over_when_it_is_dropped() {
        assert!(Deadline::present().is_none());
        let limit = Limit::new(LONG);
        let deadline = limit.over(async { Deadline::present().unwrap() }).await;
        assert!(!deadline.has_passed());
        drop(limit);
        assert!(deadline.has_passed());
    }

    #[tokio::test]
    async fn each_statement_has_its_own_time() {
        let mut limit = Limit::new(Duration::ZERO);
        limit.length = LONG;
        assert!(limit.deadline.has_passed());
        limit.begin();
        assert!(!limit.deadline.has_passed());
    }
}
