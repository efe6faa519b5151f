//! Undoing a CREATE: the object is deleted, and before it what references it.

use std::collections::HashMap;
use std::collections::HashSet;

use super::outcome::Planned;
use super::service::{Done, Undoing};
use crate::audit::{Action, Code, Error, Result};
use crate::capture::dispatch::{describe, references};
use crate::capture::{OnDelete, Reference, Table};
use crate::store;

/// A row, by its table's name and its record id.
type Key = (String, String);

/// Deletes the object and what hangs on it.
pub(super) async fn object(undoing: &Undoing<'_>) -> Result<Done> {
    let (table, record_id) = (undoing.table, undoing.record_id);
    if undoing.rows.read(table, &[], record_id).await?.is_none() {
        return Err(Error::conflict(format!("the row {:?} {record_id:?} is gone already", table.name)));
    }
    undoing.must_stand().await?;
    let mut walk = Walk {
        undoing,
        tables: HashMap::new(),
        seen: HashSet::new(),
        deletions: Vec::new(),
        kept: Vec::new(),
        cyclic: false,
    };
    walk.tables.insert(table.name.clone(), Known::of(undoing, table.clone()).await?);
    walk.visit((table.name.clone(), record_id.to_owned())).await?;
    walk.carry_out().await
}

/// A table that the walk came by.
#[derive(Clone)]
struct Known {
    table: Table,
    references: Vec<Reference>,
}

impl Known {
    async fn of(undoing: &Undoing<'_>, table: Table) -> Result<Known> {
        let references = references(undoing.database.kind, undoing.connection(), &table).await?;
        Ok(Known { table, references })
    }
}

/// A walk along the foreign keys, from the object to all that hangs on it.
struct Walk<'a> {
    undoing: &'a Undoing<'a>,
    tables: HashMap<String, Known>,
    seen: HashSet<Key>,
    /// Children before their parents.
    deletions: Vec<Key>,
    /// Rows whose foreign key the database sets, and its columns.
    kept: Vec<(Key, Vec<String>)>,
    /// Whether rows refer to each other in a circle, so that none of them can go first.
    cyclic: bool,
}

/// A row under way: the children by one reference after the other are still to be followed.
struct Step {
    key: Key,
    references: std::vec::IntoIter<Reference>,
    children: std::vec::IntoIter<Key>,
}

impl Walk<'_> {
    /// Depth first without recursion: what hangs on a row may be a long chain.
    async fn visit(&mut self, root: Key) -> Result<()> {
        let mut stack = vec![self.step(root)];
        while let Some(step) = stack.last_mut() {
            if let Some(child) = step.children.next() {
                if self.seen.insert(child.clone()) {
                    self.refuse_too_many()?;
                    stack.push(self.step(child));
                } else if child != step.key && stack.iter().any(|step| step.key == child) {
                    self.cyclic = true;
                }
                continue;
            }
            let Some(reference) = step.references.next() else {
                self.deletions.extend(stack.pop().map(|step| step.key));
                continue;
            };
            let children = self.children(&step.key, &reference).await?;
            if reference.on_delete == OnDelete::Deleted {
                step.children = children.into_iter();
            } else {
                let columns: Vec<String> = reference.columns.iter().map(|(column, _)| column.clone()).collect();
                self.kept.extend(children.into_iter().map(|child| (child, columns.clone())));
                self.refuse_too_many()?;
            }
        }
        Ok(())
    }

    fn step(&mut self, key: Key) -> Step {
        self.seen.insert(key.clone());
        let references = self.tables.get(&key.0).map(|known| known.references.clone()).unwrap_or_default();
        Step { key, references: references.into_iter(), children: Vec::new().into_iter() }
    }

    /// The rows that point at a row by a foreign key. Nothing is done to rows that the log would not record.
    async fn children(&mut self, parent: &Key, reference: &Reference) -> Result<Vec<Key>> {
        let undoing = self.undoing;
        let parent_table = self.known(&parent.0)?.table.clone();
        let tracked = store::tracked(undoing.database.dialect, undoing.connection(), &reference.child).await?;
        if tracked.is_none() {
            if undoing.rows.is_referenced(reference, &parent_table, &parent.1).await? {
                return Err(Error::conflict(format!(
                    "rows of {:?} reference {:?} {:?}, and that table is not tracked, so that what happens to them \
                     would not be recorded; track it first",
                    reference.child, parent.0, parent.1
                )));
            }
            return Ok(Vec::new());
        }
        if !self.tables.contains_key(&reference.child) {
            let table = describe(undoing.database.kind, undoing.connection(), &reference.child).await?;
            self.tables.insert(reference.child.clone(), Known::of(undoing, table).await?);
        }
        let child = &self.known(&reference.child)?.table;
        let limit = undoing.request.max_rows + 1;
        let ids = undoing.rows.children(reference, child, &parent_table, &parent.1, limit).await?;
        Ok(ids.into_iter().map(|id| (reference.child.clone(), id)).collect())
    }

    fn known(&self, table: &str) -> Result<&Known> {
        self.tables.get(table).ok_or_else(|| Error::internal(format!("{table} was not described")))
    }

    fn refuse_too_many(&self) -> Result<()> {
        let most = self.undoing.request.max_rows;
        if self.seen.len() + self.kept.len() > most {
            return Err(Error::conflict(format!(
                "more than {most} rows hang on the object; start the server with a greater `--undo-max-rows` to allow it"
            )));
        }
        Ok(())
    }

    /// The creation that a row stems from: where it was restored by an undo, that before its deletion.
    async fn creation(&self, table_name: &str, record_id: &str) -> Result<Option<i64>> {
        let mut created = self.undoing.latest(table_name, record_id, &[Action::Create]).await?;
        while let Some(deletion) = created.as_ref().and_then(|created| created.undo_of) {
            let before = self.undoing.latest_before(table_name, record_id, &[Action::Create], deletion).await?;
            if before.is_none() {
                break;
            }
            created = before;
        }
        Ok(created.map(|created| created.id))
    }

    async fn carry_out(self) -> Result<Done> {
        let undoing = self.undoing;
        for (table_name, record_id) in &self.deletions {
            let is_object = table_name == &undoing.table.name && record_id == undoing.record_id;
            let reversed =
                if is_object { Some(undoing.entry.id) } else { self.creation(table_name, record_id).await? };
            if let Some(reversed) = reversed {
                undoing.write.reverses(table_name, record_id, Action::Delete, reversed).await?;
            }
        }
        let mut rows = Vec::with_capacity(self.deletions.len());
        for (table_name, record_id) in &self.deletions {
            rows.push((&self.known(table_name)?.table, record_id.as_str()));
        }
        undoing.rows.delete(&rows, self.cyclic).await.map_err(|error| match error.code() {
            Code::NotUndoable => {
                Error::conflict(format!("a row that refers to the object cannot be set: {}", error.message()))
            }
            _ => error,
        })?;
        let deleted: HashSet<&Key> = self.deletions.iter().collect();
        // Its columns may have been what they are set to.
        let kept = self.kept.iter().filter(|(key, _)| !deleted.contains(key)).map(|(key, columns)| Planned {
            certain: false,
            values: columns.iter().map(|column| (column.clone(), None)).collect(),
            ..Planned::of(&key.0, &key.1, Action::Update)
        });
        let deletions =
            self.deletions.iter().map(|(table_name, id)| Planned::of(table_name, id, Action::Delete)).chain(kept);
        Ok(Done { planned: deletions.collect(), skipped: Vec::new() })
    }
}
