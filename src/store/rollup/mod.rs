//! What the log adds up to, brought forward as entries come: counts per hour, day, month and in all; each user's latest
//! name; and the trash. All of it is derived from the log, holds up to a known place in it, and can be made anew.
//!
//! A [`fold()`] takes what lies behind that place, the tail, adds it to the counters, judges the objects in it anew, and
//! moves the place, in one transaction: none of it is ever seen without the rest, and a crash takes back all or nothing.
//! Who asks reads the place, the counters and the tail as of one moment: the answer is exact to the last committed
//! entry, whenever the last fold was. Where there is no place, or one of another era, the log itself is asked.
//!
//! On PostgreSQL the place is a snapshot, as in the feed, since rows appear at commit and not in the order of their ids.
//! The commit of the fold lies behind all commits that it has seen, so that a crash cannot lose one of those and keep
//! the fold; and behind all numbers of transactions that the snapshot names, so that none of them is given out again.
//! On SQLite, where one writes at a time, the place is an id.

mod asked;
mod cover;
mod fold;
mod keep;
mod postgres;
mod reading;
mod sqlite;
mod trash;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ConnectionTrait, QueryResult, Statement, TransactionOptions};

use super::dialect::Dialect;
use crate::audit::Result;

pub(super) use asked::{Asked, Measure, longest};
pub(super) use cover::{Range, Stretch};
pub use fold::{Folded, fold};
pub use keep::keep;
pub(super) use postgres::Postgres;
pub(super) use reading::Reading;
pub(super) use sqlite::Sqlite;
pub(super) use trash::{Slice, Trash};

/// The entries that are not counted yet.
pub(super) struct Tail {
    /// Whether an entry is one of them, under the log's alias.
    pub condition: Expr,
    /// About how many they are.
    pub length: i64,
}

/// What a fold is about to do.
pub(super) struct Step {
    /// Whether nothing that was counted before holds.
    pub anew: bool,
    /// The entries that are to be counted, under the log's alias.
    pub entries: Expr,
    /// Of all deletions that are found to be an object's last change, those that are judged now, under the log's alias.
    pub judged: Expr,
    /// Moves the place behind them.
    pub advance: Expr,
    /// Whether others are left for the next one.
    pub more: bool,
}

/// The SQL in which the two databases differ here.
pub(super) trait RollupDialect: Send + Sync {
    /// Asks for the place, and what else is needed to know the tail.
    fn look(&self) -> &'static str;

    /// The tail, from what was answered; none where nothing is counted that holds.
    fn tail(&self, answer: &QueryResult) -> Result<Option<Tail>>;

    /// Set before a statement that reads little else than the tail.
    fn for_tails(&self) -> Option<&'static str>;

    /// How the transaction of a fold begins.
    fn fold_options(&self) -> TransactionOptions;

    /// Keeps other processes from folding; refused as busy where one is at it.
    fn begin_fold(&self) -> Option<&'static str>;

    /// Set for a fold of everything.
    fn for_everything(&self) -> Option<&'static str>;

    /// What to fold, from the answer to [`look`](RollupDialect::look); at most so many entries, where it can be parted.
    fn step(&self, answer: &QueryResult, most: i64) -> Result<Step>;

    /// Adds entries to the counters.
    fn count(&self, entries: &Expr) -> Expr;

    /// Where no rows are taken from, and the planner expects many: without, it would expect none of the tail, and join it
    /// by comparing each of its rows with each other one.
    fn no_rows(&self) -> Option<&'static str>;

    /// Whether a believed change of the same object came after a row of the trash that stands under the log's alias:
    /// among the rows of the query `recent`, those of the tail; or in the log.
    fn superseded(&self) -> String;
}

/// The query `recent`, with these columns of the tail; the condition on it is one of its marks.
pub(super) fn recent(dialect: &dyn Dialect, columns: &[&str], condition: &str) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("log.{column}")).collect();
    let more = dialect.rollup().no_rows().map(|none| {
        let nulls = vec!["NULL"; columns.len()].join(", ");
        format!(" UNION ALL SELECT {nulls} FROM {none}")
    });
    let (log, more) = (dialect.table("log"), more.unwrap_or_default());
    format!("recent AS MATERIALIZED (SELECT {} FROM {log} AS log WHERE {condition}{more})", names.join(", "))
}

/// A statement of a whole piece of SQL.
pub(super) fn statement(connection: &impl ConnectionTrait, sql: Expr) -> Statement {
    // Expressions are written out within a statement only; what they begin with is then taken off again.
    let mut statement = connection.get_database_backend().build(Query::select().expr(sql));
    if let Some(own) = statement.sql.strip_prefix("SELECT ") {
        statement.sql = own.to_owned();
    }
    statement
}

/// Whether the entry under this alias counts for its object: it is trusted, or its table not tracked.
pub(super) fn believed(dialect: &dyn Dialect, entry: &str) -> String {
    let tracked = dialect.table("tracked_table");
    format!("({entry}.trusted OR NOT EXISTS (SELECT 1 FROM {tracked} AS t WHERE t.table_name = {entry}.table_name))")
}

/// Whether the entry under this alias changed its object.
pub(super) fn is_change(entry: &str) -> String {
    format!("{entry}.action IN ('CREATE', 'UPDATE', 'DELETE')")
}

/// Whether two entries or rows of the trash, by their aliases, are about the same object.
pub(super) fn same_object(dialect: &dyn Dialect, one: &str, other: &str) -> String {
    format!("{one}.table_name = {other}.table_name AND {}", dialect.same_record(one, other))
}
