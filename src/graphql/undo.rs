//! What an undo did, as clients see it.

use async_graphql::{ID, SimpleObject};

use super::entry::{AuditLog, FieldChange};
use super::enums::AuditAction;
use super::scalars::Json;
use crate::undo;

/// What an undo did.
#[derive(SimpleObject)]
pub struct UndoPayload {
    /// The latest entry about the object: the one that this undo wrote, where it changed anything. Of a transaction: the
    /// last entry written.
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

/// What an undo would do.
#[derive(SimpleObject)]
pub struct UndoPlan {
    /// The entry, or the last one of the transaction.
    audit_log: AuditLog,
    /// Whether the undo would go through. Where it changes more rows than the server's `--undo-max-rows`, it does so only
    /// with this plan's `planHash`.
    possible: bool,
    /// Where it would not: the code that it would fail with, such as CONFLICT or NOT_UNDOABLE.
    code: Option<String>,
    /// Where it would not: a sentence that says why, and names the row, key, constraint or column in the way.
    reason: Option<String>,
    /// The rows that would change, in the order in which they would. A change of a key is two, as in the log. Empty where
    /// no plan can be made, `reason` says why.
    effects: Vec<UndoEffect>,
    /// What the tables' own triggers would change besides, a planned field that they give another value (such as
    /// `updated_at`) among it; known only where the undo is possible.
    derived: Vec<UndoEffect>,
    /// Later entries that changed the same fields of a row that only gets values back, or a row that would come or go; the
    /// most recent first, at most 100. What a WRITER recorded by hand is none.
    later_entries: Vec<AuditLog>,
    /// The fields that would be left alone, since someone changed them since, or since their values were never recorded.
    skipped: Vec<SkippedField>,
    /// Identifies this very plan: the rows, their values, what is left alone, and the latest entry of each object. Given
    /// to the mutation, it makes sure that precisely this is done, or nothing.
    plan_hash: String,
}

/// A row that changes.
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

/// A field that is left alone.
#[derive(SimpleObject)]
pub struct SkippedField {
    /// The table of the row that it belongs to.
    table_name: String,
    /// The key of that row.
    record_id: ID,
    /// The column.
    field: String,
    /// The value that it should have had to be set back; null where it is redacted or ignored, and where it was null.
    expected: Option<Json>,
    /// The value that it has; null where it is redacted, ignored or null, or the column is gone.
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

impl From<undo::Preview> for UndoPlan {
    fn from(preview: undo::Preview) -> Self {
        let (code, reason) = preview.refusal.map(|(code, reason)| (code.as_str().to_owned(), reason)).unzip();
        UndoPlan {
            audit_log: preview.entry.into(),
            possible: code.is_none(),
            code,
            reason,
            effects: preview.effects.into_iter().map(UndoEffect::from).collect(),
            derived: preview.derived.into_iter().map(UndoEffect::from).collect(),
            later_entries: preview.later.into_iter().map(AuditLog::from).collect(),
            skipped: preview.skipped.into_iter().map(SkippedField::from).collect(),
            plan_hash: preview.hash,
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
        SkippedField {
            table_name: skipped.table_name,
            record_id: skipped.record_id.into(),
            field: skipped.field,
            expected: skipped.expected.map(Json),
            current: skipped.current.map(Json),
        }
    }
}
