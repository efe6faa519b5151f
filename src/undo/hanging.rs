//! What hangs on the rows that go: it goes too, or its reference is cut, as the foreign keys have it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::history::by_table;
use super::plan::{Key, Row, Value};
use super::planner::{Planner, reversal};
use super::tables::Known;
use crate::audit::{Action, Error, Result};
use crate::capture::{OnDelete, Reference};

/// A row that stays, and whose reference to one that goes is cut.
struct Cut {
    child: Arc<Known>,
    record_id: String,
    parent: Arc<Known>,
    /// Which of the foreign keys that point at the parent.
    reference: usize,
    /// The step by which the parent goes.
    step: usize,
}

/// A row that goes, by what it is called in the database, and the step by which it does.
type Going = HashMap<Key, usize>;

impl Planner<'_> {
    /// Plans what becomes of the rows that refer to those that go, once all entries are reversed.
    pub(super) async fn what_hangs(&mut self) -> Result<()> {
        let mut going = Going::new();
        let mut cuts: Vec<Cut> = Vec::new();
        let mut fresh = self.going_from(0);
        self.watch_what_hangs_on_returning().await?;
        let own = self.steps.len();
        while !fresh.is_empty() {
            let from = self.steps.len();
            for (key, step) in &fresh {
                going.insert(key.clone(), *step);
            }
            for (table, record_ids) in by_table(fresh.iter().map(|(key, _)| key)) {
                let Some(parent) = self.tables.find(table).await? else { continue };
                let record_ids: Vec<String> = record_ids.into_iter().map(str::to_owned).collect();
                for place in 0..parent.references.len() {
                    self.children(&parent, place, &record_ids, &going, &mut cuts).await?;
                }
            }
            fresh = self.going_from(from);
        }
        self.name_creations(own).await?;
        self.cut(cuts).await
    }

    /// The rows that go by the steps from this one on, and are not there in the end.
    fn going_from(&self, from: usize) -> Vec<(Key, usize)> {
        let deletions = self.steps.iter().enumerate().skip(from).filter(|(_, step)| step.after.is_none());
        let mut seen = HashSet::new();
        let mut going = Vec::new();
        for (place, step) in deletions {
            let key = Self::key(&step.known, &step.record_id);
            let live = (key.0.clone(), self.view.live(&key).to_owned());
            if self.view.is_gone(&key) && self.view.found(&live).is_some() && seen.insert(live.clone()) {
                going.push((live, place));
            }
        }
        going
    }

    /// A key may go with one row and come again with another. What refers to it stays as it is: but where the database
    /// cuts the references in between, they have to be set again.
    async fn watch_what_hangs_on_returning(&mut self) -> Result<()> {
        let deletions = self.steps.iter().filter(|step| step.after.is_none());
        let returning: Vec<Key> = deletions
            .map(|step| Self::key(&step.known, &step.record_id))
            .filter(|key| !self.view.is_gone(key) && self.view.found(key).is_some())
            .collect();
        for (table, record_ids) in by_table(&returning) {
            let Some(parent) = self.tables.find(table).await? else { continue };
            let record_ids: Vec<String> = record_ids.into_iter().map(str::to_owned).collect();
            for reference in &parent.references {
                let Some(child) = self.tables.find(&reference.child).await? else { continue };
                let limit = self.bound.rows + 1;
                let found = self.rows.children(reference, &child.table, &parent.table, &record_ids, limit).await?;
                self.view.load(&child, found.iter().map(|(_, record_id)| record_id.clone())).await?;
                for (_, record_id) in found {
                    if let Some(row) = self.view.row(&child, &record_id).await? {
                        let places = reference.columns.iter().filter_map(|(from, _)| child.place(from));
                        let value = |place: usize| Some(Value { place, text: row.get(place)?.clone()? });
                        self.watched.push((child.clone(), record_id, places.filter_map(value).collect()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Plans what becomes of the rows that point at these by one foreign key.
    async fn children(
        &mut self,
        parent: &Arc<Known>,
        place: usize,
        record_ids: &[String],
        going: &Going,
        cuts: &mut Vec<Cut>,
    ) -> Result<()> {
        let reference = &parent.references[place];
        let Some(child) = self.tables.find(&reference.child).await? else {
            return self.must_be_unreferenced(parent, reference, record_ids).await;
        };
        let limit = self.bound.rows + 1;
        let found = self.rows.children(reference, &child.table, &parent.table, record_ids, limit).await?;
        self.view.load(&child, found.iter().map(|(_, record_id)| record_id.clone())).await?;
        for (of, record_id) in found {
            let of = Self::key(parent, &of);
            let Some(&step) = going.get(&of) else { continue };
            let key = Self::key(&child, &record_id);
            let Some(row) = self.view.row(&child, &record_id).await? else {
                // It goes already, and must do so first.
                self.needs.extend(going.get(&key).filter(|place| **place != step).map(|place| (step, *place)));
                continue;
            };
            if self.view.is_planned(&key) && !self.still_points(&child, &row, reference, parent, &of) {
                continue;
            }
            if reference.on_delete == OnDelete::Deleted {
                self.needs.push((step, self.steps.len()));
                self.delete(&child, &record_id, row, None);
            } else {
                cuts.push(Cut { child: child.clone(), record_id, parent: parent.clone(), reference: place, step });
            }
            self.refuse_too_many(self.steps.len() + cuts.len())?;
        }
        Ok(())
    }

    /// Nothing is done to rows that the log would not record.
    async fn must_be_unreferenced(&self, parent: &Known, reference: &Reference, record_ids: &[String]) -> Result<()> {
        match self.rows.is_referenced(reference, &parent.table, record_ids).await? {
            None => Ok(()),
            Some(of) => Err(Error::conflict(format!(
                "rows of {:?} reference {:?} {of:?}, and that table is not tracked, so that what happens to them would not \
                 be recorded; track it first",
                reference.child, parent.table.name
            ))),
        }
    }

    /// Whether a row for which steps are planned would still point at the parent.
    fn still_points(&self, child: &Known, row: &Row, reference: &Reference, parent: &Known, of: &Key) -> bool {
        let Some(target) = self.view.found(of) else { return false };
        reference.columns.iter().all(|(from, to)| {
            let value = |known: &Known, row: &Row, column: &str| row.get(known.place(column)?)?.clone();
            match (value(child, row, from), value(parent, target, to)) {
                (Some(from), Some(to)) => from == to,
                // Hidden: the database says that it does.
                _ => true,
            }
        })
    }

    /// What the deletions planned here reverse: the creations that the rows stem from.
    async fn name_creations(&mut self, from: usize) -> Result<()> {
        let keys: Vec<Key> = self.steps[from..].iter().map(|step| Self::key(&step.known, &step.record_id)).collect();
        let creations = self.history.creations(&keys).await?;
        for (step, key) in self.steps[from..].iter_mut().zip(&keys) {
            let created = creations.get(key).filter(|id| step.known.must_name_the_same_row(**id).is_ok());
            let created = created.map(|id| reversal(&step.known, &step.record_id, Action::Delete, *id));
            step.reverses = created.into_iter().collect();
        }
        Ok(())
    }

    /// Plans the UPDATEs of the rows that stay.
    async fn cut(&mut self, cuts: Vec<Cut>) -> Result<()> {
        for cut in cuts {
            let Some(row) = self.view.row(&cut.child, &cut.record_id).await? else { continue };
            let reference = &cut.parent.references[cut.reference];
            let places: Vec<usize> = reference.set_columns.iter().filter_map(|name| cut.child.place(name)).collect();
            // The database does it when the parent goes. It would be another row.
            if places.iter().any(|place| cut.child.table.is_key(cut.child.name(*place))) {
                continue;
            }
            let mut values = Vec::new();
            for place in places {
                let text = match reference.on_delete {
                    OnDelete::SetDefault => self.default_of(&cut.child, place).await?,
                    _ => Some("null".to_owned()),
                };
                values.extend(text.map(|text| Value { place, text }));
            }
            if values.is_empty() {
                // A default that a function gives is the database's to ask for.
                continue;
            }
            self.needs.push((cut.step, self.steps.len()));
            self.update(&cut.child, &cut.record_id, &row, values, Vec::new());
            if let Some(step) = self.steps.last_mut() {
                step.by_reference = true;
            }
        }
        Ok(())
    }
}
