//! An application that goes on writing while the log is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::world::{connect, run};

/// Entries a second.
pub const RATE: usize = 1_000;
const WRITERS: usize = 4;

/// The tracked table that is written.
pub const TABLE: &str =
    "create table arrivals (id bigint generated always as identity primary key, owner int, note text)";

/// Writers that go on until they are stopped.
pub struct Arrivals {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    writers: JoinSet<()>,
}

impl Arrivals {
    /// Begins to write into the database.
    pub async fn begin(url: &str) -> Arrivals {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            let (stop, written, mut connection) = (Arc::clone(&stop), Arc::clone(&written), connect(url).await);
            writers.spawn(async move {
                let mut ticks = tokio::time::interval(Duration::from_secs_f64(WRITERS as f64 / RATE as f64));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                while !stop.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    let user = written.fetch_add(1, Ordering::Relaxed) % 500;
                    let transaction = format!(
                        "begin; select set_config('afterimage.context', '{{\"userId\":\"u{user}\"}}', true); \
                         insert into arrivals (owner, note) values ({user}, 'a note'); commit"
                    );
                    run(&mut connection, &transaction).await;
                }
            });
        }
        Arrivals { stop, written, writers }
    }

    /// Stops; how many entries came.
    pub async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.writers.join_all().await;
        self.written.load(Ordering::Relaxed)
    }
}
