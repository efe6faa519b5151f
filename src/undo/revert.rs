//! Undoing an UPDATE: each field goes back, but only where nobody has changed it since.

use super::outcome::{Planned, Skipped};
use super::rows::Assignment;
use super::service::{Done, Undoing};
use crate::audit::{Action, Entry, Error, Filter, Json, PageRequest, Result};
use crate::capture::Column;
use crate::store::{self, Selection};

/// A field as an entry tells it: its name, and its value before and after, as images write them.
type Change = (String, String, String);

/// Sets the fields of an UPDATE back.
pub(super) async fn fields(undoing: &Undoing<'_>) -> Result<Done> {
    let changes = changes_of(undoing.entry.old_values.as_ref(), undoing.entry.new_values.as_ref());
    if changes.is_empty() {
        return Err(Error::not_undoable(match undoing.entry.redacted.is_empty() {
            true => "the entry says of no field what it was before",
            false => "the entry is about redacted fields alone, whose values were never recorded",
        }));
    }
    let mut done = back_in_place(undoing, undoing.record_id, changes).await?;
    let redacted = undoing.entry.redacted.iter();
    done.skipped.extend(redacted.map(|(field, _)| Skipped { field: field.clone(), expected: None, current: None }));
    Ok(done)
}

/// Sets fields of a row back that keeps its key.
async fn back_in_place(undoing: &Undoing<'_>, record_id: &str, changes: Vec<Change>) -> Result<Done> {
    let reversals = [(record_id, Action::Update, undoing.entry.id)];
    let Back { values, skipped } = set_back(undoing, record_id, changes, &reversals).await?;
    let mut done = Done { skipped, ..Done::default() };
    if !values.is_empty() {
        done.planned.push(Planned { values, ..Planned::of(&undoing.table.name, record_id, Action::Update) });
    }
    Ok(done)
}

/// Sets a key back, by one UPDATE: deleting and restoring the row would take its children along.
pub(super) async fn key(undoing: &Undoing<'_>) -> Result<Done> {
    let entry = undoing.entry;
    let twin = twin(undoing).await?;
    let (deletion, creation) = if entry.action == Action::Delete { (entry, &twin) } else { (&twin, entry) };
    let (Some(old_id), Some(new_id)) = (&deletion.record_id, &creation.record_id) else {
        return Err(Error::not_undoable("the entry names no object: it has no record id"));
    };
    let old = deletion.old_values.as_ref().and_then(Json::fields).unwrap_or_default();
    let new = creation.new_values.as_ref().and_then(Json::fields).unwrap_or_default();
    let changes = old.iter().filter_map(|(name, before)| {
        let (_, after) = new.iter().find(|(other, _)| other == name)?;
        (before != after).then(|| (name.to_string(), (*before).to_owned(), (*after).to_owned()))
    });
    let changes: Vec<Change> = changes.collect();
    if old_id == new_id {
        // A REPLACE of the row under its own key: the row is there, and only its fields go back.
        return back_in_place(undoing, new_id, changes).await;
    }
    // Either half of the new change reverses its counterpart of the old one.
    let reversals = [(new_id.as_str(), Action::Delete, creation.id), (old_id.as_str(), Action::Create, deletion.id)];
    let Back { values, skipped } = set_back(undoing, new_id, changes, &reversals).await?;
    let is_key = |skipped: &&Skipped| undoing.table.is_key(&skipped.field);
    if let Some(skipped) = skipped.iter().find(is_key) {
        return Err(Error::conflict(format!("the key's column {:?} has been changed since", skipped.field)));
    }
    // The change of the key is two entries again.
    let planned = vec![
        Planned::of(&undoing.table.name, new_id, Action::Delete),
        Planned { values, ..Planned::of(&undoing.table.name, old_id, Action::Create) },
    ];
    Ok(Done { planned, skipped })
}

