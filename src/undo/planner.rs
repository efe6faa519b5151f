//! Putting a plan together: the steps that reverse entries, on the rows as they would be by then.

use std::collections::HashMap;
use std::sync::Arc;

use super::history::History;
use super::plan::{Change, Key, Row, Skipped, Step, Value};
use super::rows::Rows;
use super::tables::{Known, Tables};
use super::view::View;
use crate::audit::{Action, Entry, Error, Json, Result};
use crate::store::Reversal;

/// What a field that cannot go back means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It is left alone.
    FieldByField,
    /// Nothing goes back.
    AllOrNone,
}

/// How many rows a plan may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) rows: usize,
    /// Whether the bound is the server's own, which nothing lifts.
    pub(super) hard: bool,
}

/// A plan in the making.
pub(super) struct Planner<'a> {
    pub(super) history: History<'a>,
    pub(super) rows: &'a Rows<'a>,
    pub(super) tables: Tables<'a>,
    pub(super) view: View<'a>,
    pub(super) manner: Manner,
    pub(super) bound: Bound,
    pub(super) steps: Vec<Step>,
    /// Which step must come after which other one, beside what their values say.
    pub(super) needs: Vec<(usize, usize)>,
    pub(super) skipped: Vec<Skipped>,
    /// Rows that are not meant to change but might, and the values that they are to keep.
    pub(super) watched: Vec<(Arc<Known>, String, Vec<Value>)>,
    /// The defaults of columns, by table and place, as far as they were asked for.
    pub(super) defaults: HashMap<(String, usize), Option<String>>,
}

impl Planner<'_> {
    /// What a column comes to hold where nothing is given, as an image writes it; none where that may be another value
    /// each time.
    pub(super) async fn default_of(&mut self, known: &Known, place: usize) -> Result<Option<String>> {
        let key = (known.table.name.clone(), place);
        if let Some(default) = self.defaults.get(&key) {
            return Ok(default.clone());
        }
        let Some(column) = known.column(place) else { return Ok(None) };
        let default = self.rows.default_of(&known.table, column).await?;
        self.defaults.insert(key, default.clone());
        Ok(default)
    }

    /// Whether the entry can be undone at all: its table, and what its object is called.
    pub(super) async fn undoable(&mut self, entry: &Entry) -> Result<(Arc<Known>, String)> {
        if entry.action == Action::Read {
            return Err(Error::not_undoable("a READ changed nothing that could be undone"));
        }
        let known = self.tables.of_entry(&entry.table_name).await?;
        if !entry.trusted {
            return Err(Error::not_undoable(
                "the entry was made by hand by a caller who is no administrator: what it says of the row is not proven",
            ));
        }
        known.must_name_the_same_row(entry.id)?;
        let record_id = entry.record_id.clone();
        let record_id =
            record_id.ok_or_else(|| Error::not_undoable("the entry names no object: it has no record id"))?;
        Ok((known, record_id))
    }

    /// Plans an INSERT. The row may hold more than is written: what is computed, and what comes by these columns' defaults.
    pub(super) fn insert(
        &mut self,
        known: &Arc<Known>,
        record_id: &str,
        row: Vec<Option<String>>,
        defaults: &[usize],
        entry: i64,
    ) {
        let written = known.table.columns.iter().zip(&row).enumerate();
        let values = written
            .filter(|(place, (column, _))| !column.generated && !defaults.contains(place))
            .filter_map(|(place, (_, text))| Some(Value { place, text: text.clone()? }));
        let values = values.collect();
        let row: Row = Arc::new(row);
        self.view.set((known.table.name.clone(), record_id.to_owned()), Some(row.clone()));
        self.steps.push(Step {
            change: Change::Insert(values),
            after: Some(row),
            reverses: vec![reversal(known, record_id, Action::Create, entry)],
            ..step(known, record_id)
        });
    }

    /// Plans a DELETE of a row that is there.
    pub(super) fn delete(&mut self, known: &Arc<Known>, record_id: &str, row: Row, entry: Option<i64>) {
        self.view.set((known.table.name.clone(), record_id.to_owned()), None);
        self.steps.push(Step {
            before: Some(row),
            reverses: entry.map(|entry| reversal(known, record_id, Action::Delete, entry)).into_iter().collect(),
            ..step(known, record_id)
        });
    }

    /// Plans an UPDATE of a row that is there; nothing where no value is to be set.
    pub(super) fn update(
        &mut self,
        known: &Arc<Known>,
        record_id: &str,
        row: &Row,
        values: Vec<Value>,
        reverses: Vec<Reversal>,
    ) {
        if values.is_empty() {
            return;
        }
        let after = with(row, &values);
        self.view.set((known.table.name.clone(), record_id.to_owned()), Some(after.clone()));
        self.steps.push(Step {
            change: Change::Update(values),
            before: Some(row.clone()),
            after: Some(after),
            reverses,
            ..step(known, record_id)
        });
    }

    /// Plans an UPDATE that changes the row's key.
    pub(super) fn rename(
        &mut self,
        known: &Arc<Known>,
        (record_id, becomes): (&str, &str),
        row: &Row,
        values: Vec<Value>,
        reverses: Vec<Reversal>,
    ) {
        let after = with(row, &values);
        self.view.rename((known.table.name.clone(), record_id.to_owned()), becomes, after.clone());
        self.steps.push(Step {
            becomes: Some(becomes.to_owned()),
            change: Change::Update(values),
            before: Some(row.clone()),
            after: Some(after),
            reverses,
            ..step(known, record_id)
        });
    }

    /// A field is left alone, or else stands in the way.
    pub(super) fn skip(
        &mut self,
        known: &Known,
        record_id: &str,
        field: &str,
        expected: Option<&str>,
        current: Option<&str>,
    ) -> Result<()> {
        if self.manner == Manner::AllOrNone {
            return Err(changed_since(known, record_id, field, expected, current));
        }
        self.leave(known, record_id, field, expected, current);
        Ok(())
    }

    /// A field is left alone, whatever happens to the others.
    pub(super) fn leave(
        &mut self,
        known: &Known,
        record_id: &str,
        field: &str,
        expected: Option<&str>,
        current: Option<&str>,
    ) {
        let json = |text: Option<&str>| text.and_then(Json::parse);
        self.skipped.push(Skipped {
            table_name: known.table.name.clone(),
            record_id: record_id.to_owned(),
            field: field.to_owned(),
            expected: json(expected),
            current: json(current),
        });
    }

    /// Fails where the plan has more rows than it may.
    pub(super) fn refuse_too_many(&self, rows: usize) -> Result<()> {
        let Bound { rows: most, hard } = self.bound;
        match rows > most {
            false => Ok(()),
            true if hard => Err(Error::conflict(format!(
                "the undo would change more than {most} rows, which is more than one undo can"
            ))),
            true => Err(Error::conflict(format!(
                "the undo would change more than {most} rows; look at the preview and pass its `planHash`, or start the \
                 server with a greater `--undo-max-rows`"
            ))),
        }
    }

    /// How many rows the steps planned so far change.
    pub(super) fn changed_rows(&self) -> usize {
        self.view.planned_rows()
    }

    pub(super) fn key(known: &Known, record_id: &str) -> Key {
        (known.table.name.clone(), record_id.to_owned())
    }
}

