//! A window of any length, in order, without holding or sorting it.
//!
//! A window is ordered by the greatest ids of its transactions. Whoever goes through the entries by id meets each
//! transaction before its greatest id, and can ask for that when it first comes by: it is the transaction's turn once
//! that id is reached. What is held meanwhile are the transactions that wrote at the same time, no more than there are
//! connections.
//!
//! Where to begin: a transaction that had no number yet when the earlier snapshot was taken drew its ids later than all
//! that the snapshot shows, since whatever records an entry has its transaction's number before. Those that had one and
//! were under way are on the snapshot's list, and asked for by it.

use std::collections::HashMap;

use sqlx::query_as;

use super::place::Seen;
use super::run::Run;
use super::session::Session;
use crate::audit::{Error, Result};
use crate::feed::reader::refused;

/// How many entries are looked at in one step.
const STEP: i64 = 4_096;
const TRANSACTIONS: &str = "SELECT tx::text, era, max(id), count(*) FROM \
     (SELECT id, tx, era FROM afterimage.log WHERE id > $1 ORDER BY id LIMIT $2) AS entry GROUP BY tx, era";
const GREATEST: &str = "SELECT coalesce((SELECT id FROM afterimage.log ORDER BY id DESC LIMIT 1), 0)";

/// On the way through a window.
pub(super) struct Walk {
    era: i64,
    /// All entries up to this id were looked at.
    at: i64,
    /// No entry of the window has a greater id.
    to: i64,
    /// Transactions that were met and whose turn has not come.
    open: HashMap<u64, Run>,
}

impl Walk {
    /// Sets out for the transactions whose last entry is this one or comes after it.
    pub async fn begin(session: &mut Session, era: i64, from: &Seen, until: &Seen, last: Option<i64>) -> Result<Walk> {
        let (to,): (i64,) = query_as(GREATEST).fetch_one(&mut session.connection).await.map_err(refused)?;
        let late = session.whole(era, until.snapshot.late_since(&from.snapshot)).await?;
        let known = last.map(|last| last - 1);
        let open = late.into_iter().filter(|run| known.is_none_or(|known| run.last.id > known));
        let at = known.or(from.top.map(|top| top.id)).unwrap_or(0);
        Ok(Walk { era, at, to, open: open.map(|run| (run.tx, run)).collect() })
    }

    /// The next transactions in order; there may be none so far.
    pub async fn step(&mut self, session: &mut Session, from: &Seen, until: &Seen) -> Result<Vec<Run>> {
        let select = query_as(TRANSACTIONS).bind(self.at).bind(STEP);
        let met: Vec<(String, i64, i64, i64)> = select.fetch_all(&mut session.connection).await.map_err(refused)?;
        let count: i64 = met.iter().map(|(_, _, _, count)| count).sum();
        let greatest = met.iter().map(|(_, _, greatest, _)| *greatest).max();
        let mut new = Vec::new();
        for (tx, era, ..) in met {
            let tx: u64 = tx.parse().map_err(|_| Error::internal(format!("no transaction: {tx}")))?;
            let is_meant = era == self.era && until.snapshot.has_ended(tx) && !from.snapshot.has_ended(tx);
            // Those on the list are all known.
            if is_meant && !from.snapshot.was_running(tx) && !self.open.contains_key(&tx) {
                new.push(tx);
            }
        }
        self.open.extend(session.whole(self.era, new).await?.into_iter().map(|run| (run.tx, run)));
        self.at = greatest.filter(|_| count == STEP).unwrap_or(self.to);
        let mut due: Vec<Run> =
            if self.is_over() { self.open.drain().map(|(_, run)| run).collect() } else { self.due() };
        due.sort_unstable_by_key(|run| run.last.id);
        Ok(due)
    }

    fn due(&mut self) -> Vec<Run> {
        let at = self.at;
        let due: Vec<u64> = self.open.values().filter(|run| run.last.id <= at).map(|run| run.tx).collect();
        due.iter().filter_map(|tx| self.open.remove(tx)).collect()
    }

    /// Whether there is nothing more to come.
    pub fn is_over(&self) -> bool {
        self.at >= self.to
    }
}
