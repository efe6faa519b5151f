//! The rows as they would be once the steps planned so far were carried out: each is read, and locked, when it is first
//! looked at.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::plan::{Key, Row};
use super::rows::Rows;
use super::tables::Known;
use crate::audit::{Code, Error, Result};

/// The rows looked at so far.
pub(super) struct View<'a> {
    rows: &'a Rows<'a>,
    /// As they are in the database.
    found: HashMap<Key, Option<Row>>,
    /// As they would be, where that differs.
    planned: HashMap<Key, Option<Row>>,
    /// What rows are called in the database whose key would be another.
    moved: HashMap<Key, String>,
    /// What rows are called by now that bore these keys before a step gave them another.
    renamed: HashMap<Key, String>,
}

impl<'a> View<'a> {
    pub(super) fn new(rows: &'a Rows<'a>) -> View<'a> {
        View { rows, found: HashMap::new(), planned: HashMap::new(), moved: HashMap::new(), renamed: HashMap::new() }
    }

    /// Reads and locks those rows that have not been looked at yet, in the order of their keys.
    pub(super) async fn load(&mut self, known: &Known, record_ids: impl IntoIterator<Item = String>) -> Result<()> {
        let table = &known.table;
        let wanted: HashSet<String> = record_ids
            .into_iter()
            .filter(|record_id| !self.found.contains_key(&(table.name.clone(), record_id.clone())))
            .collect();
        let mut wanted: Vec<String> = wanted.into_iter().collect();
        wanted.sort_unstable();
        let shown: Vec<_> = known.shown().collect();
        let columns: Vec<_> = shown.iter().map(|(_, column)| *column).collect();
        let found = self.rows.read(table, &columns, &wanted).await.map_err(|error| match error.code() {
            Code::Conflict if !error.is_busy() => Error::conflict(format!(
                "a record id does not fit the key {:?} of {:?}: {}",
                table.primary_key,
                table.name,
                error.message()
            )),
            _ => error,
        })?;
        for record_id in wanted {
            self.found.insert((table.name.clone(), record_id), None);
        }
        for (record_id, values) in found {
            let mut row = vec![None; table.columns.len()];
            for ((place, _), value) in shown.iter().zip(values) {
                row[*place] = Some(value);
            }
            self.found.insert((table.name.clone(), record_id), Some(Arc::new(row)));
        }
        Ok(())
    }

    /// The row as it would be; none where it would not be there.
    pub(super) async fn row(&mut self, known: &Known, record_id: &str) -> Result<Option<Row>> {
        let key = (known.table.name.clone(), record_id.to_owned());
        if let Some(planned) = self.planned.get(&key) {
            return Ok(planned.clone());
        }
        if !self.found.contains_key(&key) {
            self.load(known, [record_id.to_owned()]).await?;
        }
        Ok(self.found.get(&key).cloned().flatten())
    }

    /// The row as it is in the database, of those that were looked at.
    pub(super) fn found(&self, key: &Key) -> Option<&Row> {
        self.found.get(key).and_then(Option::as_ref)
    }

    /// Whether a step has been planned for the row.
    pub(super) fn is_planned(&self, key: &Key) -> bool {
        self.planned.contains_key(key)
    }

    /// How many rows steps have been planned for; one whose key changes counts once.
    pub(super) fn planned_rows(&self) -> usize {
        self.planned.len() - self.moved.len()
    }

    /// Whether the row would not be there.
    pub(super) fn is_gone(&self, key: &Key) -> bool {
        matches!(self.planned.get(key), Some(None))
    }

    /// From here on the row would be this.
    pub(super) fn set(&mut self, key: Key, row: Option<Row>) {
        self.planned.insert(key, row);
    }

    /// From here on the row would be called otherwise, and be this.
    pub(super) fn rename(&mut self, key: Key, becomes: &str, row: Row) {
        let live = self.moved.remove(&key).unwrap_or_else(|| key.1.clone());
        let new = (key.0.clone(), becomes.to_owned());
        self.renamed.insert(key.clone(), becomes.to_owned());
        self.planned.insert(key, None);
        self.planned.insert(new.clone(), Some(row));
        self.moved.insert(new, live);
    }

    /// What the row is called by now that an entry calls so. SQLite records what a change of the key writes into the row
    /// itself, by a foreign key, before the change of the key: by then the step has given the row its old key again.
    pub(super) async fn called(&mut self, known: &Known, record_id: &str) -> Result<String> {
        let key = (known.table.name.clone(), record_id.to_owned());
        match self.renamed.get(&key).cloned() {
            Some(renamed) if self.row(known, record_id).await?.is_none() => Ok(renamed),
            _ => Ok(record_id.to_owned()),
        }
    }

    /// What the row is called in the database.
    pub(super) fn live<'k>(&'k self, key: &'k Key) -> &'k str {
        self.moved.get(key).unwrap_or(&key.1)
    }
}
