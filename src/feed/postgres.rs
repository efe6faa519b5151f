//! The feed on PostgreSQL: ids are given at insert and rows appear at commit, so that an id is no place to read on
//! from. A snapshot is one: it says which transactions are over.
//!
//! What lies between two snapshots, the window, is fixed: the rows of the transactions that were over for the second
//! and not for the first. It can therefore be read at leisure and by pages, outside any transaction of ours, and read
//! on after an interruption.
//!
//! A commit can be seen before it is safe (`synchronous_commit = off`), and one that a crash undoes has its number given
//! out again. So a snapshot becomes our place only once everything that was written before it is on the disk.

mod snapshot;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, query, query_as, query_scalar, raw_sql};
use tokio::time::{Instant, sleep, timeout};

use super::reader::{PAGE, Page, refused, replaced, unreachable};
use crate::audit::{Entry, Error, Result};
use crate::store::{Database, entry_of_row, select_entries};
use snapshot::Snapshot;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at what is on the disk.
const FLUSH_INTERVAL: Duration = Duration::from_millis(5);
/// How long others' commits are waited for to bring our window to the disk.
const FLUSH_PATIENCE: Duration = Duration::from_millis(100);

/// This connection has one question, which an index answers. The planner cannot know how short the ranges are, and
/// would at times read the whole table, or compile the query first.
const SETTINGS: &str = "SET enable_seqscan = off; SET jit = off; SET statement_timeout = 0; \
     SET synchronous_commit = local; SET default_transaction_read_only = off";
/// The order of the functions matters: what is on the disk is asked before what was written.
const LOOK: &str = "SELECT pg_current_snapshot()::text, pg_current_wal_flush_lsn()::text, \
     pg_current_wal_insert_lsn()::text, (SELECT max(era) FROM afterimage.era)";
const IS_FLUSHED: &str = "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn";
/// A record of a few bytes, which no table holds, and whose commit waits for the disk.
const FLUSH: &str = "SELECT pg_logical_emit_message(true, 'afterimage', '')::text";

/// Compares snapshots.
pub(super) struct Reader {
    options: Arc<PgConnectOptions>,
    select: String,
    session: Option<Session>,
    /// What has been handed out; none before the first look.
    place: Option<Place>,
    /// What is being handed out.
    window: Option<Window>,
}

/// The transactions that are over, of one life of the database.
struct Place {
    era: i64,
    seen: Snapshot,
}

/// What lies between the place and a later snapshot, up to the last entry that was read.
struct Window {
    end: Snapshot,
    read: Option<Key>,
}

/// The order of a window: the greatest id of the entry's transaction, and the entry's own.
type Key = (i64, i64);

struct Session {
    connection: PgConnection,
    /// Whether the window's cursor is open.
    cursor: bool,
}

struct Look {
    place: Place,
    written: String,
    is_flushed: bool,
}

impl Reader {
    pub fn of(database: &Database) -> Reader {
        let options = database.writer.get_postgres_connection_pool().connect_options();
        Reader {
            options: Arc::new(options.as_ref().clone().application_name("afterimage feed")),
            select: format!("{} WHERE log.id = ANY($1)", select_entries(database)),
            session: None,
            place: None,
            window: None,
        }
    }

    pub async fn next(&mut self) -> Result<Page> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.open().await?,
        };
        // A session in which anything failed is not used again.
        let page = self.read(&mut session).await?;
        self.session = Some(session);
        Ok(page)
    }

    pub fn is_behind(&self) -> bool {
        self.window.is_some()
    }

    async fn open(&self) -> Result<Session> {
        let connecting = timeout(PATIENCE, self.options.connect()).await.map_err(Error::unavailable)?;
        let mut connection = connecting.map_err(unreachable)?;
        raw_sql(SETTINGS).execute(&mut connection).await.map_err(refused)?;
        let mut session = Session { connection, cursor: false };
        // The rest of a window is read without another look.
        if let (Some(place), Some(window)) = (&self.place, &self.window) {
            session.look().await?.place.follows(place.era, &window.end)?;
        }
        Ok(session)
    }

    async fn read(&mut self, session: &mut Session) -> Result<Page> {
        let Some(place) = &mut self.place else {
            let look = session.look().await?;
            session.flushed(&look).await?;
            self.place = Some(look.place);
            return Ok(Page::default());
        };
        if self.window.is_none() {
            let look = session.look().await?;
            look.place.follows(place.era, &place.seen)?;
            let ranges = look.place.seen.ended_since(&place.seen);
            if ranges.is_empty() || !session.any(place.era, &ranges).await? {
                // Others write, and not to the log. The old place serves as well as a new one that is not safe yet.
                if look.is_flushed {
                    *place = look.place;
                }
                return Ok(Page::default());
            }
            session.flushed(&look).await?;
            self.window = Some(Window { end: look.place.seen, read: None });
        }
        let Some(window) = &mut self.window else { return Ok(Page::default()) };
        if !session.cursor {
            session.declare(place, window).await?;
        }
        let keys = session.fetch().await?;
        let entries = session.entries(&self.select, &keys).await?;
        let more = keys.len() == PAGE;
        if more {
            window.read = keys.last().copied();
        } else {
            session.close().await?;
            place.seen = window.end.clone();
            self.window = None;
        }
        Ok(Page { entries, more })
    }
}

