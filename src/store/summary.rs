//! Counts over the entries that a filter means: by the counters where they can tell, else by the log. All that one
//! request asks is answered as of one moment.

mod query;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::Statement;

use super::connect::Database;
use super::dialect::TimeBucket;
use super::rollup::{Asked, Reading};
use crate::audit::{Action, Error, Filter, Result};
use query::Query;

/// Something that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// How many in all.
    Total,
    /// How many of each table, no more tables than this.
    ByTable(u64),
    /// How many of each user, no more users than this.
    ByUser(u64),
    /// How many of each action.
    ByAction,
    /// How many in each bucket of time.
    Timeline(TimeBucket),
}

/// How many entries a user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCount {
    /// The user; none for the entries without one.
    pub user_id: Option<String>,
    /// The latest name that the user had, in the whole log.
    pub username: Option<String>,
    /// How many.
    pub count: i64,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counts(HashMap<Part, Vec<Row>>);

/// What is counted, what belongs to it, and how many.
type Row = (Option<String>, Option<String>, i64);

impl Counts {
    fn rows(&self, part: Part) -> &[Row] {
        self.0.get(&part).map_or(&[], Vec::as_slice)
    }

    /// Whether this was asked for.
    pub fn has(&self, part: Part) -> bool {
        self.0.contains_key(&part)
    }

    /// How many in all.
    pub fn total(&self) -> i64 {
        self.rows(Part::Total).first().map_or(0, |(.., count)| *count)
    }

    /// How many of each table, the largest first, then by name.
    pub fn by_table(&self, first: u64) -> Vec<(String, i64)> {
        let rows = self.rows(Part::ByTable(first)).iter();
        rows.filter_map(|(table, _, count)| Some((table.clone()?, *count))).collect()
    }

    /// How many of each user, the largest first, then by id, nobody last.
    pub fn by_user(&self, first: u64) -> Vec<UserCount> {
        let rows = self.rows(Part::ByUser(first)).iter().cloned();
        rows.map(|(user_id, username, count)| UserCount { user_id, username, count }).collect()
    }

    /// How many of each action, also of those with no entry.
    pub fn by_action(&self) -> Vec<(Action, i64)> {
        let rows = self.rows(Part::ByAction);
        let of = |action: Action| rows.iter().find(|(name, ..)| name.as_deref() == Some(action.as_str()));
        Action::ALL.into_iter().map(|action| (action, of(action).map_or(0, |(.., count)| *count))).collect()
    }

    /// How many in each bucket of time, the earliest first, without empty ones.
    ///
    /// # Errors
    /// Where the log holds a time that is none.
    pub fn timeline(&self, bucket: TimeBucket) -> Result<Vec<(DateTime<Utc>, i64)>> {
        let instant = |(start, _, count): &Row| {
            let start = DateTime::parse_from_rfc3339(start.as_deref().unwrap_or_default()).map_err(Error::internal)?;
            Ok((start.to_utc(), *count))
        };
        self.rows(Part::Timeline(bucket)).iter().map(instant).collect()
    }
}

/// Counts all of these.
///
/// # Errors
/// Where the database fails.
pub async fn summary(database: &Database, filter: &Filter, parts: &[Part]) -> Result<Counts> {
    let reading = Reading::begin(database).await?;
    let dialect = database.dialect;
    let plain = Query::by_log(dialect, &reading, filter).await?;
    let asked = reading.tail.as_ref().and_then(|tail| Some((tail, Asked::of(filter)?)));
    let counters = match &asked {
        Some((tail, asked)) => Query::by_counters(dialect, &reading, tail, asked).await?,
        None => None,
    };
    let (counted, others): (Vec<Part>, Vec<Part>) =
        parts.iter().partition(|part| counters.as_ref().is_some_and(|counters| counters.can(**part)));
    let mut counts = Counts::default();
    // First the log: what the other statement needs to be told would be wrong for it.
    plain.run(&reading, &others, &mut counts).await?;
    if let Some(counters) = counters.filter(|_| !counted.is_empty()) {
        reading.expect_little(database).await?;
        counters.run(&reading, &counted, &mut counts).await?;
    }
    reading.end().await?;
    Ok(counts)
}

/// The statement that counts these by the log itself: for who asks the database how it would go about it.
///
/// # Errors
/// Where the database fails.
pub async fn summary_statement(database: &Database, filter: &Filter, parts: &[Part]) -> Result<Statement> {
    let reading = Reading::quietly(database).await?;
    let query = Query::by_log(database.dialect, &reading, filter).await?;
    let statement = query.statement(&reading.transaction, parts);
    reading.end().await?;
    Ok(statement)
}
