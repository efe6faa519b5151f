//! Reversing a DELETE: the row comes back under its old key. And whether what an entry did to its object still stands.

use std::collections::HashSet;
use std::sync::Arc;

use super::plan::Key;
use super::planner::Planner;
use super::standing::last_standing;
use super::tables::Known;
use crate::audit::{Action, Entry, Error, Json, Result};

impl Planner<'_> {
    /// Plans that the row comes back.
    pub(super) async fn restore(&mut self, known: &Arc<Known>, record_id: &str, entry: &Entry) -> Result<()> {
        let table = &known.table;
        if self.view.row(known, record_id).await?.is_some() {
            let taken = self.history.latest(&table.name, record_id, &[Action::Create]).await?;
            let taken = taken.filter(|taken| taken.id > entry.id);
            let by = taken.map(|taken| format!(", by entry {}", taken.id)).unwrap_or_default();
            return Err(Error::conflict(format!("the key {record_id:?} of {:?} is taken again{by}", table.name)));
        }
        let image = entry.old_values.as_ref().and_then(Json::fields);
        let image = image.ok_or_else(|| Error::not_undoable("the entry has no image of the row that was deleted"))?;
        for key in &table.primary_key {
            if !image.iter().any(|(name, _)| name == key) {
                return Err(Error::not_undoable(format!("the entry has no value for the key's column {key:?}")));
            }
        }
        let (mut row, mut defaults) = (vec![None; table.columns.len()], Vec::new());
        for (name, value) in &image {
            match table.columns.iter().position(|column| column.name == *name) {
                Some(place) if !self.rows.is_exact(value) && !table.columns[place].generated => {
                    return Err(Error::not_undoable(format!(
                        "the value of {name:?} was no valid UTF-8, and cannot be brought back byte for byte"
                    )));
                }
                Some(place) => row[place] = Some((*value).to_owned()),
                // The column is gone: what it held has no place.
                None => self.leave(known, record_id, name, Some(value), None),
            }
        }
        // What the image does not know of comes as the schema has it.
        for (place, value) in row.iter_mut().enumerate().filter(|(_, value)| value.is_none()) {
            if known.column(place).is_some_and(|column| !column.generated && !known.is_hidden(&column.name)) {
                *value = self.default_of(known, place).await?;
                defaults.push(place);
            }
        }
        // Redacted when the row was deleted, or ignored: the default, where there is one, must do.
        let redacted = entry.redacted.iter().map(|(field, _)| field.as_str());
        let hidden = table.columns.iter().filter(|column| known.is_hidden(&column.name) && !column.generated);
        let told: HashSet<&str> = image.iter().map(|(name, _)| name.as_ref()).chain(redacted.clone()).collect();
        let untold = hidden.map(|column| column.name.as_str()).filter(|name| !told.contains(name));
        for field in redacted.chain(untold) {
            self.leave(known, record_id, field, None, None);
        }
        self.insert(known, record_id, row, &defaults, entry.id);
        Ok(())
    }

    /// Plans that the row of a CREATE goes.
    pub(super) async fn unmake(&mut self, known: &Arc<Known>, record_id: &str, entry: &Entry) -> Result<()> {
        let Some(row) = self.view.row(known, record_id).await? else {
            return Err(Error::conflict(format!("the row {:?} {record_id:?} is gone already", known.table.name)));
        };
        self.delete(known, record_id, row, Some(entry.id));
        Ok(())
    }

    /// Fails where, of one of these entries' objects, a later creation or deletion stands that no undo has taken back.
    pub(super) async fn must_stand(&self, entries: &[&Entry]) -> Result<()> {
        let key = |entry: &Entry| (entry.table_name.clone(), entry.record_id.clone().unwrap_or_default());
        let keys: Vec<Key> = entries.iter().map(|entry| key(entry)).collect();
        let Some(first) = entries.iter().map(|entry| entry.id).min() else { return Ok(()) };
        let mut all = self.history.since(&keys, &[Action::Create, Action::Delete], first).await?;
        for (entry, key) in entries.iter().zip(&keys) {
            let mut told = all.remove(key).unwrap_or_default();
            told.retain(|told| told.id >= entry.id);
            let Some(last) = last_standing(&told).filter(|last| last.id != entry.id) else { continue };
            let done = if last.action == Action::Create { "created anew" } else { "deleted" };
            return Err(Error::conflict(format!(
                "the object {:?} {:?} was {done} since, by entry {}; undo that one first",
                key.0, key.1, last.id
            )));
        }
        Ok(())
    }
}
