//! What came of an undo, as the log tells it.

use super::service::{Done, Undoing};
use crate::audit::{Action, Entry, Error, FieldChange, Json, Result};
use crate::store;

/// What an undo did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The latest entry about the object.
    pub latest: Entry,
    /// Every entry that the undo wrote, in the order written.
    pub entries: Vec<Entry>,
    /// The rows that changed as planned.
    pub effects: Vec<Effect>,
    /// What the tables' own triggers changed besides.
    pub derived: Vec<Effect>,
    /// The fields left alone.
    pub skipped: Vec<Skipped>,
}

/// A row that changed.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Its table.
    pub table_name: String,
    /// Its key.
    pub record_id: String,
    /// What was done to it.
    pub action: Action,
    /// Field by field, what changed.
    pub changes: Vec<FieldChange>,
}

/// A field that was left alone.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The column.
    pub field: String,
    /// The value that would have been set back.
    pub expected: Option<Json>,
    /// The value that it has.
    pub current: Option<Json>,
}

/// A change that the undo meant to make.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) table_name: String,
    pub(super) record_id: String,
    pub(super) action: Action,
    /// Whether the log must have an entry for it: a change that leaves every byte as it was has none.
    pub(super) certain: bool,
    /// Of an UPDATE, the columns that were meant, and what they should be now.
    pub(super) values: Vec<(String, String)>,
}

/// What the undo's transaction wrote into the log, held against what was meant.
pub(super) async fn read_back(undoing: &Undoing<'_>, done: Done) -> Result<Outcome> {
    let transaction_id = undoing.rows.transaction_id().await?;
    let entries = store::by_transaction(undoing.database.dialect, undoing.connection(), &transaction_id).await?;
    let mut effects = Vec::new();
    let mut derived = Vec::new();
    for planned in done.planned.iter().filter(|planned| planned.certain) {
        if !entries.iter().any(|entry| is_of(entry, planned)) {
            return Err(Error::conflict(format!(
                "the change of {:?} {:?} was not recorded, or a trigger prevented it; see `trackedTables.health`",
                planned.table_name, planned.record_id
            )));
        }
    }
    for entry in &entries {
        let Some(record_id) = entry.record_id.clone() else { continue };
        let planned = done.planned.iter().find(|planned| is_of(entry, planned));
        let (meant, besides): (Vec<_>, Vec<_>) = entry.changes().into_iter().partition(|change| match planned {
            Some(planned) => is_meant(planned, change),
            None => false,
        });
        let effect = |changes| Effect {
            table_name: entry.table_name.clone(),
            record_id: record_id.clone(),
            action: entry.action,
            changes,
        };
        if planned.is_some() {
            effects.push(effect(meant));
        }
        if planned.is_none() || !besides.is_empty() {
            derived.push(effect(besides));
        }
    }
    let about =
        |entry: &&Entry| entry.table_name == undoing.entry.table_name && entry.undo_of == Some(undoing.entry.id);
    let latest = match entries.iter().rfind(about) {
        Some(entry) => entry.clone(),
        None => undoing
            .latest(&undoing.entry.table_name, undoing.record_id, &Action::ALL)
            .await?
            .unwrap_or_else(|| undoing.entry.clone()),
    };
    Ok(Outcome { latest, entries, effects, derived, skipped: done.skipped })
}

fn is_of(entry: &Entry, planned: &Planned) -> bool {
    entry.table_name == planned.table_name
        && entry.record_id.as_deref() == Some(planned.record_id.as_str())
        && entry.action == planned.action
}

fn is_meant(planned: &Planned, change: &FieldChange) -> bool {
    planned.action != Action::Update
        || planned.values.is_empty()
        || planned.values.iter().any(|(name, _)| *name == change.field)
}
