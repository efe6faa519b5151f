//! What an undo is going to do, row by row, and what it leaves alone.

use std::sync::Arc;

use super::tables::Known;
use crate::audit::{Action, Entry, FieldChange, Json};
use crate::store::Reversal;

/// A row: its table's name and its record id.
pub(super) type Key = (String, String);

/// The values of a row as images write them, in the order of the table's columns; none where a value is hidden or not
/// known.
pub(super) type Row = Arc<Vec<Option<String>>>;

/// A column, by its place in the table, and the value that it is to have, as an image writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) place: usize,
    pub(super) text: String,
}

/// What is done to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is inserted with these values; what has none gets its default.
    Insert(Vec<Value>),
    /// These values are set.
    Update(Vec<Value>),
    /// It is deleted.
    Delete,
}

/// One change of one row.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) known: Arc<Known>,
    /// The row, as it is called when the step's turn has come.
    pub(super) record_id: String,
    /// What it is called afterwards, where the change is one of its key.
    pub(super) becomes: Option<String>,
    pub(super) change: Change,
    /// Whether its values follow from a foreign key's SET NULL or SET DEFAULT.
    pub(super) by_reference: bool,
    /// The row before and after, as planned.
    pub(super) before: Option<Row>,
    pub(super) after: Option<Row>,
    /// What the log will tell of it.
    pub(super) reverses: Vec<Reversal>,
}

/// A field that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The table of its row.
    pub table_name: String,
    /// The key of its row.
    pub record_id: String,
    /// The column.
    pub field: String,
    /// The value that would have been set back.
    pub expected: Option<Json>,
    /// The value that it has.
    pub current: Option<Json>,
}

/// A row that changes.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Its table.
    pub table_name: String,
    /// Its key.
    pub record_id: String,
    /// What is done to it.
    pub action: Action,
    /// Field by field, what changes.
    pub changes: Vec<FieldChange>,
}

/// Steps that go together: of one kind, on rows of one table that do not depend on each other, or else a circle of rows
/// none of which can go first.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) steps: Vec<Step>,
    /// Whether they have to be one statement, where the database can do that.
    pub(super) circle: bool,
}

/// What an undo is going to do.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The entry, or the last of the transaction.
    pub(super) entry: Entry,
    /// In the order in which they are carried out.
    pub(super) groups: Vec<Group>,
    /// How each row is to end.
    pub(super) ends: Vec<End>,
    pub(super) skipped: Vec<Skipped>,
    /// Later entries about the same fields or objects.
    pub(super) later: Vec<Entry>,
    pub(super) hash: String,
}

/// How a row is to end.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) known: Arc<Known>,
    pub(super) record_id: String,
    /// Whether it is there.
    pub(super) there: bool,
    /// Whether anything about it differs from how it began: only then must the log tell of it.
    pub(super) differs: bool,
    /// The values that were planned for it.
    pub(super) values: Vec<Value>,
    /// What a correction of it would reverse.
    pub(super) reverses: Vec<Reversal>,
}

impl Step {
    /// The columns that the step writes.
    pub(super) fn values(&self) -> &[Value] {
        match &self.change {
            Change::Insert(values) | Change::Update(values) => values,
            Change::Delete => &[],
        }
    }

    /// The row that it ends as.
    pub(super) fn end(&self) -> &str {
        self.becomes.as_deref().unwrap_or(&self.record_id)
    }

    /// What the log will tell of it: a change of the key as two entries.
    pub(super) fn effects(&self) -> Vec<Effect> {
        let effect = |record_id: &str, action, before: Option<&Row>, after: Option<&Row>| Effect {
            table_name: self.known.table.name.clone(),
            record_id: record_id.to_owned(),
            action,
            changes: self.known.changes(before, after, action),
        };
        match (&self.change, &self.becomes) {
            (Change::Update(_), Some(becomes)) => vec![
                effect(&self.record_id, Action::Delete, self.before.as_ref(), None),
                effect(becomes, Action::Create, None, self.after.as_ref()),
            ],
            (Change::Update(values), None) => {
                let planned = |column: &str| values.iter().any(|value| self.known.name(value.place) == column);
                let mut effect = effect(&self.record_id, Action::Update, self.before.as_ref(), self.after.as_ref());
                effect.changes.retain(|change| planned(&change.field));
                vec![effect]
            }
            (Change::Insert(_), _) => vec![effect(&self.record_id, Action::Create, None, self.after.as_ref())],
            (Change::Delete, _) => vec![effect(&self.record_id, Action::Delete, self.before.as_ref(), None)],
        }
    }
}

impl Plan {
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.groups.iter().flat_map(|group| &group.steps)
    }

    pub(super) fn effects(&self) -> Vec<Effect> {
        let effects = self.steps().flat_map(Step::effects);
        effects.filter(|effect| effect.action != Action::Update || !effect.changes.is_empty()).collect()
    }
}
