//! The feed: the committed entries, each once, as they come.
//!
//! A place in it is a value (`place`), and a cursor its text: any process can read on from it (`reader`). How one reads
//! so that no entry is missed and none comes twice differs between the databases: `postgres` compares snapshots, `sqlite`
//! follows the id.
//!
//! One task a process asks the database what is new, and only while someone listens (`poller`). What it reads is decoded
//! once and shared by all who have caught up (`member`), each of whom has a filter and a bounded buffer. Whoever has a
//! cursor to go on from, or takes too slowly what is handed out, reads alone until there is nothing left to catch up with
//! (`subscription`, `replay`), on a few connections that are lent for a page at a time (`sessions`).

mod bytes;
mod event;
mod hub;
mod member;
mod place;
mod poller;
mod postgres;
mod reader;
mod replay;
mod sessions;
mod sqlite;
mod subscription;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use event::Event;
pub use member::BUFFER;
pub use subscription::Subscription;

use crate::audit::{Filter, Result};
use crate::store::Database;
use hub::Hub;
use member::Wish;
use place::Place;

/// The committed entries of one database, for any number of subscribers. Clones share the one task that reads.
#[derive(Clone)]
pub struct Feed {
    hub: Arc<Hub>,
}

/// What a subscriber wants.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which entries.
    pub filter: Filter,
    /// The cursor to go on from; without one, the present.
    pub after: Option<String>,
    /// Whether to be told the position at first, and whenever it has moved and nothing else was told for 2 seconds.
    pub positions: bool,
}

impl From<Filter> for Request {
    fn from(filter: Filter) -> Self {
        Request { filter, after: None, positions: false }
    }
}

impl Feed {
    /// The feed of a database. Nothing is read before someone subscribes.
    pub fn new(database: &Database) -> Feed {
        Feed { hub: Arc::new(Hub::new(database)) }
    }

    /// Subscribes. What commits once this has returned is received for certain. Without a cursor, what was committed
    /// before the call is not; with one, all that comes after its place is received, and nothing that comes before. The
    /// entries of one transaction come together and in their order.
    ///
    /// # Errors
    /// UNAVAILABLE where the database cannot be reached; later outages do not end a subscription: it goes on where it was
    /// once the database is back. BAD_USER_INPUT where the cursor is none of the feed's, CURSOR_EXPIRED where it means
    /// nothing in this database.
    pub async fn subscribe(&self, request: impl Into<Request>) -> Result<Subscription> {
        let Request { filter, after, positions } = request.into();
        let wish = Wish { filter: Arc::new(filter), positions };
        match after {
            None => Subscription::live(&self.hub, wish).await,
            Some(cursor) => Subscription::after(&self.hub, wish, Place::of_cursor(&cursor)?).await,
        }
    }

    /// The cursor of the present: what is committed now comes before it, what commits later after it.
    ///
    /// # Errors
    /// UNAVAILABLE where the database cannot be reached.
    pub async fn cursor(&self) -> Result<String> {
        self.hub.source().reader().now().await?.to_cursor()
    }

    /// Says that this process has just committed something, so that subscribers need not wait for the next look.
    pub fn wake(&self) {
        self.hub.wake();
    }
}
