//! Transactions and their entries.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, Row, query, query_as, query_scalar};

use super::place::Place;
use super::session::{Look, Session};
use crate::audit::{Entry, Error, Result};
use crate::feed::place::Witness;
use crate::feed::reader::{PAGE, refused};
use crate::store::entry_of_row;

/// A transaction's entries.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub tx: u64,
    /// The last of them, whose id is the transaction's place in a window.
    pub last: Witness,
    pub count: i64,
}

/// What is asked of a transaction's rows. The array of two is compared by its first number.
const RUN: &str = concat!("tx::text, max(ARRAY[id, ", micros!(), "]), count(*)");

/// For each range its first rows by the index, and of all of them no more than may be counted.
fn ended_runs(limit: i64) -> String {
    format!(
        "SELECT {RUN} FROM (\
           SELECT entry.* FROM unnest($1::text[]::xid8[], $2::text[]::xid8[]) AS ended (low, high) \
           CROSS JOIN LATERAL (SELECT tx, id, \"timestamp\" FROM afterimage.log \
             WHERE log.tx >= ended.low AND log.tx < ended.high AND era = $3 ORDER BY log.tx LIMIT {limit}) AS entry \
           LIMIT {limit}) AS entry \
         GROUP BY tx"
    )
}

/// All columns of the same rows, and whether all that was written before the look is on the disk by now.
fn found_statement(select: &str) -> String {
    let most = PAGE + 1;
    format!(
        "SELECT page.*, pg_current_wal_flush_lsn() >= $4::text::pg_lsn AS is_flushed FROM (\
           {select} WHERE log.id = ANY(ARRAY(\
             SELECT entry.id FROM unnest($1::text[]::xid8[], $2::text[]::xid8[]) AS ended (low, high) \
             CROSS JOIN LATERAL (SELECT id FROM afterimage.log AS entry \
               WHERE entry.tx >= ended.low AND entry.tx < ended.high AND era = $3 ORDER BY entry.tx LIMIT {most}) AS entry \
             LIMIT {most}))) AS page"
    )
}

/// For each range its greatest transaction, by one descent of the index.
const TOP: &str = concat!(
    "SELECT entry.tx::text, ARRAY[id, ",
    micros!(),
    "] FROM unnest($1::text[]::xid8[], $2::text[]::xid8[]) AS ended (low, high) \
     CROSS JOIN LATERAL (SELECT tx, id, \"timestamp\" FROM afterimage.log \
       WHERE log.tx >= ended.low AND log.tx < ended.high AND era = $3 ORDER BY log.tx DESC LIMIT 1) AS entry \
     ORDER BY entry.tx DESC LIMIT 1"
);

/// Ids are given in ascending order, so that the newest entries are of this life of the database as soon as it has any;
/// what transactions write that were open when it began stands among them at most.
const HAS_BEGUN: &str = "SELECT EXISTS (SELECT FROM \
     (SELECT era FROM afterimage.log ORDER BY id DESC LIMIT 1000) AS newest WHERE era = $1)";

type Row3 = (String, Vec<i64>, i64);

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|_| Error::internal(format!("no transaction: {text}")))
}

fn witness(pair: &[i64]) -> Result<Witness> {
    match pair {
        [id, timestamp] => Ok(Witness { id: *id, timestamp: *timestamp }),
        _ => Err(Error::internal("an entry without id and time")),
    }
}

fn runs_of(rows: Vec<Row3>) -> Result<Vec<Run>> {
    let run = |(tx, last, count): Row3| Ok(Run { tx: number(&tx)?, last: witness(&last)?, count });
    rows.into_iter().map(run).collect()
}

fn texts(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|number| number.to_string()).collect()
}

fn bounds(ranges: &[(u64, u64)]) -> (Vec<String>, Vec<String>) {
    (texts(ranges.iter().map(|(low, _)| *low)), texts(ranges.iter().map(|(_, high)| *high)))
}

/// What a look shows of the log.
pub(super) struct Found {
    /// Each with its transaction, in no order; one more than a page where there are more.
    pub entries: Vec<(u64, Entry)>,
    /// Whether all that the look shows is on the disk.
    pub is_flushed: bool,
}

impl Session {
    /// The entries of the transactions that have ended between a place behind a snapshot and a look.
    pub(super) async fn found(&mut self, select: &str, place: &Place, look: &Look) -> Result<Found> {
        let ranges = look.snapshot.ended_since(&place.seen.snapshot);
        let mut found = Found { entries: Vec::new(), is_flushed: look.is_flushed };
        if ranges.is_empty() {
            return Ok(found);
        }
        let (low, high) = bounds(&ranges);
        let select =
            query(AssertSqlSafe(found_statement(select))).bind(low).bind(high).bind(place.era).bind(&look.written);
        for row in select.fetch_all(&mut self.connection).await.map_err(refused)? {
            found.is_flushed |= row.try_get::<bool, _>("is_flushed").map_err(refused)?;
            let tx: &str = row.try_get("tx").map_err(refused)?;
            found.entries.push((number(tx)?, entry_of_row(&row)?));
        }
        Ok(found)
    }

