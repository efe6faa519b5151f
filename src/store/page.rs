//! A page of a list, and what lies around it.

use std::sync::Arc;

use super::connect::Database;
use super::log::{Beyond, Selection, exists_beyond, page};
use crate::audit::{Entry, PageRequest, PageSide, Position, Result};

/// A page, and how it was asked for. The list runs from the most recent entry to the oldest.
#[derive(Debug)]
pub struct Page {
    /// What the list is made of.
    pub selection: Selection,
    /// Its entries, the most recent first; shared with the places of an answer that show them.
    pub entries: Vec<Arc<Entry>>,
    request: PageRequest,
    /// Whether more lie beyond the end at which the page was cut off.
    more: bool,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn read(database: &Database, selection: Selection, request: PageRequest) -> Result<Page> {
        let (entries, more) = page(database, &selection, &request).await?;
        let entries = entries.into_iter().map(Arc::new).collect();
        Ok(Page { selection, entries, request, more })
    }

    /// The place of the most recent entry.
    pub fn start(&self) -> Option<Position> {
        self.entries.first().map(|entry| Position::of(entry))
    }

    /// The place of the oldest entry.
    pub fn end(&self) -> Option<Position> {
        self.entries.last().map(|entry| Position::of(entry))
    }

    /// Whether older entries follow. Exact.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn has_older(&self, database: &Database) -> Result<bool> {
        let request = &self.request;
        if request.side == PageSide::First && (self.more || request.before.is_none()) {
            return Ok(self.more);
        }
        match (self.end(), request.before) {
            (Some(end), _) => self.exists(database, end, Beyond::Older).await,
            // Nothing is more recent than the place: what there is lies at it or behind it.
            (None, Some(before)) => {
                let place = Position { id: before.id.saturating_add(1), ..before };
                self.exists(database, place, Beyond::Older).await
            }
            (None, None) => Ok(false),
        }
    }

    /// Whether more recent entries precede. Exact.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn has_newer(&self, database: &Database) -> Result<bool> {
        let request = &self.request;
        if request.side == PageSide::Last && (self.more || request.after.is_none()) {
            return Ok(self.more);
        }
        // Such a page begins where the list does, whatever it ends before.
        if request.side == PageSide::First && request.after.is_none() && request.offset == 0 {
            return Ok(false);
        }
        match (self.start(), request.after) {
            (Some(start), _) => self.exists(database, start, Beyond::Newer).await,
            (None, Some(after)) => {
                let place = Position { id: after.id.saturating_sub(1), ..after };
                self.exists(database, place, Beyond::Newer).await
            }
            (None, None) => {
                let earliest = Position { timestamp: chrono::DateTime::UNIX_EPOCH, id: 0 };
                self.exists(database, earliest, Beyond::Newer).await
            }
        }
    }

    async fn exists(&self, database: &Database, place: Position, side: Beyond) -> Result<bool> {
        exists_beyond(database, &self.selection, place, side).await
    }
}
