//! The tables that an undo comes by.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ColumnTrait, ExprTrait};

use super::plan::Row;
use super::rows::Rows;
use crate::audit::{Action, Code, Error, FieldChange, Result};
use crate::capture::dispatch::{describe, references};
use crate::capture::{self, Column, Hidden, Reference, TRACKED_TABLE, Table, key_changes};
use crate::store::{self, Database};
use afterimage_entity::log::Column as LogColumn;

/// A tracked table, and what an undo must know of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) table: Table,
    pub(super) hidden: Hidden,
    /// The foreign keys that point at it.
    pub(super) references: Vec<Reference>,
    /// Its unique keys, the primary one among them, as places of columns.
    pub(super) uniques: Vec<Vec<usize>>,
    /// Whether something else has to be unique: a computed value, or one of some rows only.
    pub(super) unique_otherwise: bool,
    /// The key under which its rows are recorded.
    pub(super) recorded_key: Vec<String>,
    /// The latest entry from which on that is another key than before.
    pub(super) rekeyed_by: Option<i64>,
}

impl Known {
    /// The place of a column. SQLite's foreign keys may spell it in another case than the table does.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        let places = || self.table.columns.iter();
        places()
            .position(|known| known.name == column)
            .or_else(|| places().position(|known| known.name.eq_ignore_ascii_case(column)))
    }

    pub(super) fn column(&self, place: usize) -> Option<&Column> {
        self.table.columns.get(place)
    }

    pub(super) fn name(&self, place: usize) -> &str {
        self.column(place).map_or("", |column| &column.name)
    }

    pub(super) fn is_hidden(&self, column: &str) -> bool {
        self.hidden.is_redacted(column) || self.hidden.is_ignored(column)
    }

    /// Fails where the record id of this entry may name another row today than it did.
    pub(super) fn must_name_the_same_row(&self, entry: i64) -> Result<()> {
        let name = &self.table.name;
        if self.recorded_key != self.table.primary_key {
            return Err(Error::not_undoable(format!(
                "the key of {name:?} is no longer the one under which its rows were recorded: it was {:?} and is {:?} \
                 now; track it again to record its rows under that one, and only what is recorded from then on can be \
                 undone",
                self.recorded_key, self.table.primary_key
            )));
        }
        match self.rekeyed_by.filter(|change| entry < *change) {
            Some(change) => Err(Error::not_undoable(format!(
                "the key of {name:?} has changed since, with entry {change}, to {:?}: the record id may be another row's \
                 now",
                self.table.primary_key
            ))),
            None => Ok(()),
        }
    }

    /// The columns that may be shown, with their places.
    pub(super) fn shown(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.table.columns.iter().enumerate().filter(|(_, column)| !self.is_hidden(&column.name))
    }

    /// Field by field, what differs between two states of a row, as the log will tell it: an UPDATE's changed fields, and
    /// all fields of a row that comes or goes, the redacted ones without their values.
    pub(super) fn changes(&self, before: Option<&Row>, after: Option<&Row>, action: Action) -> Vec<FieldChange> {
        let value = |row: Option<&Row>, place: usize| row.and_then(|row| row.get(place).cloned().flatten());
        let mut changes = Vec::new();
        for (place, column) in self.table.columns.iter().enumerate() {
            if self.hidden.is_redacted(&column.name) && action != Action::Update {
                changes.push(FieldChange::redacted(&column.name));
            }
            let (old, new) = (value(before, place), value(after, place));
            if old != new && !self.is_hidden(&column.name) {
                changes.push(FieldChange::of(&column.name, old.as_deref(), new.as_deref()));
            }
        }
        changes
    }
}

/// The tables, each asked for once.
pub(super) struct Tables<'a> {
    database: &'a Database,
    rows: &'a Rows<'a>,
    known: HashMap<String, Option<Arc<Known>>>,
}

impl<'a> Tables<'a> {
    pub(super) fn new(database: &'a Database, rows: &'a Rows<'a>) -> Tables<'a> {
        Tables { database, rows, known: HashMap::new() }
    }

    /// The table of this name, none where it is not tracked.
    pub(super) async fn find(&mut self, name: &str) -> Result<Option<Arc<Known>>> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let known = self.ask(name).await?.map(Arc::new);
        self.known.insert(name.to_owned(), known.clone());
        Ok(known)
    }

    /// The table of an entry.
    pub(super) async fn of_entry(&mut self, name: &str) -> Result<Arc<Known>> {
        self.find(name).await?.ok_or_else(|| {
            Error::not_undoable(format!(
                "the table {name:?} is not tracked, or its capture is paused, so that the undo would not be recorded; \
                 track it first"
            ))
        })
    }

    async fn ask(&self, name: &str) -> Result<Option<Known>> {
        let (kind, connection) = (self.database.kind, self.rows.transaction);
        let Some(tracked) = store::tracked(self.database.dialect, connection, name).await? else { return Ok(None) };
        let table = match describe(kind, connection, name).await {
            Err(error) if error.code() == Code::NotFound => {
                return Err(Error::not_undoable(format!("the table {name:?} is not there any more")));
            }
            Err(error) if error.code() == Code::BadUserInput => return Err(Error::not_undoable(error.message())),
            table => table?,
        };
        let references = references(kind, connection, &table).await?;
        let captured = store::about(self.database.dialect, TRACKED_TABLE, &[name]).and(LogColumn::Trusted.eq(true));
        let captured = store::matching(self.database.dialect, connection, captured).await?;
        let hidden = capture::hidden(&table, &tracked);
        self.rows.hide(&hidden);
        let mut known = Known {
            table,
            hidden,
            references,
            uniques: Vec::new(),
            unique_otherwise: false,
            recorded_key: tracked.primary_key,
            rekeyed_by: key_changes(&captured).pop(),
        };
        let keys = self.rows.unique_keys(&known.table).await?;
        known.unique_otherwise = keys.iter().flatten().any(String::is_empty);
        let places = |key: Vec<String>| key.iter().map(|column| known.place(column)).collect();
        known.uniques = keys.into_iter().filter_map(places).collect();
        Ok(Some(known))
    }
}
