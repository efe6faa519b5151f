//! Which UPDATEs a trigger is for.
//!
//! SQLite compiles a trigger UPDATE OF some columns only into statements that set one of them, so that what is there for
//! the sake of keys costs nothing where no key is set. It goes by the names that the statement gives: what a foreign key
//! sets has them too, a generated column never has, and the row's number is whichever of its names is used. It does not
//! ask whether there is such a column.

use super::keys::{ROW_NUMBERS, Shape, Term};
use super::names::{identifier, same};
use crate::capture::Table;

/// How many columns a SELECT may have, as a table may. That of an entry which renews the stash has one more than the table.
const MOST_COLUMNS: usize = 2000;

/// The UPDATEs that may make another object of a row.
pub fn of_key(table: &Table) -> String {
    of(table, table.primary_key.iter())
}

/// The UPDATEs that may move a row into another's way, or come between a REPLACE and its AFTER trigger, as far as that can
/// be told from the columns that they set; else all.
pub fn of_unique(table: &Table, shape: &Shape) -> String {
    if !is_told(table, shape) {
        return String::new();
    }
    let unique = shape.unique.iter().flat_map(|key| &key.terms).filter_map(|term| match term {
        Term::Column { name, .. } => Some(name),
        Term::Expression { .. } => None,
    });
    of(table, table.primary_key.iter().chain(unique).chain(&shape.set_within))
}

/// Whether an UPDATE that sets no column of a unique key leaves all of them as they are, and renews the stash by the
/// entry that it makes: see [`super::stash`].
pub fn is_told(table: &Table, shape: &Shape) -> bool {
    let plain = |term: &Term| match term {
        Term::Column { name, .. } => table.column(name).is_some_and(|column| !column.generated),
        Term::Expression { .. } => false,
    };
    table.columns.len() < MOST_COLUMNS
        && !shape.circle
        && shape.unique.iter().all(|key| key.filter.is_none() && key.terms.iter().all(plain))
}

fn of<'a>(table: &Table, columns: impl Iterator<Item = &'a String>) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in columns.map(|name| identifier(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let taken = |name: &str| table.columns.iter().any(|column| same(&column.name, name));
    names.extend(ROW_NUMBERS.into_iter().filter(|name| !taken(name)).map(str::to_owned));
    format!(" OF {}", names.join(", "))
}
