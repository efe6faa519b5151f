//! What entries on either side of a place in an object's history say of its columns there.

use std::collections::HashSet;
use std::sync::Arc;

use crate::audit::{Action, Entry, Json};
use crate::capture::Hidden;

/// How many columns are looked for by name at the most.
const FEW: usize = 20;

/// A column whose value is known.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// The value's text, as an image writes it.
    pub(super) value: String,
    /// The entry that set it, where it was found.
    pub(super) set_by: Option<Arc<Entry>>,
}

/// What is known of a row at one place of its history.
pub(super) struct State<'a> {
    hidden: &'a Hidden,
    /// The columns that the table had there, where that is known.
    columns: Option<&'a [String]>,
    fields: Vec<Field>,
    /// Whether an image of the whole row was met.
    whole: bool,
}

/// One direction from that place, and the columns that can no longer be learned on that way.
#[derive(Default)]
pub(super) struct Side {
    lost: HashSet<String>,
    /// Whether what lies further away says nothing about the place.
    pub(super) ended: bool,
}

impl Side {
    /// Nothing more is learned of these columns on this way.
    pub(super) fn lose<'a>(&mut self, columns: impl Iterator<Item = &'a String>) {
        self.lost.extend(columns.cloned());
    }
}

impl<'a> State<'a> {
    pub(super) fn new(hidden: &'a Hidden, columns: Option<&'a [String]>) -> State<'a> {
        State { hidden, columns, fields: Vec::new(), whole: false }
    }

    /// Whether nothing is left to be learned.
    pub(super) fn is_complete(&self) -> bool {
        match self.columns {
            Some(columns) => columns.iter().all(|column| self.is_hidden(column) || self.knows(column)),
            None => self.whole,
        }
    }

    /// The columns that are still to be learned, where all are known by name and few are left.
    pub(super) fn missing(&self) -> Option<Vec<&'a str>> {
        let missing = self.columns?.iter().filter(|column| !self.is_hidden(column) && !self.knows(column));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        (missing.len() <= FEW).then_some(missing)
    }

    /// An entry at the place or before it; they come the newest first.
    pub(super) fn look_back(&mut self, side: &mut Side, entry: &Arc<Entry>) {
        let new = fields(entry.new_values.as_ref());
        match entry.action {
            Action::Update => {
                self.learn(side, &new, Some(entry));
                let old = fields(entry.old_values.as_ref());
                side.lose(names(&old).iter().chain(redacted(entry).iter()));
            }
            // A row that was there when tracking began: who set its values is not known.
            Action::Create | Action::Read => {
                self.learn(side, &new, (entry.action == Action::Create).then_some(entry));
                self.whole |= entry.new_values.is_some();
                side.ended = true;
            }
            Action::Delete => side.ended = true,
        }
    }

    /// An entry after the place; they come the oldest first.
    pub(super) fn look_ahead(&mut self, side: &mut Side, entry: &Entry) {
        let old = fields(entry.old_values.as_ref());
        match entry.action {
            Action::Update => {
                self.learn_then(side, &old);
                let new = fields(entry.new_values.as_ref());
                side.lose(names(&new).iter().chain(redacted(entry).iter()));
            }
            Action::Delete => {
                self.learn_then(side, &old);
                self.whole |= entry.old_values.is_some();
                side.ended = true;
            }
            Action::Read => {
                self.learn_then(side, &fields(entry.new_values.as_ref()));
                self.whole = true;
                side.ended = true;
            }
            Action::Create => side.ended = true,
        }
    }

    /// The whole row as it is now, where every change since the place was seen.
    pub(super) fn look_at_present(&mut self, side: &mut Side, row: &[(String, String)]) {
        let fields: Vec<(String, &str)> = row.iter().map(|(name, value)| (name.clone(), value.as_str())).collect();
        self.learn_then(side, &fields);
        self.whole = true;
        side.ended = true;
    }

    /// What is known, in the order of these columns; others follow.
    pub(super) fn into_fields(self, present: &[String]) -> Vec<Field> {
        let order = self.columns.unwrap_or(present);
        let place = |field: &Field| order.iter().position(|column| *column == field.name).unwrap_or(usize::MAX);
        let mut fields = self.fields;
        fields.sort_by_key(place);
        fields
    }

    /// What an entry after the place says of it: also of columns that came later, which the row did not have there.
    fn learn_then(&mut self, side: &Side, fields: &[(String, &str)]) {
        let was_there = |name: &String| self.columns.is_none_or(|columns| columns.contains(name));
        let fields: Vec<(String, &str)> = fields.iter().filter(|(name, _)| was_there(name)).cloned().collect();
        self.learn(side, &fields, None);
    }

    fn learn(&mut self, side: &Side, fields: &[(String, &str)], set_by: Option<&Arc<Entry>>) {
        for (name, value) in fields {
            if !side.lost.contains(name) && !self.is_hidden(name) && !self.knows(name) {
                let (name, value) = (name.clone(), (*value).to_owned());
                self.fields.push(Field { name, value, set_by: set_by.cloned() });
            }
        }
    }

    fn knows(&self, column: &str) -> bool {
        self.fields.iter().any(|field| field.name == column)
    }

    fn is_hidden(&self, column: &str) -> bool {
        self.hidden.is_redacted(column) || self.hidden.is_ignored(column)
    }
}

/// The members of an image. Those of an object that names one twice count once, the first time.
fn fields(image: Option<&Json>) -> Vec<(String, &str)> {
    let fields = image.and_then(Json::fields).unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
}

fn names(fields: &[(String, &str)]) -> Vec<String> {
    fields.iter().map(|(name, _)| name.clone()).collect()
}

fn redacted(entry: &Entry) -> Vec<String> {
    entry.redacted.iter().map(|(name, _)| name.clone()).collect()
}
