//! Single entries, read together.
//!
//! A statement that reads one entry costs the database, and the sockets between, hardly less than one that reads twenty.
//! So where one is being read, whoever asks for another waits until that is done, and is then read together with all who
//! came meanwhile. Nobody waits where nobody reads, and what is told was read after it was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::error::failed;
use super::reader::Reader;
use super::row::{COLUMNS, entry_of_result};
use crate::audit::{Entry, Result};

/// Reads entries by their ids.
pub(super) struct Singles {
    reader: Reader,
    /// How a statement begins that reads some.
    select: String,
    queue: Mutex<Queue>,
}

struct Queue {
    /// How many statements are under way.
    under_way: usize,
    /// When the last of them began.
    began: Instant,
    waiting: Vec<Waiting>,
}

struct Waiting {
    id: i64,
    sender: oneshot::Sender<Told>,
}

/// What who waits is told.
type Told = Result<Option<Entry>>;

/// How long a statement that is under way is waited for. Beside a database that is near none takes as long; where one
/// does, because the network is slow or the connection dead, another goes out beside it.
const BRIEF: Duration = Duration::from_millis(1);

/// Who still waits looks again after twice that time, and so on; the last time, some four seconds after the first, it
/// reads by itself.
const LAST: Duration = Duration::from_millis(2_048);

/// How many statements may be under way: as many as SQLite has connections for this, and PostgreSQL has more.
const AT_A_TIME: usize = 4;

/// The most that are read together. A statement has as many ids as the next power of two, so that there are few different
/// ones to prepare.
const TOGETHER: usize = 64;

impl Singles {
    pub(super) fn new(reader: Reader, log: &str) -> Arc<Singles> {
        let select = format!("SELECT {COLUMNS} FROM {log} AS log WHERE log.id");
        let queue = Mutex::new(Queue { under_way: 0, began: Instant::now(), waiting: Vec::new() });
        Arc::new(Singles { reader, select, queue })
    }

    /// The entry of this id.
    ///
    /// # Errors
    /// Where the database fails.
    pub(super) async fn read(self: &Arc<Self>, id: i64) -> Told {
        match self.begin(id) {
            Begun::Alone(_turn) => self.read_alone(id).await,
            Begun::Together(receiver) => match self.wait(receiver).await {
                Some(told) => told,
                None => self.read_alone(id).await,
            },
        }
    }

    async fn read_alone(&self, id: i64) -> Told {
        self.rows(&[id]).await.map_err(failed)?.first().map(entry_of_result).transpose()
    }

    /// Waits to be told; none where that takes too long.
    async fn wait(self: &Arc<Self>, mut receiver: oneshot::Receiver<Told>) -> Option<Told> {
        let mut patience = BRIEF;
        loop {
            match timeout(patience, &mut receiver).await {
                Ok(told) => return told.ok(),
                Err(_) if patience >= LAST => return None,
                Err(_) => {
                    self.hurry();
                    patience *= 2;
                }
            }
        }
    }

    fn begin(self: &Arc<Self>, id: i64) -> Begun {
        let mut queue = self.queue();
        if queue.under_way == 0 {
            return Begun::Alone(self.turn(&mut queue));
        }
        let (sender, receiver) = oneshot::channel();
        queue.waiting.push(Waiting { id, sender });
        Begun::Together(receiver)
    }

    /// Reads for those who wait beside what is under way, where that takes long.
    fn hurry(self: &Arc<Self>) {
        let mut queue = self.queue();
        if queue.under_way >= AT_A_TIME || queue.began.elapsed() < BRIEF {
            return;
        }
        let waiting = queue.next();
        if !waiting.is_empty() {
            let turn = self.turn(&mut queue);
            // What cannot run any more is dropped at once, and would wait for the queue.
            drop(queue);
            tokio::spawn(turn.serve(waiting));
        }
    }

    fn turn(self: &Arc<Self>, queue: &mut Queue) -> Turn {
        queue.under_way += 1;
        queue.began = Instant::now();
        Turn(Arc::clone(self))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of these entries, in whatever order.
    async fn rows(&self, ids: &[i64]) -> Result<Vec<QueryResult>, DbErr> {
        let sql = match ids.len() {
            1 => format!("{} = $1", self.select),
            count => {
                let places: Vec<String> = (1..=count).map(|place| format!("${place}")).collect();
                format!("{} IN ({})", self.select, places.join(", "))
            }
        };
        let values = ids.iter().map(|id| (*id).into());
        self.reader.query_all_raw(Statement::from_sql_and_values(self.reader.get_database_backend(), sql, values)).await
    }
}

impl Queue {
    /// Those who are to be read next, of those who still wait.
    fn next(&mut self) -> Vec<Waiting> {
        self.waiting.retain(|waiting| !waiting.sender.is_closed());
        let count = self.waiting.len().min(TOGETHER);
        self.waiting.drain(..count).collect()
    }
}

/// How a reading begins.
enum Begun {
    /// By itself.
    Alone(Turn),
    /// With others, who will tell.
    Together(oneshot::Receiver<Told>),
}

/// The right to have a statement under way. Where it ends, be it because nobody waits for the statement any more, it goes
/// to those who have come meanwhile.
struct Turn(Arc<Singles>);

impl Turn {
    /// Reads for these, and tells them; ends when none of them waits any more.
    async fn serve(self, mut waiting: Vec<Waiting>) {
        let mut ids: Vec<i64> = waiting.iter().map(|waiting| waiting.id).collect();
        ids.resize(ids.len().next_power_of_two(), ids[0]);
        let rows = tokio::select! {
            rows = self.0.rows(&ids) => rows,
            _ = join_all(waiting.iter_mut().map(|waiting| waiting.sender.closed())) => return,
        };
        // The next may begin while these are told.
        drop(self);
        let by_id = |row: QueryResult| Ok((row.try_get_by_index::<i64>(0)?, row));
        let found = rows.and_then(|rows| rows.into_iter().map(by_id).collect::<Result<HashMap<_, _>, DbErr>>());
        for Waiting { id, sender } in waiting {
            let told = match &found {
                Ok(rows) => rows.get(&id).map(entry_of_result).transpose(),
                Err(error) => Err(failed(error.clone())),
            };
            // Whoever waits no longer need not be told.
            let _ = sender.send(told);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.under_way -= 1;
        let waiting = queue.next();
        if waiting.is_empty() {
            return;
        }
        let turn = self.0.turn(&mut queue);
        drop(queue);
        let serve = turn.serve(waiting);
        // Without a runtime there is nobody left to wait.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(serve);
        }
    }
}

#[cfg(test)]
mod tests;
