//! An entry as JSON: the fields that GraphQL's `AuditLog` has, all of them, always.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::caller::Reader;
use super::openapi::{CommonProblems, PROBLEM};
use super::params::NoQuery;
use super::path::InPath;
use crate::audit::{self, Entry, Error, Result};
use crate::graphql::entry_id;
use crate::http::Problem;
use crate::store::{self, Database};

/// JSON that goes into the answer as the text that it is, with every digit.
pub(super) struct Raw<'e>(&'e audit::Json);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.0.as_str()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// What was done to the object: CREATE, it came to be; UPDATE, fields of it changed; DELETE, it was deleted; READ, someone
/// looked at it, as entries made by hand say; of the log's own entries, a row that was there when its table was first
/// tracked, or an undo that was refused.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Action {
    Create,
    Update,
    Delete,
    Read,
}

impl From<audit::Action> for Action {
    fn from(action: audit::Action) -> Self {
        match action {
            audit::Action::Create => Action::Create,
            audit::Action::Update => Action::Update,
            audit::Action::Delete => Action::Delete,
            audit::Action::Read => Action::Read,
        }
    }
}

/// Where an entry came from: TRIGGER, a database trigger, whatever program made the change; API, the server, for an entry
/// made by hand or one about its own administration; UNDO, an undo.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Source {
    Trigger,
    Api,
    Undo,
}

impl From<audit::Source> for Source {
    fn from(source: audit::Source) -> Self {
        match source {
            audit::Source::Trigger => Source::Trigger,
            audit::Source::Api => Source::Api,
            audit::Source::Undo => Source::Undo,
        }
    }
}

/// One record of the log: an action on one object, by someone, at one instant. Every field is always there; null where
/// there is nothing to say.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Entry, example = json!({
    "id": "2667", "timestamp": "2026-03-01T09:30:00.123456Z", "action": "UPDATE", "tableName": "products",
    "recordId": "7", "previousRecordId": null, "userId": "42", "username": "ann", "oldValues": {"price": 19.9},
    "newValues": {"price": 9.9}, "changes": [{"field": "price", "old": 19.9, "new": 9.9, "oldText": "19.9",
    "newText": "9.9", "redacted": false}], "description": "price corrected", "ipAddress": "10.0.0.7",
    "correlationId": "req-8a1f", "transactionId": "1.745", "metadata": {"screen": "invoices"}, "source": "TRIGGER",
    "databaseRole": "app", "recordedBy": null, "undoOf": null, "undoneBy": null
}))]
pub(super) struct EntryJson<'e> {
    /// Identifies the entry. A later entry about the same object has the greater number.
    #[schema(pattern = "^[1-9][0-9]*$", example = "2667")]
    id: String,
    /// When it was recorded, by the database's clock; in UTC, always with six digits.
    #[schema(format = DateTime, example = "2026-03-01T09:30:00.123456Z")]
    timestamp: String,
    /// What was done.
    action: Action,
    /// The table's name; qualified with its schema where that is not the default one.
    #[schema(example = "products")]
    table_name: &'e str,
    /// The primary key as text; a composite key as a compact JSON array of its parts, as strings, in key order.
    #[schema(required, example = "7")]
    record_id: Option<&'e str>,
    /// Where the key itself changed: the key before (on the CREATE) or after (on the DELETE). Both entries are one
    /// event. Where a REPLACE of SQLite's put a row in the place of the one under the same key, that key, on both.
    #[schema(required)]
    previous_record_id: Option<&'e str>,
    /// Who did it, as the application or the caller said.
    #[schema(required, example = "42")]
    user_id: Option<&'e str>,
    /// The name of who did it, as the application or the caller said.
    #[schema(required, example = "ann")]
    username: Option<&'e str>,
    /// The values before: the whole row of a DELETE, the changed fields of an UPDATE. In column order, with every digit;
    /// what JSON has no form for is marked: `{"$blob": "00ff"}`, `{"$real": "Inf"}`, `{"$text": "6100"}`,
    /// `{"$json": "null"}`.
    #[schema(required, value_type = Option<Object>)]
    old_values: Option<Raw<'e>>,
    /// The values after: the whole row of a CREATE, the changed fields of an UPDATE. As `oldValues`.
    #[schema(required, value_type = Option<Object>)]
    new_values: Option<Raw<'e>>,
    /// Field by field, what changed, in the table's column order.
    changes: Vec<FieldChange>,
    /// What the application, the caller or the server said about it; of an undo, the reason given.
    #[schema(required)]
    description: Option<&'e str>,
    /// The network address of who did it, as the application or the caller said.
    #[schema(required, example = "10.0.0.7")]
    ip_address: Option<&'e str>,
    /// What ties entries of one request together across transactions, as the application gave it.
    #[schema(required, example = "req-8a1f")]
    correlation_id: Option<&'e str>,
    /// What the entries of one database transaction share.
    #[schema(required, example = "1.745")]
    transaction_id: Option<&'e str>,
    /// Whatever else the application sent along: any JSON.
    #[schema(required, value_type = Option<Value>)]
    metadata: Option<Raw<'e>>,
    /// Where the entry came from.
    source: Source,
    /// The database role that made the change, whatever the application said; null for an entry made by hand.
    #[schema(required, example = "app")]
    database_role: Option<&'e str>,
    /// The subject of the token that recorded the entry; null for a trigger's.
    #[schema(required)]
    recorded_by: Option<&'e str>,
    /// The id of the entry whose change this one reverses.
    #[schema(required)]
    undo_of: Option<String>,
    /// The id of the latest entry that undoes this one.
    #[schema(required)]
    undone_by: Option<String>,
}