/// The other half of a change of the key.
async fn twin(undoing: &Undoing<'_>) -> Result<Entry> {
    let entry = undoing.entry;
    let id = if entry.action == Action::Delete { entry.id + 1 } else { entry.id - 1 };
    let twin = store::by_ids(undoing.database.dialect, undoing.connection(), [id]).await?.pop();
    let twin = twin.filter(|twin| {
        twin.table_name == entry.table_name
            && twin.record_id == entry.previous_record_id
            && twin.previous_record_id == entry.record_id
    });
    match twin {
        Some(twin) => Ok(twin),
        // Statements of other transactions may have recorded something between the two.
        None => {
            let other = entry.previous_record_id.clone().unwrap_or_default();
            let filter = Filter::object(entry.table_name.clone(), other)
                .and(Filter::Transaction(entry.transaction_id.iter().cloned().collect()));
            let request = PageRequest::new(Some(100), None, None, None, None)?;
            let (entries, _) = store::page(undoing.database, &Selection::of(filter), &request).await?;
            let points_back = |twin: &Entry| twin.previous_record_id == entry.record_id && twin.action != entry.action;
            let nearest = entries.into_iter().filter(points_back).min_by_key(|twin| (twin.id - entry.id).abs());
            nearest.ok_or_else(|| Error::not_undoable("the other half of this change of the key is not in the log"))
        }
    }
}

/// What was set back: the columns and their values, and the fields that were left alone.
#[derive(Default)]
struct Back {
    values: Vec<(String, Option<String>)>,
    skipped: Vec<Skipped>,
}

/// Sets those fields back whose value is still the entry's, byte for byte. The reversals are what the log will tell of
/// it.
async fn set_back(
    undoing: &Undoing<'_>,
    record_id: &str,
    changes: Vec<Change>,
    reversals: &[(&str, Action, i64)],
) -> Result<Back> {
    let known: Vec<(&Column, &Change)> = changes
        .iter()
        .filter_map(|change| Some((undoing.table.column(&change.0)?, change)))
        // What the database computes follows from what it is computed of.
        .filter(|(column, _)| !column.generated)
        .filter(|(column, _)| !undoing.hidden.is_redacted(&column.name) && !undoing.hidden.is_ignored(&column.name))
        .collect();
    let columns: Vec<&Column> = known.iter().map(|(column, _)| *column).collect();
    let current = undoing.rows.read(undoing.table, &columns, record_id).await?.ok_or_else(|| {
        Error::conflict(format!("the row {:?} {record_id:?} is gone; undo its deletion first", undoing.table.name))
    })?;
    let mut back = Back::default();
    let mut assignments: Vec<Assignment<'_>> = Vec::new();
    for ((column, (name, before, after)), current) in known.iter().zip(&current) {
        if current == after && undoing.rows.is_exact(current) && undoing.rows.is_exact(before) {
            assignments.push((column, before));
        } else {
            back.skipped.push(skipped(name, Some(after), Some(current)));
        }
    }
    for (name, _, after) in &changes {
        match undoing.table.column(name) {
            Some(column) if column.generated || known.iter().any(|(known, _)| known.name == *name) => {}
            // A column that has been hidden since shows nothing of itself.
            Some(_) => back.skipped.push(skipped(name, None, None)),
            None => back.skipped.push(skipped(name, Some(after), None)),
        }
    }
    if assignments.is_empty() {
        return Ok(back);
    }
    for (record_id, action, entry) in reversals {
        undoing.write.reverses(&undoing.table.name, record_id, *action, *entry).await?;
    }
    if !undoing.rows.update(undoing.table, &assignments, record_id).await? {
        return Err(Error::conflict(format!(
            "the row {:?} {record_id:?} was not changed: a trigger or a rule of the table prevents it",
            undoing.table.name
        )));
    }
    back.values = assignments.iter().map(|(column, value)| (column.name.clone(), Some((*value).to_owned()))).collect();
    Ok(back)
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

fn skipped(field: &str, expected: Option<&str>, current: Option<&str>) -> Skipped {
    let json = |text: Option<&str>| text.and_then(Json::parse);
    Skipped { field: field.to_owned(), expected: json(expected), current: json(current) }
}
