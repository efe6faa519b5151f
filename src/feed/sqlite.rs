//! The feed on SQLite: one transaction writes at a time, so that the id is the order of the commits.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection, query, query_as, query_scalar};

use super::bytes;
use super::place::{Witness, expired};
use super::reader::{PAGE, Read, refused, unreachable};
use super::sessions::{Connect, Follow, Lent, Line};
use crate::audit::{Entry, Result};
use crate::store::{Database, entry_of_row, select_entries};

/// The tag of its cursors.
pub(super) const KIND: u8 = b's';

/// The last entry that was passed; none in an empty log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place(Option<Witness>);

impl Place {
    fn id(&self) -> i64 {
        self.0.map_or(0, |passed| passed.id)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = bytes::Writer::new(KIND);
        writer.put(self.id() as u64);
        writer.put_signed(self.0.map_or(0, |passed| passed.timestamp));
        writer.into_bytes()
    }

    pub fn of_bytes(bytes: &[u8]) -> Option<Place> {
        let mut reader = bytes::Reader::new(bytes);
        let passed = Witness { id: reader.take_id()?, timestamp: reader.take_signed()? };
        reader.is_at_end().then_some(Place((passed.id > 0).then_some(passed)))
    }
}

/// Opens connections that only read.
pub(super) struct Connector {
    options: SqliteConnectOptions,
}

impl Connector {
    pub fn of(database: &Database) -> Connector {
        let options = database.writer.get_sqlite_connection_pool().connect_options();
        // A file that was moved away is an outage, and no reason to begin an empty one in its place.
        Connector { options: options.as_ref().clone().create_if_missing(false).pragma("query_only", "on") }
    }
}

impl Connect for Connector {
    type Session = SqliteConnection;

    async fn open(&self) -> Result<SqliteConnection> {
        self.options.connect().await.map_err(unreachable)
    }
}

/// The statement that its pages are read by.
pub(super) fn select(database: &Database) -> Arc<str> {
    format!("{} WHERE log.id > ? AND log.id <= ? ORDER BY log.id LIMIT ?", select_entries(database)).into()
}

/// Follows the id.
pub(super) struct Reader {
    line: Line<Connector>,
    follower: Follower,
}

struct Follower {
    select: Arc<str>,
    /// Where nothing more was found, in which session, and what that told of others' commits. On another connection it
    /// means nothing.
    quiet: Option<(u64, i64, Place)>,
}

impl Reader {
    pub fn new(line: Line<Connector>, select: &Arc<str>) -> Reader {
        Reader { line, follower: Follower { select: Arc::clone(select), quiet: None } }
    }

    pub async fn read(&mut self, place: Option<&Place>, until: Option<&Place>) -> Result<Read<Place>> {
        self.line.read(&mut self.follower, place, until).await
    }
}

impl Follow<Connector> for Follower {
    type Place = Place;

    async fn read(
        &mut self,
        lent: &mut Lent<Connector>,
        place: Option<&Place>,
        until: Option<&Place>,
    ) -> Result<Read<Place>> {
        let connection = &mut lent.session;
        // Read before the rows: what commits in between is found twice as a change, and once as a row.
        let version: i64 = query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await.map_err(refused)?;
        let Some(place) = place else {
            return Ok(Read { entries: Vec::new(), place: greatest(connection).await?, more: false });
        };
        if self.quiet.as_ref().is_some_and(|(session, seen, at)| (*session, *seen, at) == (lent.number, version, place))
        {
            return Ok(Read { entries: Vec::new(), place: place.clone(), more: false });
        }
        // Entries do not go away: where the last one is not there, this is another log.
        if let Some(passed) = place.0
            && witness(connection, passed.id).await? != Some(passed)
        {
            return Err(expired());
        }
        let end = until.map_or(i64::MAX, Place::id);
        let select = query(AssertSqlSafe(&*self.select)).bind(place.id()).bind(end).bind(PAGE as i64);
        let rows = select.fetch_all(&mut *connection).await.map_err(refused)?;
        let entries: Vec<Entry> = rows.iter().map(entry_of_row).collect::<Result<_>>()?;
        let more = entries.len() == PAGE;
        let entries: Vec<(Entry, Place)> = entries
            .into_iter()
            .map(|entry| {
                let place = Place(Some(Witness::of(&entry)));
                (entry, place)
            })
            .collect();
        let place = entries.last().map_or_else(|| place.clone(), |(_, place)| place.clone());
        self.quiet = (!more && until.is_none()).then(|| (lent.number, version, place.clone()));
        Ok(Read { entries, place, more })
    }
}

async fn witness(connection: &mut SqliteConnection, id: i64) -> Result<Option<Witness>> {
    let statement = "SELECT timestamp FROM afterimage_log WHERE id = ?";
    let timestamp: Option<DateTime<Utc>> =
        query_scalar(statement).bind(id).fetch_optional(connection).await.map_err(refused)?;
    Ok(timestamp.map(|timestamp| Witness { id, timestamp: timestamp.timestamp_micros() }))
}

async fn greatest(connection: &mut SqliteConnection) -> Result<Place> {
    let statement = "SELECT id, timestamp FROM afterimage_log ORDER BY id DESC LIMIT 1";
    let row: Option<(i64, DateTime<Utc>)> = query_as(statement).fetch_optional(connection).await.map_err(refused)?;
    Ok(Place(row.map(|(id, timestamp)| Witness { id, timestamp: timestamp.timestamp_micros() })))
}
