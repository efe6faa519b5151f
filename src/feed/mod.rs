//! The feed: the committed entries, each once, as they come.
//!
//! One task a process asks the database what is new, and only while someone listens (`poller`). How that question is
//! asked, so that no entry is missed and none comes twice, differs between the databases: `postgres` compares
//! snapshots, `sqlite` follows the id. What the task reads is decoded once and shared by all subscribers
//! (`member`), each of whom has a filter and a bounded buffer.

mod hub;
mod member;
mod poller;
mod postgres;
mod reader;
mod sqlite;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use member::{BUFFER, Subscription};

use crate::audit::{Filter, Result};
use crate::store::Database;
use hub::Hub;

/// The committed entries of one database, for any number of subscribers. Clones share the one task that reads.
#[derive(Clone)]
pub struct Feed {
    hub: Arc<Hub>,
}

impl Feed {
    /// The feed of a database. Nothing is read before someone subscribes.
    pub fn new(database: Database) -> Feed {
        Feed { hub: Arc::new(Hub::new(database)) }
    }

    /// Subscribes to the entries that the filter means. What commits once this has returned is received for certain,
    /// and what was committed before the call is not. The entries of one transaction come together and in their order.
    ///
    /// # Errors
    /// UNAVAILABLE where the database cannot be reached. Later outages do not end a subscription: it goes on where it
    /// was once the database is back.
    pub async fn subscribe(&self, filter: Filter) -> Result<Subscription> {
        self.hub.join(filter).await
    }

    /// Says that this process has just committed something, so that subscribers need not wait for the next look.
    pub fn wake(&self) {
        self.hub.wake();
    }
}
