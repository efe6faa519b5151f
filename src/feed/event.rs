//! What subscribers are told.

use std::sync::{Arc, OnceLock};

use super::place::Place;
use crate::audit::{Entry, Result};

/// An entry and its place in the feed, or a place alone. It is shared by all subscribers who are told it.
#[derive(Debug)]
pub struct Event {
    entry: Option<Arc<Entry>>,
    place: Place,
    cursor: OnceLock<String>,
}

impl Event {
    /// An entry, and the place behind it.
    pub(super) fn new(entry: Entry, place: Place) -> Arc<Event> {
        Arc::new(Event { entry: Some(Arc::new(entry)), place, cursor: OnceLock::new() })
    }

    /// A bare position.
    pub(super) fn position(place: Place) -> Arc<Event> {
        Arc::new(Event { entry: None, place, cursor: OnceLock::new() })
    }

    /// The entry; none where the event is a bare position.
    pub fn entry(&self) -> Option<&Arc<Entry>> {
        self.entry.as_ref()
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// From where to go on after this event. Made when it is first asked for, and once for all who ask.
    ///
    /// # Errors
    /// UNAVAILABLE where so many transactions are under way that no cursor can hold them.
    pub fn cursor(&self) -> Result<&str> {
        if let Some(cursor) = self.cursor.get() {
            return Ok(cursor);
        }
        let cursor = self.place.to_cursor()?;
        Ok(self.cursor.get_or_init(|| cursor))
    }
}
