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
    let mut done = set_back(undoing, undoing.record_id, changes).await?;
    let redacted = undoing.entry.redacted.iter();
    done.skipped.extend(redacted.map(|(field, _)| Skipped { field: field.clone(), expected: None, current: None }));
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
    let mut done = set_back(undoing, new_id, changes).await?;
    let is_key = |skipped: &Skipped| undoing.table.is_key(&skipped.field);
    if let Some(skipped) = done.skipped.iter().find(|skipped| is_key(skipped)) {
        return Err(Error::conflict(format!("the key's column {:?} has been changed since", skipped.field)));
    }
    // The change of the key is two entries again.
    done.planned = vec![
        planned(undoing, new_id, Action::Delete, Vec::new()),
        planned(undoing, old_id, Action::Create, Vec::new()),
    ];
    Ok(done)
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

/// Sets those fields back whose value is still the entry's, byte for byte.
async fn set_back(undoing: &Undoing<'_>, record_id: &str, changes: Vec<Change>) -> Result<Done> {
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
    let mut done = Done::default();
    let mut back: Vec<Assignment<'_>> = Vec::new();
    for ((column, (name, before, after)), current) in known.iter().zip(&current) {
        if current == after {
            back.push((column, before));
        } else {
            done.skipped.push(skipped(name, Some(after), Some(current)));
        }
    }
    for (name, _, after) in &changes {
        match undoing.table.column(name) {
            Some(column) if column.generated || known.iter().any(|(known, _)| known.name == *name) => {}
            // A column that has been hidden since shows nothing of itself.
            Some(_) => done.skipped.push(skipped(name, None, None)),
            None => done.skipped.push(skipped(name, Some(after), None)),
        }
    }
    if back.is_empty() {
        return Ok(done);
    }
    undoing.write.reverse_next(Some(undoing.entry.id)).await?;
    if !undoing.rows.update(undoing.table, &back, record_id).await? {
        return Err(Error::conflict(format!(
            "the row {:?} {record_id:?} was not changed: a trigger or a rule of the table prevents it",
            undoing.table.name
        )));
    }
    undoing.write.reverse_next(None).await?;
    let values = back.iter().map(|(column, value)| (column.name.clone(), (*value).to_owned())).collect();
    ended_as_planned(undoing, record_id, &back).await?;
    done.planned.push(planned(undoing, record_id, Action::Update, values));
    Ok(done)
}

/// A trigger of the table's may have had its own idea of a value. Where it is the key that goes back, the row is no
/// longer found under the old one, and the entries that follow tell.
async fn ended_as_planned(undoing: &Undoing<'_>, record_id: &str, back: &[Assignment<'_>]) -> Result<()> {
    if back.iter().any(|(column, _)| undoing.table.is_key(&column.name)) {
        return Ok(());
    }
    let columns: Vec<&Column> = back.iter().map(|(column, _)| *column).collect();
    let current = undoing.rows.read(undoing.table, &columns, record_id).await?.unwrap_or_default();
    for ((column, planned), current) in back.iter().zip(&current) {
        if current != planned && !is_time(column) {
            return Err(Error::conflict(format!(
                "a trigger of {:?} gives the column {:?} another value than the undo did",
                undoing.table.name, column.name
            )));
        }
    }
    Ok(())
}

/// A column such as `updated_at`, which triggers keep.
fn is_time(column: &Column) -> bool {
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

fn skipped(field: &str, expected: Option<&str>, current: Option<&str>) -> Skipped {
    let json = |text: Option<&str>| text.and_then(Json::parse);
    Skipped { field: field.to_owned(), expected: json(expected), current: json(current) }
}

pub(super) fn planned(
    undoing: &Undoing<'_>,
    record_id: &str,
    action: Action,
    values: Vec<(String, String)>,
) -> Planned {
    Planned { table_name: undoing.table.name.clone(), record_id: record_id.to_owned(), action, certain: true, values }
}
