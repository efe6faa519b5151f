//! From a row of the log to an entry.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;

use crate::audit::{Action, Entry, Error, Json, Result, Source};

/// The columns that an entry is made of, in the order in which [`entry_of_row`] reads them. The number of the transaction
/// comes as text.
pub(super) const COLUMNS: &str = "log.id, log.era, CAST(log.tx AS text) AS tx, log.timestamp, log.action, log.table_name, \
    log.record_id, log.previous_record_id, log.user_id, log.username, log.old_values, log.new_values, log.redacted, \
    log.description, log.ip_address, log.correlation_id, log.metadata, log.source, log.database_role, log.recorded_by, \
    log.trusted, log.undo_of";

/// How many they are.
pub(super) const COLUMN_COUNT: usize = 22;

/// What the database gives an entry that is inserted, as an INSERT returns it, which has no alias.
pub(super) const GIVEN_COLUMNS: &str = "id, era, CAST(tx AS text) AS tx, timestamp, idempotency_key";

/// A row as its driver gives it. Columns are read by their place: by name each would be looked for, and a page of entries
/// has a thousand of them.
pub trait LogRow {
    /// A whole number.
    fn number(&self, column: usize) -> Result<Option<i64>>;
    /// A text, where it stands.
    fn borrowed(&self, column: usize) -> Result<Option<Cow<'_, str>>>;
    /// A text.
    fn text(&self, column: usize) -> Result<Option<String>> {
        Ok(self.borrowed(column)?.map(Cow::into_owned))
    }
    /// A document.
    fn json(&self, column: usize) -> Result<Option<Json>>;
    /// An instant.
    fn instant(&self, column: usize) -> Result<DateTime<Utc>>;
    /// Yes or no.
    fn truth(&self, column: usize) -> Result<bool>;
}

/// The columns of a row, one after the other.
struct Columns<'a, R>(&'a R, usize);

impl<'a, R: LogRow> Columns<'a, R> {
    fn next<T>(&mut self, read: impl FnOnce(&'a R, usize) -> Result<T>) -> Result<T> {
        let column = self.1;
        self.1 += 1;
        read(self.0, column)
    }

    fn required<T>(&mut self, read: impl FnOnce(&'a R, usize) -> Result<Option<T>>) -> Result<T> {
        let column = self.1;
        self.next(read)?.ok_or_else(|| Error::internal(format!("column {column} of the log is null")))
    }
}

/// What a row of [`select_entries`](super::select_entries) means.
///
/// # Errors
/// INTERNAL_SERVER_ERROR where it is a row of something else, or breaks the table's own checks.
pub fn entry_of_row<R: LogRow>(row: &R) -> Result<Entry> {
    let mut columns = Columns(row, 0);
    let id = columns.required(R::number)?;
    let unknown = |what: &str| Error::internal(format!("entry {id} has the unknown {what}"));
    let era = columns.required(R::number)?;
    let tx = columns.next(R::borrowed)?;
    let mut entry = Entry {
        id,
        transaction_id: tx.map(|tx| transaction_id(era, tx)),
        timestamp: columns.next(R::instant)?,
        action: Action::parse(&columns.required(R::borrowed)?).ok_or_else(|| unknown("action"))?,
        table_name: columns.required(R::text)?,
        record_id: columns.next(R::text)?,
        previous_record_id: columns.next(R::text)?,
        user_id: columns.next(R::text)?,
        username: columns.next(R::text)?,
        old_values: columns.next(R::json)?,
        new_values: columns.next(R::json)?,
        redacted: columns.next(R::json)?.as_ref().map(redacted_of).unwrap_or_default(),
        description: columns.next(R::text)?,
        ip_address: columns.next(R::text)?,
        correlation_id: columns.next(R::text)?,
        metadata: columns.next(R::json)?,
        source: Source::parse(&columns.required(R::borrowed)?).ok_or_else(|| unknown("source"))?,
        database_role: columns.next(R::text)?,
        recorded_by: columns.next(R::text)?,
        trusted: columns.next(R::truth)?,
        undo_of: columns.next(R::number)?,
    };
    (entry.ip_address, entry.metadata) = address(entry.ip_address, entry.metadata);
    Ok(entry)
}

/// The same, whichever of the two drivers the row is from.
pub(super) fn entry_of_result(row: &QueryResult) -> Result<Entry> {
    match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
        (Some(row), _) => entry_of_row(row),
        (_, Some(row)) => entry_of_row(row),
        (None, None) => Err(Error::internal("a row of neither database")),
    }
}

/// What the database has given an entry.
pub(super) struct Given {
    pub(super) id: i64,
    pub(super) transaction_id: Option<String>,
    pub(super) timestamp: DateTime<Utc>,
    /// The key that the entry came with.
    pub(super) idempotency_key: Option<String>,
}

impl Given {
    /// What a row of [`GIVEN_COLUMNS`] means, whichever of the two drivers it is from.
    ///
    /// # Errors
    /// INTERNAL_SERVER_ERROR where it is a row of something else.
    pub(super) fn of_result(row: &QueryResult) -> Result<Given> {
        match (row.try_as_pg_row(), row.try_as_sqlite_row()) {
            (Some(row), _) => Given::of_row(row),
            (_, Some(row)) => Given::of_row(row),
            (None, None) => Err(Error::internal("a row of neither database")),
        }
    }

    fn of_row<R: LogRow>(row: &R) -> Result<Given> {
        let mut columns = Columns(row, 0);
        let (id, era) = (columns.required(R::number)?, columns.required(R::number)?);
        Ok(Given {
            id,
            transaction_id: columns.next(R::borrowed)?.map(|tx| transaction_id(era, tx)),
            timestamp: columns.next(R::instant)?,
            idempotency_key: columns.next(R::text)?,
        })
    }
}

/// What a driver says of a column that it cannot read.
pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal(error.into())
}

/// A number that the database gave is unique within its era only; one that we gave is unique by itself.
fn transaction_id(era: i64, tx: Cow<'_, str>) -> String {
    let is_number = tx.starts_with(|first: char| first.is_ascii_digit());
    if is_number { [era.to_string().as_str(), ".", &tx].concat() } else { tx.into_owned() }
}

/// The address in its canonical spelling. SQLite's triggers cannot tell an address from another text: what is none goes
/// to the metadata here, as PostgreSQL's triggers put it there themselves.
fn address(text: Option<String>, metadata: Option<Json>) -> (Option<String>, Option<Json>) {
    let Some(text) = text else { return (None, metadata) };
    // One of version 4 has no other spelling.
    if text.parse::<Ipv4Addr>().is_ok() {
        return (Some(text), metadata);
    }
    match text.parse::<IpAddr>() {
        Ok(address) => (Some(address.to_string()), metadata),
        Err(_) => {
            let malformed = Json::of_text(&text);
            let metadata = metadata.as_ref().map_or("null", Json::as_str);
            let both = [("malformedIpAddress", malformed.as_str()), ("metadata", metadata)];
            (None, Some(Json::of_fields(both)))
        }
    }
}

fn redacted_of(json: &Json) -> Vec<(String, usize)> {
    let fields = json.fields().unwrap_or_default();
    fields.into_iter().map(|(name, place)| (name.into_owned(), place.parse().unwrap_or(usize::MAX))).collect()
}