impl Place {
    /// Whether this is a later state of the same database.
    fn follows(&self, era: i64, seen: &Snapshot) -> Result<()> {
        if self.era == era && self.seen.next >= seen.next { Ok(()) } else { Err(replaced()) }
    }
}

impl Session {
    async fn look(&mut self) -> Result<Look> {
        let (snapshot, flushed, written, era): (String, String, String, i64) =
            query_as(LOOK).fetch_one(&mut self.connection).await.map_err(refused)?;
        let seen = Snapshot::parse(&snapshot).ok_or_else(|| Error::internal(format!("no snapshot: {snapshot}")))?;
        Ok(Look { place: Place { era, seen }, is_flushed: flushed == written, written })
    }

    /// Waits until what a look saw is on the disk. Where nobody commits, an open transaction's last records stay in
    /// memory: then we write a record ourselves.
    async fn flushed(&mut self, look: &Look) -> Result<()> {
        let started = Instant::now();
        let mut helped = look.is_flushed;
        while !helped && !self.is_flushed(&look.written).await? {
            if started.elapsed() < FLUSH_PATIENCE {
                sleep(FLUSH_INTERVAL).await;
            } else {
                query(FLUSH).execute(&mut self.connection).await.map_err(refused)?;
                helped = true;
            }
        }
        Ok(())
    }

    async fn is_flushed(&mut self, written: &str) -> Result<bool> {
        query_scalar(IS_FLUSHED).bind(written).fetch_one(&mut self.connection).await.map_err(refused)
    }

    /// Whether these transactions left any entry.
    async fn any(&mut self, era: i64, ranges: &[(u64, u64)]) -> Result<bool> {
        let statement = format!("SELECT EXISTS (SELECT 1 {})", rows_of(era, ranges));
        let (any,) = query_as(AssertSqlSafe(statement))
            .persistent(false)
            .fetch_one(&mut self.connection)
            .await
            .map_err(refused)?;
        Ok(any)
    }

    /// Has the database put the window's keys in order and keep them, outside any transaction: a burst of any length is
    /// neither held in our memory nor a snapshot that stays open while subscribers take it.
    async fn declare(&mut self, place: &Place, window: &Window) -> Result<()> {
        let rows = rows_of(place.era, &window.end.ended_since(&place.seen));
        let (last, id) = window.read.unwrap_or((0, 0));
        let statement = format!(
            "DECLARE afterimage_feed NO SCROLL CURSOR WITH HOLD FOR SELECT last, id FROM \
             (SELECT log.id, max(log.id) OVER (PARTITION BY log.tx) AS last {rows}) AS entry \
             WHERE (last, id) > ({last}, {id}) ORDER BY last, id"
        );
        raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection).await.map_err(refused)?;
        self.cursor = true;
        Ok(())
    }

    async fn fetch(&mut self) -> Result<Vec<Key>> {
        let statement = format!("FETCH {PAGE} FROM afterimage_feed");
        let fetch = query_as(AssertSqlSafe(statement)).persistent(false);
        fetch.fetch_all(&mut self.connection).await.map_err(refused)
    }

    async fn close(&mut self) -> Result<()> {
        raw_sql("CLOSE afterimage_feed").execute(&mut self.connection).await.map_err(refused)?;
        self.cursor = false;
        Ok(())
    }

    /// The entries of these keys, in their order.
    async fn entries(&mut self, select: &str, keys: &[Key]) -> Result<Vec<Entry>> {
        let ids: Vec<i64> = keys.iter().map(|(_, id)| *id).collect();
        let rows = query(AssertSqlSafe(select)).bind(&ids).fetch_all(&mut self.connection).await.map_err(refused)?;
        let mut entries = HashMap::with_capacity(rows.len());
        for row in rows {
            let entry = entry_of_row(row)?;
            entries.insert(entry.id, entry);
        }
        Ok(ids.iter().filter_map(|id| entries.remove(id)).collect())
    }
}

/// The rows of transactions whose numbers lie in one of the ranges: an index scan for each.
fn rows_of(era: i64, ranges: &[(u64, u64)]) -> String {
    let array = |numbers: Vec<String>| format!("'{{{}}}'::xid8[]", numbers.join(","));
    let low = array(ranges.iter().map(|(low, _)| low.to_string()).collect());
    let high = array(ranges.iter().map(|(_, high)| high.to_string()).collect());
    format!(
        "FROM unnest({low}, {high}) AS ended (low, high) \
         JOIN afterimage.log ON log.tx >= ended.low AND log.tx < ended.high AND log.era = {era}"
    )
}
