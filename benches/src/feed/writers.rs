//! Applications that write at a steady pace, each change a transaction with its context.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::world::{World, run};

/// How many write at once.
const WRITERS: usize = 4;

/// How many users the changes are spread over, evenly: a filter for one lets 1 % through.
pub const USERS: usize = 100;

/// When each row's transaction was known to be committed, by its key.
pub struct Commits {
    begin: Instant,
    first: usize,
    micros: Vec<AtomicU64>,
    next: AtomicUsize,
}

impl Commits {
    /// Room for this many rows from this key on.
    pub fn new(first: usize, count: usize) -> Arc<Commits> {
        let micros = (0..count).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Commits { begin: Instant::now(), first, micros, next: AtomicUsize::new(0) })
    }

    /// Microseconds since the beginning.
    pub fn now(&self) -> u64 {
        self.begin.elapsed().as_micros() as u64
    }

    /// From the writer's being told that its commit is done to this moment, in milliseconds; none where the entry came
    /// before that word.
    pub fn until(&self, key: usize, arrival: u64) -> f64 {
        let committed = self.micros[key - self.first].load(Ordering::Acquire);
        assert!(committed > 0, "row {key} arrived and was never committed");
        arrival.saturating_sub(committed) as f64 / 1_000.0
    }

    /// The user of a row.
    pub fn user(key: usize) -> usize {
        key % USERS
    }

    fn next(&self) -> Option<usize> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < self.micros.len()).then_some(self.first + index)
    }

    fn done(&self, key: usize) {
        self.micros[key - self.first].store(self.now().max(1), Ordering::Release);
    }
}

/// Inserts all the rows at this many a second.
pub async fn write(world: &World, commits: &Arc<Commits>, rate: usize) {
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (commits, mut connection) = (Arc::clone(commits), world.connect().await);
        writers.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs_f64(WRITERS as f64 / rate as f64));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                ticks.tick().await;
                let Some(key) = commits.next() else { return };
                let user = Commits::user(key);
                let transaction = format!(
                    "begin; select set_config('afterimage.context', '{{\"userId\":\"u{user}\"}}', true); \
                     insert into items values ({key}, {user}, 'a note about item {key}'); commit"
                );
                run(&mut connection, &transaction).await;
                commits.done(key);
            }
        });
    }
    writers.join_all().await;
}
