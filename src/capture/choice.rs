//! What is chosen for a table: what the caller wishes, and where they say nothing, what was chosen before.

use super::table::{Choice, Hidden, Table};
use super::track::Wish;
use crate::audit::{Error, Result};
use crate::store::Tracked;

/// What was chosen for a tracked table.
pub(super) fn of(tracked: &Tracked) -> Choice {
    Choice {
        hidden: Hidden { redacted: tracked.redacted_columns.clone(), ignored: tracked.ignored_columns.clone() },
        requires_user: tracked.requires_user,
    }
}

/// What is wished for a table, over what was chosen before.
///
/// # Errors
/// BAD_USER_INPUT where a column cannot be hidden; or where a hidden one is gone and might bear another name now.
pub(super) fn wished(wish: &Wish, table: &Table, before: Option<&Tracked>) -> Result<Choice> {
    let present = before.map(of).unwrap_or_default();
    let hidden = Hidden {
        redacted: wish.redacted.clone().unwrap_or(present.hidden.redacted),
        ignored: wish.ignored.clone().unwrap_or(present.hidden.ignored),
    };
    let named = wish.redacted.iter().chain(&wish.ignored).flatten();
    if let Some(unknown) = named.clone().find(|column| table.column(column).is_none()) {
        return Err(Error::bad_input(format!("{:?} has no column {unknown:?}", table.name)));
    }
    let kept = [(&wish.redacted, &hidden.redacted), (&wish.ignored, &hidden.ignored)];
    let kept: Vec<&String> = kept.into_iter().filter(|(wish, _)| wish.is_none()).flat_map(|(_, list)| list).collect();
    let gone = kept.into_iter().find(|column| table.column(column).is_none());
    if let (Some(gone), Some(new)) = (gone, before.and_then(|before| new_column(table, before))) {
        return Err(Error::bad_input(format!(
            "the hidden column {gone:?} of {:?} is gone, and {new:?} is new: where it is the same under another name, its \
             values would be recorded; say anew which columns are redacted and which are ignored",
            table.name
        )));
    }
    for column in hidden.redacted.iter().chain(&hidden.ignored) {
        if table.is_key(column) {
            return Err(Error::bad_input(format!(
                "{column:?} is part of the key of {:?}; without it the log could not tell the rows apart",
                table.name
            )));
        }
        if hidden.is_redacted(column) && hidden.is_ignored(column) {
            return Err(Error::bad_input(format!("{column:?} can be redacted or ignored, not both")));
        }
    }
    Ok(Choice { hidden, requires_user: wish.requires_user.unwrap_or(present.requires_user) })
}

/// What was chosen for a table that has changed since, where nobody can be asked: where a hidden column is gone, each new
/// one may be the same under another name, and is redacted.
pub(super) fn cautious(table: &Table, before: &Tracked) -> Choice {
    let mut choice = of(before);
    let hidden = &mut choice.hidden;
    if hidden.redacted.iter().chain(&hidden.ignored).any(|column| table.column(column).is_none()) {
        let new = table.columns.iter().map(|column| &column.name).filter(|name| is_new(table, before, name));
        let new: Vec<String> =
            new.filter(|name| !hidden.is_redacted(name) && !hidden.is_ignored(name)).cloned().collect();
        hidden.redacted.extend(new);
    }
    choice
}

fn new_column<'a>(table: &'a Table, before: &Tracked) -> Option<&'a String> {
    table.columns.iter().map(|column| &column.name).find(|name| is_new(table, before, name))
}

/// Whether the column could be a hidden one under another name: a key never was hidden.
fn is_new(table: &Table, before: &Tracked, column: &String) -> bool {
    !before.columns.contains(column) && !table.is_key(column)
}