/// One field's value before and after.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldChange {
    /// The column.
    #[schema(example = "price")]
    field: String,
    /// The value before; null where there was none, and where it was null.
    #[schema(required, value_type = Option<Value>)]
    old: Option<Box<RawValue>>,
    /// The value after; null where there is none, and where it is null.
    #[schema(required, value_type = Option<Value>)]
    new: Option<Box<RawValue>>,
    /// The value before as the database prints it, to the last digit; null where the value is null or redacted.
    #[schema(required, example = "19.90")]
    old_text: Option<String>,
    /// The value after as the database prints it, to the last digit; null where the value is null or redacted.
    #[schema(required, example = "9.90")]
    new_text: Option<String>,
    /// Whether the values were left out on purpose; then both are null.
    redacted: bool,
}

impl FieldChange {
    fn of(change: audit::FieldChange) -> Result<FieldChange> {
        let raw = |json: Option<audit::Json>| {
            json.map(|json| RawValue::from_string(json.into_string()).map_err(Error::internal)).transpose()
        };
        Ok(FieldChange {
            field: change.field,
            old: raw(change.old)?,
            new: raw(change.new)?,
            old_text: change.old_text,
            new_text: change.new_text,
            redacted: change.redacted,
        })
    }
}

impl<'e> EntryJson<'e> {
    fn of(entry: &'e Entry, undone_by: Option<i64>) -> Result<EntryJson<'e>> {
        Ok(EntryJson {
            id: entry.id.to_string(),
            timestamp: audit::format_timestamp(entry.timestamp),
            action: entry.action.into(),
            table_name: &entry.table_name,
            record_id: entry.record_id.as_deref(),
            previous_record_id: entry.previous_record_id.as_deref(),
            user_id: entry.user_id.as_deref(),
            username: entry.username.as_deref(),
            old_values: entry.old_values.as_ref().map(Raw),
            new_values: entry.new_values.as_ref().map(Raw),
            changes: entry.changes().into_iter().map(FieldChange::of).collect::<Result<_>>()?,
            description: entry.description.as_deref(),
            ip_address: entry.ip_address.as_deref(),
            correlation_id: entry.correlation_id.as_deref(),
            transaction_id: entry.transaction_id.as_deref(),
            metadata: entry.metadata.as_ref().map(Raw),
            source: entry.source.into(),
            database_role: entry.database_role.as_deref(),
            recorded_by: entry.recorded_by.as_deref(),
            undo_of: entry.undo_of.map(|id| id.to_string()),
            undone_by: undone_by.map(|id| id.to_string()),
        })
    }
}

/// Entries as they are shown. What undid them is asked for together.
pub(super) async fn views<'e>(database: &Database, entries: &'e [Entry]) -> Result<Vec<EntryJson<'e>>> {
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let undos = if ids.is_empty() { Vec::new() } else { store::latest_undo_of(database, &ids).await? };
    let undone_by: HashMap<i64, i64> = undos.iter().filter_map(|undo| Some((undo.undo_of?, undo.id))).collect();
    entries.iter().map(|entry| EntryJson::of(entry, undone_by.get(&entry.id).copied())).collect()
}

/// An entry as it is shown.
pub(super) async fn view<'e>(database: &Database, entry: &'e Entry) -> Result<EntryJson<'e>> {
    let view = views(database, std::slice::from_ref(entry)).await?.pop();
    view.ok_or_else(|| Error::internal("an entry has no view"))
}

/// The number in a path that names an entry.
pub(super) fn id_in_path(text: &str) -> Result<i64> {
    entry_id(text).map_err(|error| Error::not_found(error.message()))
}

/// One entry
#[utoipa::path(
    get,
    path = "/api/auditLog/{entryId}",
    operation_id = "getEntry",
    tag = "Entries",
    params(("entryId" = String, Path, description = "The entry's id.", pattern = "^[1-9][0-9]*$", example = "2667")),
    responses(
        (status = 200, description = "The entry.", body = EntryJson, content_type = "application/json"),
        (status = 404, description = "There is no entry of this id.", body = Problem, content_type = PROBLEM),
        CommonProblems
    )
)]
pub(super) async fn one(
    _: Reader,
    State(state): State<super::State>,
    InPath(id): InPath<String>,
    _: NoQuery,
) -> Result<axum::response::Response, Problem> {
    use axum::response::IntoResponse as _;
    let database = &state.services.database;
    let id = id_in_path(&id)?;
    let entry = store::by_id(database, id).await?;
    let entry = entry.ok_or_else(|| Error::not_found(format!("there is no entry {id}")))?;
    Ok(Json(view(database, &entry).await?).into_response())
}
