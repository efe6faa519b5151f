//! What the two databases do differently when the log is read and written.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ipnet::IpNet;
use sea_orm::sea_query::Expr;
use sea_orm::{Statement, TransactionOptions};

use super::log::Beyond;
use super::rollup::RollupDialect;
use afterimage_entity::log::Column;

/// The length of a bucket of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeBucket {
    Hour,
    Day,
    Week,
    Month,
}

/// The SQL of one database. Expressions name the columns of the log under its alias `log`.
#[expect(private_interfaces, reason = "it is implemented in this room alone")]
pub trait Dialect: Send + Sync {
    /// One of our tables, ready for use in SQL: the schema or the prefix, and the name.
    fn table(&self, name: &str) -> String;

    /// A piece of SQL, in which each `?` stands for one of these expressions, in their order.
    fn sql(&self, text: &str, parts: Vec<Expr>) -> Expr;

    /// An instant as the log stores it. Where the log's clock is coarser, it is rounded up, so that `>=` and `<` mean
    /// the same as on the exact instant.
    fn instant(&self, instant: DateTime<Utc>) -> Expr;

    /// The instant of an entry that was read, to compare others with that lie on this side of it.
    fn place(&self, instant: DateTime<Utc>, side: Beyond) -> Expr;

    /// Whether the entry was recorded at this instant or before, for who looks through the entries of one object.
    fn recorded_by(&self, instant: DateTime<Utc>) -> Expr;

    /// A value for a JSON column.
    fn json(&self, text: Option<String>) -> Expr;

    /// Whether the image, or the object of redacted columns, has a member of one of these names.
    fn has_field(&self, image: Column, names: &[&str]) -> Expr;

    /// Whether the column's text contains this text, ASCII letters in either case.
    fn contains(&self, column: Column, text: &str) -> Expr;

    /// Whether a value of the image contains this text, ASCII letters in either case.
    fn image_contains(&self, image: Column, text: &str) -> Expr;

    /// Lists the addresses that the log holds, where the database cannot compare addresses itself.
    fn known_addresses(&self) -> Option<Statement>;

    /// Whether the address lies in the network; `known` are the addresses of the log that do, where they were listed.
    fn within(&self, network: &IpNet, known: &[String]) -> Expr;

    /// Lists the tables with so many entries that walking through the entries of all tables finds some of theirs sooner
    /// than their index does, where the database does not find that out itself.
    fn large_tables(&self) -> Option<Statement>;

    /// Whether the table is one of these; `large` are the large ones, where they were listed.
    fn is_in_table(&self, names: &[String], large: &[String]) -> Expr;

    /// Whether the record id is one of these, said so that the index of objects finds it.
    fn has_record(&self, ids: &[String]) -> Expr;

    /// Whether two entries, by their aliases, have the same record id, said so that the index of objects finds it.
    fn same_record(&self, one: &str, other: &str) -> String;

    /// Whether the entry belongs to the transaction of this id.
    fn in_transaction(&self, id: &str) -> Expr;

    /// The column as a list is ordered by it: by its bytes, whatever the database's collation is.
    fn by_bytes(&self, column: Column) -> Expr;

    /// The start of the bucket that the entry falls in, as text of the form `2026-03-01T09:00:00Z`.
    fn bucket(&self, bucket: TimeBucket) -> Expr;

    /// The query `counted`, with what it is made of: how many rows of a query have each value of each of these columns. A
    /// row has the name of the column as `key`, the value under that name, and the `count`. None where the rows would have
    /// to be kept for that.
    fn count_by_each(&self, columns: &[&str], rows: &str) -> Option<String>;

    /// How a transaction begins that reads all of what it reads as of one moment.
    fn read_options(&self) -> TransactionOptions;

    /// How a transaction that writes begins.
    fn write_options(&self) -> TransactionOptions;

    /// Statements that open a writing transaction, so that what it records can be told from others.
    fn open_write(&self) -> &'static [&'static str];

    /// Statements that close it.
    fn close_write(&self) -> &'static [&'static str];

    /// Whether the database numbers transactions itself, so that a statement by itself is a whole one to the log.
    fn numbers_transactions(&self) -> bool;

    /// The INSERT of entries without keys that the server records, out of one parameter: a JSON array of objects, in
    /// order, with the columns' values as text. RETURNING may follow.
    fn insert_entries(&self) -> &'static str;

    /// The INSERT of one entry without a key, with a parameter for each column, where that is cheaper than the INSERT of
    /// several. RETURNING may follow.
    fn insert_entry(&self) -> Option<&'static str>;

    /// The INSERT of entries of which some have keys: of those that another transaction has recorded meanwhile, nothing is
    /// inserted.
    fn insert_keyed_entries(&self) -> &'static str;

    /// Whether the entry is one that this caller recorded under one of these keys.
    fn has_key(&self, recorded_by: &str, keys: &[&str]) -> Expr;

    /// What holds the `undo_of` and the `id` of each entry that undoes another, said so that an index finds the first.
    fn reversals(&self) -> &'static str;

    /// Whether it is one of these entries that is undone.
    fn undoes(&self, ids: &[i64]) -> Expr;

    /// Begins a new era where the database has begun a new life.
    fn settle_era(&self) -> Option<&'static str>;

    /// Counts, for whoever plans a statement, what is how frequent in a log of which that is not known; nothing where plans
    /// do not ask.
    fn gather_statistics(&self) -> Option<&'static str>;

    /// Asks for sentences about what works and should not be so.
    fn warnings(&self) -> Option<&'static str>;

    /// Looks for a context that a writer left behind, where one can be.
    fn left_behind(&self) -> Option<&'static str>;

    /// Makes the server's context that of this transaction; its columns are bound in the order of
    /// [`super::ServerContext`].
    fn enter_context(&self) -> &'static str;

    /// Statements that take the server's context back, before the transaction is closed.
    fn leave_context(&self) -> &'static [&'static str];

    /// Forgets which entries the changes of this transaction reverse.
    fn reverses_no_more(&self) -> &'static str;

    /// How that is kept which the log adds up to.
    fn rollup(&self) -> &'static dyn RollupDialect;
}

/// The first instant of a clock with so many digits that does not lie before this one.
pub(super) fn rounded_up(instant: DateTime<Utc>, digits: u16) -> DateTime<Utc> {
    let whole = instant.trunc_subsecs(digits);
    let tick = TimeDelta::nanoseconds(10_i64.pow(9 - u32::from(digits)));
    if whole < instant { whole + tick } else { whole }
}

/// The first instant that any of our clocks tells from this one, and that lies after it.
pub(super) fn just_after(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant + TimeDelta::nanoseconds(1)
}

/// The LIKE pattern that finds the text anywhere, to be used with `ESCAPE '\'`.
pub(super) fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_between_two_ticks_is_the_later_one() {
        let nanos = |nanos| DateTime::from_timestamp_nanos(nanos);
        assert_eq!(rounded_up(nanos(1_000_000), 3), nanos(1_000_000));
        assert_eq!(rounded_up(nanos(1_000_001), 3), nanos(2_000_000));
        assert_eq!(rounded_up(nanos(1_000_001), 6), nanos(1_001_000));
    }

    #[test]
    fn wildcards_are_text() {
        assert_eq!(like_pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
