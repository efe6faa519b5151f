//! From a row of the log to an entry.

use std::net::IpAddr;

use afterimage_entity::log::Model;
use sea_orm::{FromQueryResult, QueryResult};

use super::error::failed;
use crate::audit::{Action, Entry, Error, Json, Result, Source};

/// What a row means.
///
/// # Errors
/// INTERNAL_SERVER_ERROR where the row breaks the table's own checks.
pub fn entry_of(row: Model) -> Result<Entry> {
    let unknown = |what: &str| Error::internal(format!("entry {} has the unknown {what}", row.id));
    let action = Action::parse(&row.action).ok_or_else(|| unknown("action"))?;
    let source = Source::parse(&row.source).ok_or_else(|| unknown("source"))?;
    let (ip_address, metadata) =
        address(row.ip_address.map(String::from), row.metadata.map(|text| Json::of_database(text.0)));
    Ok(Entry {
        id: row.id,
        timestamp: row.timestamp,
        action,
        table_name: row.table_name,
        record_id: row.record_id.map(String::from),
        previous_record_id: row.previous_record_id.map(String::from),
        user_id: row.user_id.map(String::from),
        username: row.username.map(String::from),
        old_values: row.old_values.map(|text| Json::of_database(text.0)),
        new_values: row.new_values.map(|text| Json::of_database(text.0)),
        redacted: row.redacted.map(redacted_of).unwrap_or_default(),
        description: row.description.map(String::from),
        ip_address,
        correlation_id: row.correlation_id.map(String::from),
        transaction_id: row.tx.map(|tx| transaction_id(row.era, tx)),
        metadata,
        source,
        database_role: row.database_role,
        recorded_by: row.recorded_by,
        trusted: row.trusted,
        undo_of: row.undo_of,
    })
}

/// What a row of [`select_entries`](super::select_entries) means.
///
/// # Errors
/// INTERNAL_SERVER_ERROR where it is a row of something else, or breaks the table's own checks.
pub fn entry_of_row(row: impl Into<QueryResult>) -> Result<Entry> {
    Model::from_query_result(&row.into(), "").map_err(failed).and_then(entry_of)
}

/// A number that the database gave is unique within its era only; one that we gave is unique by itself.
fn transaction_id(era: i64, tx: String) -> String {
    if tx.starts_with(|first: char| first.is_ascii_digit()) { format!("{era}.{tx}") } else { tx }
}

/// The address in its canonical spelling. SQLite's triggers cannot tell an address from another text: what is none goes
/// to the metadata here, as PostgreSQL's triggers put it there themselves.
fn address(text: Option<String>, metadata: Option<Json>) -> (Option<String>, Option<Json>) {
    let Some(text) = text else { return (None, metadata) };
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

fn redacted_of(text: String) -> Vec<(String, usize)> {
    let json = Json::of_database(text);
    let fields = json.fields().unwrap_or_default();
    fields.into_iter().map(|(name, place)| (name.into_owned(), place.parse().unwrap_or(usize::MAX))).collect()
}
