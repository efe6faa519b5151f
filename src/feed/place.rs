//! A place in the feed: all that comes before it was passed, and nothing that comes after it. It is a value, from which
//! any process can read on, and a cursor is its text.

use super::{postgres, sqlite};
use crate::audit::{Code, Entry, Error, Result, seal, unseal};

/// The longest cursor. It travels in a header.
const LONGEST: usize = 16 * 1_024;

/// A place in the feed of one of the databases.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    Postgres(postgres::Place),
    Sqlite(sqlite::Place),
}

impl Place {
    /// Whether more was found to be committed when it was told.
    pub fn is_within(&self) -> bool {
        matches!(self, Place::Postgres(postgres::Place { within: Some(_), .. }))
    }

    /// The cursor that names this place.
    ///
    /// # Errors
    /// UNAVAILABLE where so many transactions are under way that no cursor can hold them.
    pub fn to_cursor(&self) -> Result<String> {
        let cursor = seal(match self {
            Place::Postgres(place) => place.to_bytes(),
            Place::Sqlite(place) => place.to_bytes(),
        });
        if cursor.len() > LONGEST {
            return Err(Error::new(
                Code::Unavailable,
                "too many transactions are under way at once for a cursor; try again when there are fewer",
            ));
        }
        Ok(cursor)
    }

    /// Reads a cursor, of whatever database.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is damaged, or none of the feed's.
    pub fn of_cursor(cursor: &str) -> Result<Place> {
        let bytes = if cursor.len() > LONGEST { None } else { unseal(cursor) };
        let place = bytes.and_then(|bytes| match bytes.split_first()? {
            (&postgres::KIND, body) => postgres::Place::of_bytes(body).map(Place::Postgres),
            (&sqlite::KIND, body) => sqlite::Place::of_bytes(body).map(Place::Sqlite),
            _ => None,
        });
        place.ok_or_else(|| {
            Error::bad_input(
                "`after` is no cursor of the feed: pass the `cursor` of an event of `auditLogAdded`, or what \
                 `feedCursor` gave; the cursors of pages are others",
            )
        })
    }
}

/// An entry by which the log is known again: where it holds another one under this id, or none, it is another log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub id: i64,
    /// In microseconds.
    pub timestamp: i64,
}

impl Witness {
    pub fn of(entry: &Entry) -> Witness {
        Witness { id: entry.id, timestamp: entry.timestamp.timestamp_micros() }
    }
}

/// What the place says was passed is not there, or not all that came since can be told.
pub(super) fn expired() -> Error {
    Error::new(
        Code::CursorExpired,
        "the feed cannot go on from this cursor, since the database is another one, or was restored or replaced since; \
         ask for a new one by `feedCursor`, look by `auditLogs` for what you may have missed, and subscribe with the \
         new one as `after`",
    )
}
