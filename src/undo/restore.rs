//! Undoing a DELETE: the object comes back under its old key.

use super::outcome::{Planned, Skipped};
use super::rows::Assignment;
use super::service::{Done, Undoing};
use crate::audit::{Action, Error, Json, Result};

/// Restores the object. What was linked to it stays away.
pub(super) async fn object(undoing: &Undoing<'_>) -> Result<Done> {
    let (table, record_id) = (undoing.table, undoing.record_id);
    if undoing.rows.read(table, &[], record_id).await?.is_some() {
        let taken = undoing.latest(&table.name, record_id, &[Action::Create]).await?;
        let taken = taken.filter(|entry| entry.id > undoing.entry.id);
        let by = taken.map(|entry| format!(", by entry {}", entry.id)).unwrap_or_default();
        return Err(Error::conflict(format!("the key {record_id:?} of {:?} is taken again{by}", table.name)));
    }
    undoing.must_stand().await?;
    let image = undoing.entry.old_values.as_ref().and_then(Json::fields);
    let image = image.ok_or_else(|| Error::not_undoable("the entry has no image of the row that was deleted"))?;
    for key in &table.primary_key {
        if !image.iter().any(|(name, _)| name == key) {
            return Err(Error::not_undoable(format!("the entry has no value for the key's column {key:?}")));
        }
    }
    let mut done = Done::default();
    let mut values: Vec<Assignment<'_>> = Vec::new();
    for (name, value) in &image {
        match table.column(name) {
            Some(column) if column.generated => {}
            Some(_) if !undoing.rows.is_exact(value) => {
                return Err(Error::not_undoable(format!(
                    "the value of {name:?} was no valid UTF-8, and cannot be brought back byte for byte"
                )));
            }
            Some(column) => values.push((column, value)),
            // The column is gone: what it held has no place.
            None => done.skipped.push(skipped(name, Json::parse(*value))),
        }
    }
    // Redacted when the row was deleted: the default, where there is one, must do.
    done.skipped.extend(undoing.entry.redacted.iter().map(|(name, _)| skipped(name, None)));
    undoing.write.reverses(&table.name, record_id, Action::Create, undoing.entry.id).await?;
    if !undoing.rows.insert(table, &values).await? {
        return Err(Error::conflict(format!(
            "the row {:?} {record_id:?} was not inserted: a trigger or a rule of the table prevents it",
            table.name
        )));
    }
    done.planned.push(Planned {
        values: values.iter().map(|(column, value)| (column.name.clone(), Some((*value).to_owned()))).collect(),
        ..Planned::of(&table.name, record_id, Action::Create)
    });
    Ok(done)
}

fn skipped(field: &str, expected: Option<Json>) -> Skipped {
    Skipped { field: field.to_owned(), expected, current: None }
}
