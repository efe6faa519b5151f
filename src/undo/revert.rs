//! Reversing an UPDATE: each field goes back, but only where nobody has changed it since.

use std::sync::Arc;

use super::history::History;
use super::plan::{Row, Value};
use super::planner::{Manner, Planner, reversal};
use super::tables::Known;
use crate::audit::{Action, Entry, Error, Filter, Json, PageRequest, Result, Source, is_still};
use crate::capture::Column;
use crate::store::{self, Reversal, Selection};

/// A field as an entry tells it: its name, and its value before and after, as images write them.
type Change = (String, String, String);

impl Planner<'_> {
    /// Plans that the fields of an UPDATE go back.
    pub(super) async fn revert(&mut self, known: &Arc<Known>, record_id: &str, entry: &Entry) -> Result<()> {
        let changes = changes_of(entry.old_values.as_ref(), entry.new_values.as_ref());
        if changes.is_empty() {
            return Err(Error::not_undoable(match entry.redacted.is_empty() {
                true => "the entry says of no field what it was before",
                false => "the entry is about redacted fields alone, whose values were never recorded",
            }));
        }
        let reverses = vec![reversal(known, record_id, Action::Update, entry.id)];
        self.fields(known, record_id, &changes, reverses).await?;
        for (field, _) in &entry.redacted {
            self.leave(known, record_id, field, None, None);
        }
        Ok(())
    }

    /// Plans that a key goes back, by one UPDATE: deleting and restoring the row would take its children along.
    pub(super) async fn revert_key(&mut self, known: &Arc<Known>, deletion: &Entry, creation: &Entry) -> Result<()> {
        let (Some(old_id), Some(new_id)) = (&deletion.record_id, &creation.record_id) else {
            return Err(Error::not_undoable("the entry names no object: it has no record id"));
        };
        let mut changes = changes_of(deletion.old_values.as_ref(), creation.new_values.as_ref());
        changes.retain(|(_, before, after)| before != after);
        if old_id == new_id {
            // A REPLACE of the row under its own key: the row is there, and only its fields go back.
            let entry = if self.manner == Manner::AllOrNone { creation.id.max(deletion.id) } else { creation.id };
            return self.fields(known, new_id, &changes, vec![reversal(known, new_id, Action::Update, entry)]).await;
        }
        let row = self.standing_row(known, new_id).await?;
        let already = self.skipped.len();
        let values = self.set_back(known, new_id, &row, &changes).await?;
        if let Some(skipped) = self.skipped[already..].iter().find(|skipped| known.table.is_key(&skipped.field)) {
            return Err(Error::conflict(format!("the key's column {:?} has been changed since", skipped.field)));
        }
        if self.view.row(known, old_id).await?.is_some() {
            return Err(Error::conflict(format!("the key {old_id:?} of {:?} is taken again", known.table.name)));
        }
        // Either half of the new change reverses its counterpart of the old one.
        let reverses = vec![
            reversal(known, new_id, Action::Delete, creation.id),
            reversal(known, old_id, Action::Create, deletion.id),
        ];
        self.rename(known, (new_id, old_id), &row, values, reverses);
        Ok(())
    }

    /// Plans that fields of a row go back that keeps its key.
    async fn fields(
        &mut self,
        known: &Arc<Known>,
        record_id: &str,
        changes: &[Change],
        reverses: Vec<Reversal>,
    ) -> Result<()> {
        let row = self.standing_row(known, record_id).await?;
        let values = self.set_back(known, record_id, &row, changes).await?;
        self.update(known, record_id, &row, values, reverses);
        Ok(())
    }

    async fn standing_row(&mut self, known: &Known, record_id: &str) -> Result<Row> {
        self.view.row(known, record_id).await?.ok_or_else(|| {
            Error::conflict(format!("the row {:?} {record_id:?} is gone; undo its deletion first", known.table.name))
        })
    }

    /// The values of those fields that are still the entry's, byte for byte. The others are left alone.
    async fn set_back(&mut self, known: &Known, record_id: &str, row: &Row, changes: &[Change]) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        for (name, before, after) in changes {
            let place = known.table.columns.iter().position(|column| column.name == *name);
            let Some((place, column)) = place.and_then(|place| Some((place, known.column(place)?))) else {
                self.skip(known, record_id, name, Some(after), None)?;
                continue;
            };
            if column.generated {
                // What the database computes follows from what it is computed of.
                continue;
            }
            if known.is_hidden(name) {
                if self.manner == Manner::AllOrNone {
                    return Err(Error::not_undoable(format!(
                        "the column {name:?} of {:?} has been hidden since, and its value is not told",
                        known.table.name
                    )));
                }
                // A column that has been hidden since shows nothing of itself.
                self.leave(known, record_id, name, None, None);
                continue;
            }
            let current = row.get(place).cloned().flatten().unwrap_or_default();
            if is_still(after, &current) && self.rows.is_exact(&current) && self.rows.is_exact(before) {
                values.push(Value { place, text: before.clone() });
            } else if is_time(column) && self.is_kept_by_trigger(known, record_id, column, &current).await? {
                self.leave(known, record_id, name, Some(after), Some(&current));
            } else {
                self.skip(known, record_id, name, Some(after), Some(&current))?;
            }
        }
        Ok(values)
    }

    /// Whether the value was given by a trigger during an earlier undo: that undo meant another one.
    async fn is_kept_by_trigger(&self, known: &Known, record_id: &str, column: &Column, current: &str) -> Result<bool> {
        let (table, live) = (&known.table.name, self.view.live(&Self::key(known, record_id)).to_owned());
        let Some(set) = self.history.last_set(table, &live, &column.name).await? else { return Ok(false) };
        let value = |json: Option<&Json>| {
            let fields = json.and_then(Json::fields).unwrap_or_default();
            fields.iter().find(|(name, _)| name == column.name.as_str()).map(|(_, value)| (*value).to_owned())
        };
        let (Source::Undo, Some(undone)) = (set.source, set.undo_of) else { return Ok(false) };
        if value(set.new_values.as_ref()).as_deref() != Some(current) {
            return Ok(false);
        }
        let undone = store::by_ids(self.history.database.dialect, self.history.transaction, [undone]).await?.pop();
        Ok(undone.is_some_and(|undone| value(undone.old_values.as_ref()).as_deref() != Some(current)))
    }

    /// The other half of a change of the key.
    pub(super) async fn twin(&self, entry: &Entry) -> Result<Entry> {
        let History { database, transaction } = self.history;
        let id = if entry.action == Action::Delete { entry.id + 1 } else { entry.id - 1 };
        let twin = store::by_ids(database.dialect, transaction, [id]).await?.pop();
        if let Some(twin) = twin.filter(|twin| are_twins(entry, twin)) {
            return Ok(twin);
        }
        // Statements of other transactions may have recorded something between the two.
        let other = entry.previous_record_id.clone().unwrap_or_default();
        let filter = Filter::object(entry.table_name.clone(), other)
            .and(Filter::Transaction(entry.transaction_id.iter().cloned().collect()));
        let request = PageRequest::new(Some(100), None, None, None, None)?;
        let (entries, _) = store::page(database, &Selection::of(filter), &request).await?;
        let twins = entries.into_iter().filter(|twin| are_twins(entry, twin));
        let nearest = twins.min_by_key(|twin| (twin.id - entry.id).abs());
        nearest.ok_or_else(|| Error::not_undoable("the other half of this change of the key is not in the log"))
    }
}

/// Whether the entries are the two halves of one change of a key.
pub(super) fn are_twins(one: &Entry, other: &Entry) -> bool {
    one.table_name == other.table_name
        && one.record_id == other.previous_record_id
        && one.previous_record_id == other.record_id
        && one.action != other.action
}

/// A column such as `updated_at`, which triggers keep.
pub(super) fn is_time(column: &Column) -> bool {
    let name = column.type_name.to_ascii_lowercase();
    name.contains("date") || name.contains("time")
}

fn changes_of(old: Option<&Json>, new: Option<&Json>) -> Vec<Change> {
    let old = old.and_then(Json::fields).unwrap_or_default();
    let new = new.and_then(Json::fields).unwrap_or_default();
    let both = old.iter().filter_map(|(name, before)| {
        let (_, after) = new.iter().find(|(other, _)| other == name)?;
        Some((name.to_string(), (*before).to_owned(), (*after).to_owned()))
    });
    both.collect()
}
