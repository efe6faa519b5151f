//! A connection of the feed's to PostgreSQL, and what it tells of the database's state.
//!
//! A commit can be seen before it is safe (`synchronous_commit = off`), and one that a crash undoes has its number given
//! out again. So a snapshot becomes a place only once everything that was written before it is on the disk.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection, query, query_as, query_scalar, raw_sql};
use tokio::time::{Instant, sleep, timeout};

use super::place::Place;
use crate::audit::{Error, Result};
use crate::feed::place::{Witness, expired};
use crate::feed::reader::{refused, unreachable};
use crate::feed::sessions::Connect;
use crate::store::Database;
use crate::store::Snapshot;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at what is on the disk.
const FLUSH_INTERVAL: Duration = Duration::from_millis(1);
/// How long others' commits are waited for to bring ours to the disk.
const FLUSH_PATIENCE: Duration = Duration::from_millis(100);

/// This connection has few questions, which indexes answer in their order. The planner cannot know how short the ranges
/// are, and would at times read the whole table, or compile the query first.
const SETTINGS: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off; \
     SET statement_timeout = 0; SET synchronous_commit = local; SET default_transaction_read_only = off";
/// The order of the functions matters: what is on the disk is asked before what was written.
const LOOK: &str = "SELECT pg_current_snapshot()::text, pg_current_wal_flush_lsn()::text, \
     pg_current_wal_insert_lsn()::text, (SELECT max(era) FROM afterimage.era)";
const IS_FLUSHED: &str = "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn";
/// A record of a few bytes, which no table holds, and whose commit waits for the disk.
const FLUSH: &str = "SELECT pg_logical_emit_message(true, 'afterimage', '')::text";
const TIMESTAMPS: &str = concat!("SELECT id, ", micros!(), " FROM afterimage.log WHERE id = ANY($1)");

/// Opens connections to the primary.
pub(in crate::feed) struct Connector {
    options: PgConnectOptions,
    /// Begins a new era where the database has begun another life. A connection may have been lost to just that.
    settle_era: &'static str,
}

impl Connector {
    pub fn of(database: &Database) -> Connector {
        let options = database.writer.get_postgres_connection_pool().connect_options();
        Connector {
            options: options.as_ref().clone().application_name("afterimage feed"),
            settle_era: database.dialect.settle_era().unwrap_or_default(),
        }
    }
}

impl Connect for Connector {
    type Session = Session;

    async fn open(&self) -> Result<Session> {
        let connecting = timeout(PATIENCE, self.options.connect()).await.map_err(Error::unavailable)?;
        let mut connection = connecting.map_err(unreachable)?;
        raw_sql(SETTINGS).execute(&mut connection).await.map_err(refused)?;
        raw_sql(self.settle_era).execute(&mut connection).await.map_err(refused)?;
        Ok(Session { connection })
    }
}

/// A connection. One in which anything failed is not used again.
pub(in crate::feed) struct Session {
    pub connection: PgConnection,
}

/// What the database says of itself now.
pub(in crate::feed) struct Look {
    pub era: i64,
    pub snapshot: Snapshot,
    /// Where the log of the database ended, after the snapshot was taken.
    pub written: String,
    /// Whether all that the snapshot shows is on the disk.
    pub is_flushed: bool,
}

impl Session {
    pub async fn look(&mut self) -> Result<Look> {
        let (snapshot, flushed, written, era): (String, String, String, i64) =
            query_as(LOOK).fetch_one(&mut self.connection).await.map_err(refused)?;
        let seen = Snapshot::parse(&snapshot).ok_or_else(|| Error::internal(format!("no snapshot: {snapshot}")))?;
        Ok(Look { era, snapshot: seen, is_flushed: flushed == written, written })
    }

    /// Waits until what a look saw is on the disk. Where nobody commits, an open transaction's last records stay in
    /// memory: then we write a record ourselves.
    pub async fn flushed(&mut self, look: &Look) -> Result<()> {
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

    /// Whether a place means anything here: this is a later state of the database that it was told of, and the entries
    /// that it says were passed are there.
    ///
    /// # Errors
    /// CURSOR_EXPIRED where not.
    pub async fn verify(&mut self, place: &Place) -> Result<()> {
        self.look().await?.follows(place)?;
        let passed = place.within.as_ref().map(|within| within.passed);
        let witnesses: Vec<Witness> = place.newest().top.into_iter().chain(passed).collect();
        let ids: Vec<i64> = witnesses.iter().map(|witness| witness.id).collect();
        let found: Vec<(i64, i64)> =
            query_as(TIMESTAMPS).bind(ids).fetch_all(&mut self.connection).await.map_err(refused)?;
        let found: BTreeMap<i64, i64> = found.into_iter().collect();
        let is_there = |witness: &Witness| found.get(&witness.id) == Some(&witness.timestamp);
        if witnesses.iter().all(is_there) { Ok(()) } else { Err(expired()) }
    }
}

impl Look {
    /// Whether this is a later state of the same database.
    pub fn follows(&self, place: &Place) -> Result<()> {
        let is_later = self.snapshot.next() >= place.newest().snapshot.next();
        if self.era == place.era && is_later { Ok(()) } else { Err(expired()) }
    }
}
