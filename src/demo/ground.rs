//! What the demo does differently on the two databases.

use futures_util::future::BoxFuture;
use sea_orm::{DatabaseTransaction, Statement};

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use crate::audit::Result;
use crate::store::Kind;

/// What an application says of its transaction.
pub(super) struct Said {
    pub(super) user_id: String,
    pub(super) username: String,
    pub(super) ip_address: Option<String>,
    pub(super) description: String,
    pub(super) correlation_id: String,
    pub(super) metadata: serde_json::Value,
}

/// The demo's SQL for one database.
pub(super) trait Ground: Send + Sync {
    /// Says who makes the changes of the present transaction, as any application would.
    fn enter(&self, said: &Said) -> Statement;

    /// What is to be done before such a transaction commits.
    fn leave(&self) -> Option<&'static str>;

    /// Makes a connection commit without waiting for the disk.
    fn hurry(&self) -> &'static str;

    /// Whether each connection to this URL would have a database of its own.
    fn is_private(&self, url: &str) -> bool;

    /// The log's own table, in SQL.
    fn log(&self) -> &'static str;

    /// Asks whether the log is there: one row where it is.
    fn has_log(&self) -> &'static str;

    /// Lets the log's entries be changed for the rest of this transaction; the statements that forbid it again.
    fn lift<'a>(&'a self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, Result<Vec<String>>>;

    /// Sets the times of entries: one parameter, a JSON array of objects with `id` and `timestamp`.
    fn backdate_log(&self) -> &'static str;

    /// Sets since when tables are tracked: one parameter, the time.
    fn backdate_tracking(&self) -> &'static str;
}

/// The one place that chooses.
pub(super) fn ground(kind: Kind) -> &'static dyn Ground {
    match kind {
        Kind::Postgres => &Postgres,
        Kind::Sqlite => &Sqlite,
    }
}
