//! What lies between two snapshots, the window: the entries of the transactions that were over for the second and not for
//! the first. It is fixed, so that it can be read at leisure and by pages, outside any transaction of ours, and read on
//! by anyone after an interruption.
//!
//! Its transactions come in the order of their greatest ids, the entries of one by id. What fits a page is read at once,
//! [`whole`]. Of a longer window all transactions are listed; through a very long one goes a [`Walk`]. All give the same
//! order.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::place::{Place, Seen, Within};
use super::run::Run;
use super::session::{Look, Session};
use super::walk::Walk;
use crate::audit::{Entry, Result};
use crate::feed::place::Witness;
use crate::feed::reader::PAGE;
use crate::store::Snapshot;

/// How many entries a window may have that is listed, and a transaction whose ids are kept.
const LISTED: i64 = 50_000;

/// What a reader has learned of a window. It can be thrown away at any time: a place says the same.
pub(super) struct Window {
    era: i64,
    from: Arc<Seen>,
    until: Arc<Seen>,
    /// The next transactions, in order. Of the first some entries may have been passed.
    runs: VecDeque<Run>,
    /// What finds more of them; none where all are known.
    walk: Option<Walk>,
    passed: Option<(i64, Witness)>,
    /// The ids of the first transaction that are yet to be read, where it is longer than a page.
    ids: VecDeque<i64>,
}

/// The window from a place behind a snapshot to a later one, of which all entries are there, each with its transaction:
/// in order, each with the place behind it; and the place behind the window.
pub(super) fn whole(place: &Place, snapshot: Snapshot, mut entries: Vec<(u64, Entry)>) -> (Vec<(Entry, Place)>, Place) {
    let mut lasts: HashMap<u64, Witness> = HashMap::new();
    for (tx, entry) in &entries {
        let last = lasts.entry(*tx).or_insert_with(|| Witness::of(entry));
        if last.id < entry.id {
            *last = Witness::of(entry);
        }
    }
    let last = |tx: u64| lasts.get(&tx).map_or(0, |last| last.id);
    entries.sort_unstable_by_key(|(tx, entry)| (last(*tx), entry.id));
    let top = lasts.iter().max_by_key(|(tx, _)| **tx).map(|(tx, last)| (*tx, *last));
    let until = Arc::new(Seen::shown(snapshot, top, &place.seen));
    let end = Place::after(place.era, &until);
    let count = entries.len();
    let with_place = |(index, (tx, entry)): (usize, (u64, Entry))| {
        if index + 1 == count {
            return (entry, end.clone());
        }
        let within = Within { until: Arc::clone(&until), last: last(tx), passed: Witness::of(&entry) };
        (entry, Place { era: place.era, seen: Arc::clone(&place.seen), within: Some(within) })
    };
    let entries = entries.into_iter().enumerate().map(with_place).collect();
    (entries, end)
}

impl Window {
    /// The window from a place behind a snapshot to a later look.
    pub async fn open(session: &mut Session, place: &Place, look: &Look) -> Result<Window> {
        let ranges = look.snapshot.ended_since(&place.seen.snapshot);
        let listed = session.ended(place.era, &ranges, LISTED).await?;
        let top = match &listed {
            Some(runs) => runs.iter().max_by_key(|run| run.tx).map(|run| (run.tx, run.last)),
            None => session.top(place.era, &ranges).await?,
        };
        let until = Arc::new(Seen::shown(look.snapshot.clone(), top, &place.seen));
        Window::of(session, place, until, None, listed).await
    }

    /// The window in which a place is, or that ends at a known snapshot.
    pub async fn resume(session: &mut Session, place: &Place, until: &Arc<Seen>) -> Result<Window> {
        let passed = place.within.as_ref().map(|within| (within.last, within.passed));
        let ranges = until.snapshot.ended_since(&place.seen.snapshot);
        let listed = session.ended(place.era, &ranges, LISTED).await?;
        Window::of(session, place, Arc::clone(until), passed, listed).await
    }

