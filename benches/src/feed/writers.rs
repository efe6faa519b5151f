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

/// When each row's transaction was sent, by its key.
pub struct Sent {
    begin: Instant,
    first: usize,
    micros: Vec<AtomicU64>,
    next: AtomicUsize,
}

impl Sent {
    /// Room for this many rows from this key on.
    pub fn new(first: usize, count: usize) -> Arc<Sent> {
        let micros = (0..count).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Sent { begin: Instant::now(), first, micros, next: AtomicUsize::new(0) })
    }

    /// How long ago the row's transaction was sent, in milliseconds.
    pub fn age(&self, key: usize) -> f64 {
        let sent = self.micros[key - self.first].load(Ordering::Acquire);
        (self.begin.elapsed().as_micros() as u64).saturating_sub(sent) as f64 / 1_000.0
    }

    /// The user of a row.
    pub fn user(key: usize) -> usize {
        key % USERS
    }

    /// The next key, sent now.
    fn stamp(&self) -> Option<usize> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        self.micros.get(index)?.store(self.begin.elapsed().as_micros() as u64, Ordering::Release);
        Some(self.first + index)
    }
}

/// Inserts all the rows at this many a second.
pub async fn write(world: &World, sent: &Arc<Sent>, rate: usize) {
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (sent, mut connection) = (Arc::clone(sent), world.connect().await);
        writers.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs_f64(WRITERS as f64 / rate as f64));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                ticks.tick().await;
                let Some(key) = sent.stamp() else { return };
                let user = Sent::user(key);
                let transaction = format!(
                    "begin; select set_config('afterimage.context', '{{\"userId\":\"u{user}\"}}', true); \
                     insert into items values ({key}, {user}, 'a note about item {key}'); commit"
                );
                run(&mut connection, &transaction).await;
            }
        });
    }
    writers.join_all().await;
}
