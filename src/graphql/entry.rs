//! An entry as clients see it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::enums::{AuditAction, AuditSource};
use super::error::Result;
use super::loader::{EntryById, EntryLoader, LatestUndoOf};
use super::scalars::{DateTime, Json};
use crate::audit::{self, Entry};

/// An entry, shared between the places of an answer that show it.
#[derive(Clone)]
pub struct AuditLog(pub Arc<Entry>);

impl From<Entry> for AuditLog {
    fn from(entry: Entry) -> Self {
        AuditLog(Arc::new(entry))
    }
}

fn id(text: &Option<String>) -> Option<ID> {
    text.as_ref().map(ID::from)
}

fn json(json: &Option<audit::Json>) -> Option<Json> {
    json.clone().map(Json)
}

/// One record of the log: an action on one object, by someone, at one instant.
#[Object]
impl AuditLog {
    /// Identifies the entry. A later entry about the same object has the greater number.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// When it was recorded, by the database's clock.
    async fn timestamp(&self) -> DateTime {
        DateTime(self.0.timestamp)
    }

    /// What was done.
    async fn action(&self) -> AuditAction {
        self.0.action.into()
    }

    /// The table's name; qualified with its schema where that is not the default one.
    async fn table_name(&self) -> &str {
        &self.0.table_name
    }

    /// The primary key as text; a composite key as a compact JSON array of its parts, as strings, in key order.
    async fn record_id(&self) -> Option<ID> {
        id(&self.0.record_id)
    }

    /// Where the key itself changed: the key before (on the CREATE) or after (on the DELETE). Both entries are one
    /// event. Where a REPLACE of SQLite's put a row in the place of the one under the same key, that key, on both.
    async fn previous_record_id(&self) -> Option<ID> {
        id(&self.0.previous_record_id)
    }

    /// Who did it, as the application or the caller said.
    async fn user_id(&self) -> Option<ID> {
        id(&self.0.user_id)
    }

    /// The name of who did it, as the application or the caller said.
    async fn username(&self) -> Option<&str> {
        self.0.username.as_deref()
    }

    /// The values before: the whole row of a DELETE, the changed fields of an UPDATE.
    async fn old_values(&self) -> Option<Json> {
        json(&self.0.old_values)
    }

    /// The values after: the whole row of a CREATE, the changed fields of an UPDATE.
    async fn new_values(&self) -> Option<Json> {
        json(&self.0.new_values)
    }

    /// Field by field, what changed, in the table's column order.
    async fn changes(&self) -> Vec<FieldChange> {
        self.0.changes().into_iter().map(FieldChange::from).collect()
    }

    /// What the application, the caller or the server said about it; of an undo, the reason given.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The network address of who did it, as the application or the caller said.
    async fn ip_address(&self) -> Option<&str> {
        self.0.ip_address.as_deref()
    }

    /// What ties entries of one request together across transactions, as the application gave it.
    async fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// What the entries of one database transaction share.
    async fn transaction_id(&self) -> Option<ID> {
        id(&self.0.transaction_id)
    }

    /// Whatever else the application sent along.
    async fn metadata(&self) -> Option<Json> {
        json(&self.0.metadata)
    }

    /// Where the entry came from.
    async fn source(&self) -> AuditSource {
        self.0.source.into()
    }

    /// The database role that made the change, whatever the application said; null for an entry made by hand.
    async fn database_role(&self) -> Option<&str> {
        self.0.database_role.as_deref()
    }

    /// The subject of the token that recorded the entry; null for a trigger's.
    async fn recorded_by(&self) -> Option<ID> {
        id(&self.0.recorded_by)
    }

    /// The entry whose change this one reverses.
    async fn undo_of(&self, ctx: &Context<'_>) -> Option<Result<AuditLog>> {
        let id = self.0.undo_of?;
        EntryLoader::of(ctx, EntryById(id)).await.transpose()
    }

    /// The latest entry that undoes this one.
    async fn undone_by(&self, ctx: &Context<'_>) -> Option<Result<AuditLog>> {
        EntryLoader::of(ctx, LatestUndoOf(self.0.id)).await.transpose()
    }
}

/// One field's value before and after.
#[derive(SimpleObject)]
pub struct FieldChange {
    /// The column.
    field: String,
    /// The value before; null where there was none, and where it was null.
    old: Option<Json>,
    /// The value after; null where there is none, and where it is null.
    new: Option<Json>,
    /// The value before as the database prints it, to the last digit; null where the value is null or redacted.
    old_text: Option<String>,
    /// The value after as the database prints it, to the last digit; null where the value is null or redacted.
    new_text: Option<String>,
    /// Whether the values were left out on purpose; then both are null.
    redacted: bool,
}

impl From<audit::FieldChange> for FieldChange {
    fn from(change: audit::FieldChange) -> Self {
        FieldChange {
            field: change.field,
            old: change.old.map(Json),
            new: change.new.map(Json),
            old_text: change.old_text,
            new_text: change.new_text,
            redacted: change.redacted,
        }
    }
}
