//! What is needed of a database: the entries after a place. Reading holds no state that a place does not say as well, so
//! that any reader can go on where another was.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};
use tokio::time::timeout;

use super::event::Event;
use super::place::{Place, expired};
use super::sessions::{Line, Sessions};
use super::{postgres, sqlite};
use crate::audit::{Entry, Error, Result};
use crate::store::{Database, Kind, failed};

/// How many entries are read, and held in memory, at once.
pub(super) const PAGE: usize = 256;
/// A database that says nothing for this long is away. The longest single step is to count a transaction of millions.
const SILENCE: Duration = Duration::from_secs(120);

/// What was read, in the order in which subscribers get it.
pub(super) struct Page {
    /// At most [`PAGE`] of them.
    pub events: Vec<Arc<Event>>,
    /// Where the reading ended: behind the last event, or later.
    pub place: Place,
    /// Whether there is more to read before the end that was asked for, or before all that was found to be committed.
    pub more: bool,
}

/// The same, of one of the databases: entries, each with the place behind it.
pub(super) struct Read<P> {
    pub entries: Vec<(Entry, P)>,
    pub place: P,
    pub more: bool,
}

impl<P> Read<P> {
    fn into_page(self, place: impl Fn(P) -> Place) -> Page {
        let events = self.entries.into_iter().map(|(entry, behind)| Event::new(entry, place(behind))).collect();
        Page { events, place: place(self.place), more: self.more }
    }
}

/// Where readers come from.
#[derive(Clone)]
pub(super) enum Source {
    Postgres(Arc<Sessions<postgres::Connector>>, Arc<str>),
    Sqlite(Arc<Sessions<sqlite::Connector>>, Arc<str>),
}

impl Source {
    pub fn of(database: &Database) -> Source {
        match database.kind {
            Kind::Postgres => {
                Source::Postgres(Sessions::new(postgres::Connector::of(database)), postgres::select(database))
            }
            Kind::Sqlite => Source::Sqlite(Sessions::new(sqlite::Connector::of(database)), sqlite::select(database)),
        }
    }

    /// A reader with a connection of its own.
    pub fn poller(&self) -> Reader {
        match self {
            Source::Postgres(sessions, select) => {
                Reader::Postgres(postgres::Reader::new(Line::own(sessions), select).into())
            }
            Source::Sqlite(sessions, select) => Reader::Sqlite(sqlite::Reader::new(Line::own(sessions), select)),
        }
    }

    /// A reader that borrows a connection for each page.
    pub fn reader(&self) -> Reader {
        match self {
            Source::Postgres(sessions, select) => {
                Reader::Postgres(postgres::Reader::new(Line::shared(sessions), select).into())
            }
            Source::Sqlite(sessions, select) => Reader::Sqlite(sqlite::Reader::new(Line::shared(sessions), select)),
        }
    }
}

/// Reads on from a place.
pub(super) enum Reader {
    Postgres(Box<postgres::Reader>),
    Sqlite(sqlite::Reader),
}

impl Reader {
    /// The place behind all that is committed now, and safe.
    ///
    /// # Errors
    /// UNAVAILABLE where the database is away.
    pub async fn now(&mut self) -> Result<Place> {
        let page = in_time(async {
            match self {
                Reader::Postgres(reader) => Ok(reader.read(None, None).await?.into_page(Place::Postgres)),
                Reader::Sqlite(reader) => Ok(reader.read(None, None).await?.into_page(Place::Sqlite)),
            }
        });
        Ok(page.await?.place)
    }

    /// The entries after a place; up to a later one, where it is given, and else up to the present.
    ///
    /// # Errors
    /// UNAVAILABLE where the database is away: the same call may succeed later. CURSOR_EXPIRED where the place means
    /// nothing in the database that answers.
    pub async fn read(&mut self, place: &Place, until: Option<&Place>) -> Result<Page> {
        in_time(async {
            match (self, place, until) {
                (Reader::Postgres(reader), Place::Postgres(place), None) => {
                    Ok(reader.read(Some(place), None).await?.into_page(Place::Postgres))
                }
                (Reader::Postgres(reader), Place::Postgres(place), Some(Place::Postgres(until))) => {
                    Ok(reader.read(Some(place), Some(until)).await?.into_page(Place::Postgres))
                }
                (Reader::Sqlite(reader), Place::Sqlite(place), None) => {
                    Ok(reader.read(Some(place), None).await?.into_page(Place::Sqlite))
                }
                (Reader::Sqlite(reader), Place::Sqlite(place), Some(Place::Sqlite(until))) => {
                    Ok(reader.read(Some(place), Some(until)).await?.into_page(Place::Sqlite))
                }
                // A cursor of the other kind of database.
                _ => Err(expired()),
            }
        })
        .await
    }
}

async fn in_time(read: impl Future<Output = Result<Page>>) -> Result<Page> {
    timeout(SILENCE, read).await.unwrap_or_else(|late| Err(Error::unavailable(late)))
}

/// What a failed statement means.
pub(super) fn refused(error: sqlx::Error) -> Error {
    failed(DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

/// What a failed connection means.
pub(super) fn unreachable(error: sqlx::Error) -> Error {
    failed(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}
