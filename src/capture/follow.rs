//! What is hidden of a table that may have been altered since it was tracked: that follows the columns, and not their
//! names.
//!
//! PostgreSQL numbers columns, and no renaming changes a number. Elsewhere names and their order are all that is known:
//! SQLite keeps the order when a column is renamed, adds columns at the end, and a column that is dropped moves those
//! behind it by one; a rebuild may do anything. So a hidden name that is gone, or stands among the others where it did not,
//! puts in doubt whatever is new, and whatever stands where the hidden column would by now; and one that is further behind
//! than it was, what is new before it. What is in doubt is hidden.

use super::table::{Column, Hidden, Table};
use crate::store::Tracked;

/// What is hidden of a table as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Followed {
    /// By all names: those that were chosen, and those that the same columns have now.
    pub(super) hidden: Hidden,
    /// Columns that may be hidden ones.
    pub(super) doubted: Vec<String>,
    /// A hidden column that is not there by its name, and a new one that may be it.
    pub(super) lost: Option<(String, String)>,
    /// What of this whoever tracks the table should know, in sentences.
    pub(super) told: Vec<String>,
}

/// Everything that is to be hidden of the table, in doubt too.
pub(crate) fn hidden(table: &Table, before: &Tracked) -> Hidden {
    let chosen = Hidden { redacted: before.redacted_columns.clone(), ignored: before.ignored_columns.clone() };
    follow(table, before, &chosen).all()
}

/// Follows what of the table's former choice is kept.
pub(super) fn follow(table: &Table, before: &Tracked, kept: &Hidden) -> Followed {
    let mut followed = Followed { hidden: kept.clone(), ..Followed::default() };
    let redacted = kept.redacted.iter().map(|name| (name, true));
    for (name, redacted) in redacted.chain(kept.ignored.iter().map(|name| (name, false))) {
        match number(table, before, name) {
            Some(number) => followed.by_number(table, before, name, redacted, number),
            // One that was gone when the table was tracked last is none of the present ones.
            None if before.columns.contains(name) => {
                followed.doubt(table, before, name, suspects(table, before, name));
            }
            None => {}
        }
    }
    followed
}

impl Followed {
    /// What is hidden, and what may have to be.
    pub(super) fn all(self) -> Hidden {
        let mut hidden = self.hidden;
        let open: Vec<String> =
            self.doubted.into_iter().filter(|name| !hidden.is_redacted(name) && !hidden.is_ignored(name)).collect();
        hidden.redacted.extend(open);
        hidden
    }

    fn by_number(&mut self, table: &Table, before: &Tracked, name: &str, redacted: bool, number: i32) {
        let present = table.columns.iter().find(|column| column.number == number);
        match (present, table.column(name)) {
            (Some(present), other) if present.name != name => {
                self.hide(&present.name, redacted);
                let other = other.map(|_| format!(", as does {name:?}, which is another column by now"));
                self.told.push(format!(
                    "The hidden column {name:?} is called {:?} now, and stays hidden{}.",
                    present.name,
                    other.unwrap_or_default()
                ));
            }
            // Dropped. What is new may hold what was copied from it.
            (None, None) => {
                let numbers = &before.hidden_numbers;
                let new = table.columns.iter().filter(|column| is_new(before, column) && !table.is_key(&column.name));
                let new = new.filter(|column| !numbers.values().any(|number| *number == column.number));
                self.doubt(table, before, name, new.collect());
            }
            _ => {}
        }
    }

    fn doubt(&mut self, table: &Table, before: &Tracked, name: &str, suspects: Vec<&Column>) {
        if table.column(name).is_none() && self.lost.is_none() {
            let new = suspects.iter().find(|column| is_new(before, column));
            self.lost = new.map(|new| (name.to_owned(), new.name.clone()));
        }
        let is_open = |column: &str| !self.hidden.is_redacted(column) && !self.hidden.is_ignored(column);
        let open = suspects.iter().map(|column| &column.name).filter(|column| is_open(column));
        let open: Vec<String> = open.filter(|column| !self.doubted.contains(column)).cloned().collect();
        if !open.is_empty() {
            self.told.push(format!(
                "The hidden column {name:?} is not where it was: {} may be the same under another name, and {} redacted.",
                quoted(&open),
                if open.len() == 1 { "is" } else { "are" },
            ));
        }
        self.doubted.extend(open);
    }

    /// Hides a column in the way of the one that it is, whatever was chosen for another of its name.
    fn hide(&mut self, name: &str, redacted: bool) {
        let Hidden { redacted: redacts, ignored: ignores } = &mut self.hidden;
        let (list, other) = if redacted { (redacts, ignores) } else { (ignores, redacts) };
        other.retain(|listed| listed != name);
        if !list.iter().any(|listed| listed == name) {
            list.push(name.to_owned());
        }
    }
}

/// The number of a hidden column, where this is the table that was tracked, and not another of its name.
fn number(table: &Table, before: &Tracked, name: &str) -> Option<i32> {
    let same = table.relation.is_some() && table.relation == before.relation;
    before.hidden_numbers.get(name).copied().filter(|_| same)
}

fn is_new(before: &Tracked, column: &Column) -> bool {
    !before.columns.contains(&column.name)
}

/// The columns that a hidden one may be of which no number is known.
fn suspects<'a>(table: &'a Table, before: &Tracked, name: &str) -> Vec<&'a Column> {
    let columns = &table.columns;
    let then = before.columns.iter().position(|column| column == name).unwrap_or_default();
    let now = columns.iter().position(|column| column.name == name);
    let mut suspects: Vec<&Column> = columns.iter().filter(|column| is_new(before, column)).collect();
    if let Some(now) = now.filter(|now| is_in_order(table, before, *now, then)) {
        // What came before it may be the one that was there, and it one that was added; but for a key, which only a
        // rebuild adds.
        let came = columns[..now].iter().filter(|column| is_new(before, column) && !table.is_key(&column.name));
        return if now > then { came.collect() } else { Vec::new() };
    }
    // A new name in the same place is the plain case.
    if columns.get(then).is_none_or(|column| !is_new(before, column)) {
        // Else each column that was dropped may have moved it; how many were, the number of those that came tells.
        let again = usize::from(now.is_some_and(|now| now + 1 == columns.len()));
        let dropped = (before.columns.len() + suspects.len() + again).saturating_sub(columns.len());
        let places = columns.iter().take(then + 1).skip(then.saturating_sub(dropped));
        suspects.extend(places.filter(|column| !is_new(before, column)));
    }
    // What was and is of the key was not hidden.
    suspects.retain(|column| !(before.primary_key.contains(&column.name) && table.is_key(&column.name)));
    suspects
}

/// Whether the columns that stand before this place stood before that one, as far as they are in both tables.
fn is_in_order(table: &Table, before: &Tracked, now: usize, then: usize) -> bool {
    let stand = table.columns[..now].iter().map(|column| &column.name).filter(|name| before.columns.contains(name));
    let stood = before.columns[..then].iter().filter(|name| table.column(name).is_some());
    let (stand, stood): (Vec<&String>, Vec<&String>) = (stand.collect(), stood.collect());
    stand.len() == stood.len() && stand.iter().all(|name| stood.contains(name))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
