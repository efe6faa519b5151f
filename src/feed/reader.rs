//! What the task needs of a database: the next entries.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};

use super::{postgres, sqlite};
use crate::audit::{Code, Entry, Error, Result};
use crate::store::{Database, Kind, failed};

/// How many entries are read, and held in memory, at once.
pub(super) const PAGE: usize = 256;

/// Some entries, in the order in which subscribers get them.
#[derive(Default)]
pub(super) struct Page {
    /// At most [`PAGE`] of them.
    pub entries: Vec<Entry>,
    /// Whether more were already committed when this page was read.
    pub more: bool,
}

/// Reads on from where it was, on a connection of its own. It keeps its place when the database goes away.
pub(super) enum Reader {
    Postgres(postgres::Reader),
    Sqlite(sqlite::Reader),
}

impl Reader {
    pub fn of(database: &Database) -> Reader {
        match database.kind {
            Kind::Postgres => Reader::Postgres(postgres::Reader::of(database)),
            Kind::Sqlite => Reader::Sqlite(sqlite::Reader::of(database)),
        }
    }

    /// The next entries. The first call returns none: it only finds the place from which on they count.
    ///
    /// # Errors
    /// UNAVAILABLE where the database is away: the next call tries again. After any other the feed cannot go on.
    pub async fn next(&mut self) -> Result<Page> {
        match self {
            Reader::Postgres(reader) => reader.next().await,
            Reader::Sqlite(reader) => reader.next().await,
        }
    }

    /// Whether the next page belongs to what was found earlier, and says nothing of what was committed since.
    pub fn is_behind(&self) -> bool {
        match self {
            Reader::Postgres(reader) => reader.is_behind(),
            Reader::Sqlite(_) => false,
        }
    }
}

/// What a failed statement means.
pub(super) fn refused(error: sqlx::Error) -> Error {
    failed(DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

/// What a failed connection means.
pub(super) fn unreachable(error: sqlx::Error) -> Error {
    failed(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

/// The place that was kept means nothing in the database that answers now.
pub(super) fn replaced() -> Error {
    Error::new(
        Code::CursorExpired,
        "the database was restored or replaced, and what was committed in between cannot be told; subscribe again",
    )
}