pub(super) fn reversal(known: &Known, record_id: &str, action: Action, entry: i64) -> Reversal {
    Reversal { table_name: known.table.name.clone(), record_id: record_id.to_owned(), action, entry }
}

fn step(known: &Arc<Known>, record_id: &str) -> Step {
    Step {
        known: known.clone(),
        record_id: record_id.to_owned(),
        becomes: None,
        change: Change::Delete,
        by_reference: false,
        before: None,
        after: None,
        reverses: Vec::new(),
    }
}

/// The row with these values.
fn with(row: &Row, values: &[Value]) -> Row {
    let mut row = row.to_vec();
    for value in values {
        if let Some(place) = row.get_mut(value.place) {
            *place = Some(value.text.clone());
        }
    }
    Arc::new(row)
}

/// How much of a value a sentence tells.
const TOLD: usize = 200;

fn changed_since(known: &Known, record_id: &str, field: &str, expected: Option<&str>, current: Option<&str>) -> Error {
    let told = |value: Option<&str>| match value {
        Some(value) if value.chars().count() > TOLD => value.chars().take(TOLD).chain("…".chars()).collect(),
        Some(value) => value.to_owned(),
        None => "not shown".to_owned(),
    };
    let table = &known.table.name;
    if known.place(field).is_none() {
        return Error::conflict(format!(
            "the column {field:?} of {table:?} is not there any more, so that {record_id:?} cannot \
             get back what it held"
        ));
    }
    Error::conflict(format!(
        "the column {field:?} of {table:?} {record_id:?} was changed since: expected {}, current {}",
        told(expected),
        told(current)
    ))
}
