//! What an undo did, as clients see it.

use async_graphql::{ID, SimpleObject};

use super::entry::{AuditLog, FieldChange};
use super::enums::AuditAction;
use super::scalars::Json;
use crate::undo;

/// What an undo did.
#[derive(SimpleObject)]
pub struct UndoPayload {
    /// The latest entry about the object: the one that this undo wrote, where it changed anything.
    audit_log: AuditLog,
    /// Every entry that this undo wrote, those about associated objects included, in the order written.
    entries: Vec<AuditLog>,
    /// The rows that changed, as read back from the log.
    effects: Vec<UndoEffect>,
    /// What the tables' own triggers changed besides.
    derived: Vec<UndoEffect>,
    /// The fields left alone, since their current value is not the one that the entry set.
    skipped: Vec<SkippedField>,
}

/// A row that changed.
#[derive(SimpleObject)]
pub struct UndoEffect {
    /// The table; qualified with its schema where that is not the default one.
    table_name: String,
    /// The row's primary key, as text.
    record_id: ID,
    /// What was done to the row.
    action: AuditAction,
    /// Field by field, what changed.
    changes: Vec<FieldChange>,
}

/// A field that was left alone.
#[derive(SimpleObject)]
pub struct SkippedField {
    /// The column.
    field: String,
    /// The value that it should have had to be set back; null where it is redacted or was null.
    expected: Option<Json>,
    /// The value that it has; null where it is redacted, null, or the column is gone.
    current: Option<Json>,
}

impl From<undo::Outcome> for UndoPayload {
    fn from(outcome: undo::Outcome) -> Self {
        let effects = |effects: Vec<undo::Effect>| effects.into_iter().map(UndoEffect::from).collect();
        UndoPayload {
            audit_log: outcome.latest.into(),
            entries: outcome.entries.into_iter().map(AuditLog::from).collect(),
            effects: effects(outcome.effects),
            derived: effects(outcome.derived),
            skipped: outcome.skipped.into_iter().map(SkippedField::from).collect(),
        }
    }
}

impl From<undo::Effect> for UndoEffect {
    fn from(effect: undo::Effect) -> Self {
        UndoEffect {
            table_name: effect.table_name,
            record_id: effect.record_id.into(),
            action: effect.action.into(),
            changes: effect.changes.into_iter().map(FieldChange::from).collect(),
        }
    }
}

impl From<undo::Skipped> for SkippedField {
    fn from(skipped: undo::Skipped) -> Self {
        SkippedField { field: skipped.field, expected: skipped.expected.map(Json), current: skipped.current.map(Json) }
    }
}