    /// The transactions with entries among these ranges; none where there are more than `most` entries.
    pub(super) async fn ended(&mut self, era: i64, ranges: &[(u64, u64)], most: i64) -> Result<Option<Vec<Run>>> {
        if ranges.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (low, high) = bounds(ranges);
        let statement = ended_runs(most + 1);
        let select = query_as(AssertSqlSafe(statement)).bind(low).bind(high).bind(era);
        let runs = runs_of(select.fetch_all(&mut self.connection).await.map_err(refused)?)?;
        let count: i64 = runs.iter().map(|run| run.count).sum();
        Ok((count <= most).then_some(runs))
    }

    /// These transactions, as far as they have entries.
    pub(super) async fn whole(&mut self, era: i64, numbers: impl IntoIterator<Item = u64>) -> Result<Vec<Run>> {
        let numbers = texts(numbers);
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let statement =
            format!("SELECT {RUN} FROM afterimage.log WHERE era = $1 AND tx = ANY($2::text[]::xid8[]) GROUP BY tx");
        let select = query_as(AssertSqlSafe(statement)).bind(era).bind(numbers);
        runs_of(select.fetch_all(&mut self.connection).await.map_err(refused)?)
    }

    /// Whether this life of the database has entries: else a search for them walks over those of earlier ones, whose
    /// transactions may have had the same numbers.
    pub(super) async fn has_begun(&mut self, era: i64) -> Result<bool> {
        query_scalar(HAS_BEGUN).bind(era).fetch_one(&mut self.connection).await.map_err(refused)
    }

    /// The greatest transaction with entries among these ranges, and the last entry that was found of it.
    pub(super) async fn top(&mut self, era: i64, ranges: &[(u64, u64)]) -> Result<Option<(u64, Witness)>> {
        let (low, high) = bounds(ranges);
        let select = query_as(TOP).bind(low).bind(high).bind(era);
        let top: Option<(String, Vec<i64>)> = select.fetch_optional(&mut self.connection).await.map_err(refused)?;
        top.map(|(tx, entry)| Ok((number(&tx)?, witness(&entry)?))).transpose()
    }

    /// All entries of these transactions, in the order of a window, each with its transaction's last id.
    pub(super) async fn entries_of(&mut self, select: &str, era: i64, runs: &[Run]) -> Result<Vec<(i64, Entry)>> {
        let lasts: HashMap<String, i64> = runs.iter().map(|run| (run.tx.to_string(), run.last.id)).collect();
        let numbers: Vec<&String> = lasts.keys().collect();
        let statement = format!("{select} WHERE log.era = $1 AND log.tx = ANY($2::text[]::xid8[])");
        let rows = query(AssertSqlSafe(statement)).bind(era).bind(numbers);
        let mut entries = Vec::with_capacity(PAGE);
        for row in rows.fetch_all(&mut self.connection).await.map_err(refused)? {
            let tx: String = row.try_get("tx").map_err(refused)?;
            let last = lasts.get(&tx).copied().ok_or_else(|| Error::internal("an entry of another transaction"))?;
            entries.push((last, entry_of_row(&row)?));
        }
        entries.sort_unstable_by_key(|(last, entry)| (*last, entry.id));
        Ok(entries)
    }

    /// The ids of a transaction's entries after this one.
    pub(super) async fn ids_of(&mut self, era: i64, tx: u64, after: i64) -> Result<Vec<i64>> {
        let statement = "SELECT id FROM afterimage.log WHERE era = $1 AND tx = $2::text::xid8 AND id > $3 ORDER BY id";
        let ids: Vec<(i64,)> = query_as(statement)
            .bind(era)
            .bind(tx.to_string())
            .bind(after)
            .fetch_all(&mut self.connection)
            .await
            .map_err(refused)?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    /// The entries with these ids.
    pub(super) async fn entries_with(&mut self, select: &str, ids: &[i64]) -> Result<Vec<Entry>> {
        let statement = format!("{select} WHERE log.id = ANY($1) ORDER BY log.id");
        let rows = query(AssertSqlSafe(statement)).bind(ids).fetch_all(&mut self.connection).await.map_err(refused)?;
        rows.iter().map(entry_of_row).collect()
    }

    /// Some entries of a very long transaction: by the primary key, and not by its own index, which has no order.
    pub(super) async fn entries_between(
        &mut self,
        select: &str,
        era: i64,
        run: &Run,
        after: i64,
    ) -> Result<Vec<Entry>> {
        // As text the number is none that the index could be asked for.
        let statement = format!(
            "{select} WHERE log.id > $1 AND log.id <= $2 AND log.era = $3 AND log.tx::text = $4 ORDER BY log.id LIMIT {PAGE}"
        );
        let rows = query(AssertSqlSafe(statement)).bind(after).bind(run.last.id).bind(era).bind(run.tx.to_string());
        rows.fetch_all(&mut self.connection).await.map_err(refused)?.iter().map(entry_of_row).collect()
    }
}