    async fn of(
        session: &mut Session,
        place: &Place,
        until: Arc<Seen>,
        passed: Option<(i64, Witness)>,
        listed: Option<Vec<Run>>,
    ) -> Result<Window> {
        let (era, from, last) = (place.era, Arc::clone(&place.seen), passed.map(|(last, _)| last));
        let walk = match listed {
            Some(_) => None,
            None => Some(Walk::begin(session, era, &from, &until, last).await?),
        };
        let mut window = Window { era, from, until, runs: VecDeque::new(), walk, passed, ids: VecDeque::new() };
        window.add(listed.unwrap_or_default());
        Ok(window)
    }

    /// Takes up transactions, in order, those that were passed left out.
    fn add(&mut self, mut runs: Vec<Run>) {
        let passed = self.passed.map(|(last, entry)| (last, entry.id));
        runs.retain(|run| passed.is_none_or(|passed| (run.last.id, run.last.id) > passed));
        runs.sort_unstable_by_key(|run| run.last.id);
        self.runs.extend(runs);
    }

    /// Whether it is this window, as far as it was read.
    pub fn is_at(&self, place: &Place) -> bool {
        place.within.as_ref().is_some_and(|within| {
            self.passed == Some((within.last, within.passed))
                && Arc::ptr_eq(&self.until, &within.until)
                && Arc::ptr_eq(&self.from, &place.seen)
        })
    }

    /// The place behind it.
    pub fn end(&self) -> Place {
        Place::after(self.era, &self.until)
    }

    /// The next entries, each with the place behind it; and whether they are the last.
    pub async fn next(&mut self, session: &mut Session, select: &str) -> Result<(Vec<(Entry, Place)>, bool)> {
        let entries = self.entries(session, select).await?;
        let is_over = self.runs.is_empty() && self.walk.is_none();
        let mut page: Vec<(Entry, Place)> = Vec::with_capacity(entries.len());
        for (last, entry) in entries {
            let passed = Witness::of(&entry);
            self.passed = Some((last, passed));
            let within = Within { until: Arc::clone(&self.until), last, passed };
            page.push((entry, Place { era: self.era, seen: Arc::clone(&self.from), within: Some(within) }));
        }
        if let Some((_, place)) = page.last_mut()
            && is_over
        {
            *place = self.end();
        }
        Ok((page, is_over))
    }

    async fn entries(&mut self, session: &mut Session, select: &str) -> Result<Vec<(i64, Entry)>> {
        let begun = self.fill(session).await?;
        let Some(first) = self.runs.front().cloned() else { return Ok(Vec::new()) };
        if begun || first.count > PAGE as i64 {
            let entries = self.part(session, select, &first).await?;
            if entries.last().is_none_or(|entry| entry.id >= first.last.id) {
                self.runs.pop_front();
                self.ids.clear();
            }
            return Ok(entries.into_iter().map(|entry| (first.last.id, entry)).collect());
        }
        let mut runs = vec![first];
        self.runs.pop_front();
        let mut count = runs[0].count;
        while let Some(next) = self.runs.front().filter(|next| count + next.count <= PAGE as i64) {
            count += next.count;
            runs.push(next.clone());
            self.runs.pop_front();
        }
        session.entries_of(select, self.era, &runs).await
    }

    /// Looks for a page's worth of transactions. Returns whether the first one has already begun.
    async fn fill(&mut self, session: &mut Session) -> Result<bool> {
        while let Some(walk) = &mut self.walk
            && self.runs.iter().map(|run| run.count).sum::<i64>() < PAGE as i64
        {
            let found = walk.step(session, &self.from, &self.until).await?;
            if walk.is_over() {
                self.walk = None;
            }
            self.add(found);
        }
        let begun = self.passed.map(|(last, _)| last);
        Ok(begun.is_some() && self.runs.front().map(|run| run.last.id) == begun)
    }

    /// Some entries of a transaction that is longer than a page, or of which some were passed.
    async fn part(&mut self, session: &mut Session, select: &str, run: &Run) -> Result<Vec<Entry>> {
        let after = self.passed.filter(|(last, _)| *last == run.last.id).map_or(0, |(_, entry)| entry.id);
        if run.count > LISTED {
            return session.entries_between(select, self.era, run, after).await;
        }
        if self.ids.is_empty() {
            self.ids = session.ids_of(self.era, run.tx, after).await?.into();
        }
        let ids: Vec<i64> = self.ids.drain(..PAGE.min(self.ids.len())).collect();
        session.entries_with(select, &ids).await
    }
}
