//! What came of an undo, as the log tells it.

use super::service::{Done, Undoing};
use crate::audit::{Action, Entry, Error, FieldChange, Json, Result};
use crate::capture::Column;
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
    /// The columns that were meant, and what they should be now, as an image writes it; none where the database decides.
    pub(super) values: Vec<(String, Option<String>)>,
}

impl Planned {
    /// A change that the log must have.
    pub(super) fn of(table_name: &str, record_id: &str, action: Action) -> Planned {
        Planned {
            table_name: table_name.to_owned(),
            record_id: record_id.to_owned(),
            action,
            certain: true,
            values: Vec::new(),
        }
    }

    fn is_of(&self, entry: &Entry) -> bool {
        entry.table_name == self.table_name
            && entry.record_id.as_deref() == Some(self.record_id.as_str())
            && entry.action == self.action
    }

    /// Whether the change of this field is what was meant, and no trigger's.
    fn means(&self, field: &str, now: Option<&str>) -> bool {
        match self.values.iter().find(|(name, _)| name == field) {
            Some((_, Some(value))) => now.is_none_or(|now| now == value),
            Some((_, None)) => true,
            None => self.action != Action::Update,
        }
    }
}

/// What the undo's transaction wrote into the log, held against what was meant.
pub(super) async fn read_back(undoing: &Undoing<'_>, done: Done) -> Result<Outcome> {
    let transaction_id = undoing.rows.transaction_id().await?;
    let entries = store::by_transaction(undoing.database.dialect, undoing.connection(), &transaction_id).await?;
    let mut effects = Vec::new();
    let mut derived = Vec::new();
    for planned in done.planned.iter().filter(|planned| planned.certain) {
        if !entries.iter().any(|entry| planned.is_of(entry)) {
            return Err(Error::conflict(format!(
                "the change of {:?} {:?} was not recorded, or a trigger prevented it; see `trackedTables.health`",
                planned.table_name, planned.record_id
            )));
        }
    }
    let mut open: Vec<&Planned> = done.planned.iter().collect();
    for entry in &entries {
        let Some(record_id) = entry.record_id.clone() else { continue };
        // The first entry of its kind about a row is the undo's own; what follows, triggers did.
        let planned = open.iter().position(|planned| planned.is_of(entry)).map(|place| open.remove(place));
        let now = entry.new_values.as_ref().and_then(Json::fields).unwrap_or_default();
        let now = |field: &str| now.iter().find(|(name, _)| name == field).map(|(_, value)| *value);
        let (meant, besides): (Vec<_>, Vec<_>) = entry.changes().into_iter().partition(|change| match planned {
            Some(planned) => planned.means(&change.field, now(&change.field)),
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
    let latest = match entries.iter().rfind(|entry| is_reversal(undoing, entry)) {
        Some(entry) => entry.clone(),
        None => undoing
            .latest(&undoing.entry.table_name, undoing.record_id, &Action::ALL)
            .await?
            .unwrap_or_else(|| undoing.entry.clone()),
    };
    Ok(Outcome { latest, entries, effects, derived, skipped: done.skipped })
}

/// Whether the entry is about the very object that was undone, under either of its keys.
fn is_reversal(undoing: &Undoing<'_>, entry: &Entry) -> bool {
    let ids = [&undoing.entry.record_id, &undoing.entry.previous_record_id];
    entry.undo_of.is_some()
        && entry.table_name == undoing.entry.table_name
        && entry.record_id.is_some()
        && ids.contains(&&entry.record_id)
}

/// Holds the rows against what was planned: a trigger of the table's may have had its own idea of a value.
pub(super) async fn ended_as_planned(undoing: &Undoing<'_>, done: &Done) -> Result<()> {
    let table = undoing.table;
    for planned in done.planned.iter().filter(|planned| planned.table_name == table.name) {
        let columns: Vec<&Column> = planned.values.iter().filter_map(|(name, _)| table.column(name)).collect();
        let row = undoing.rows.read(table, &columns, &planned.record_id).await?;
        let Some(row) = row else {
            if planned.action == Action::Delete {
                continue;
            }
            return Err(Error::conflict(format!(
                "the row {:?} {:?} is not there after the undo: a trigger of the table took it away again",
                table.name, planned.record_id
            )));
        };
        if planned.action == Action::Delete {
            return Err(Error::conflict(format!(
                "the row {:?} {:?} is there again after the undo: a trigger of the table put it back",
                table.name, planned.record_id
            )));
        }
        for ((column, (_, meant)), current) in columns.iter().zip(&planned.values).zip(&row) {
            if meant.as_ref().is_some_and(|meant| meant != current) && !is_time(column) {
                return Err(Error::conflict(format!(
                    "a trigger of {:?} gives the column {:?} another value than the undo did",
                    table.name, column.name
                )));
            }
        }
        if let Some(parent) = undoing.rows.missing_parent(table, &columns, &planned.record_id).await? {
            return Err(Error::conflict(format!("{:?} {:?} refers to {parent}", table.name, planned.record_id)));
        }
    }
    Ok(())
}

/// A column such as `updated_at`, which triggers keep.
fn is_time(column: &Column) -> bool {
    let name = column.type_name.to_ascii_lowercase();
    name.contains("date") || name.contains("time")
}
