//! What is chosen for a table: what the caller wishes, and where they say nothing, what was chosen before.

use super::follow::follow;
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

/// What is chosen now, and what whoever tracks the table should know of it, in sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) choice: Choice,
    pub(super) told: Vec<String>,
}

/// What is wished for a table, over what was chosen before.
///
/// # Errors
/// BAD_USER_INPUT where a column cannot be hidden; or where a hidden one is gone and might bear another name now.
pub(super) fn wished(wish: &Wish, table: &Table, before: Option<&Tracked>) -> Result<Chosen> {
    let named = wish.redacted.iter().chain(&wish.ignored).flatten();
    if let Some(unknown) = named.clone().find(|column| table.column(column).is_none()) {
        return Err(Error::bad_input(format!("{:?} has no column {unknown:?}", table.name)));
    }
    let mut kept = before.map(of).unwrap_or_default().hidden;
    if wish.redacted.is_some() {
        kept.redacted.clear();
    }
    if wish.ignored.is_some() {
        kept.ignored.clear();
    }
    let mut followed = before.map(|before| follow(table, before, &kept)).unwrap_or_default();
    if let Some((gone, new)) = followed.lost {
        return Err(Error::bad_input(format!(
            "the hidden column {gone:?} of {:?} is gone, and {new:?} is new: where it is the same under another name, its \
             values would be recorded; say anew which columns are redacted and which are ignored",
            table.name
        )));
    }
    // Somebody has said of these what they are.
    let said = |column: &String| named.clone().any(|named| named == column);
    followed.doubted.retain(|column| !said(column));
    let told = std::mem::take(&mut followed.told);
    let mut hidden = followed.all();
    hidden.redacted.splice(0..0, wish.redacted.iter().flatten().cloned());
    hidden.ignored.splice(0..0, wish.ignored.iter().flatten().cloned());
    check(table, &hidden)?;
    let requires_user = wish.requires_user.unwrap_or(before.is_some_and(|before| before.requires_user));
    Ok(Chosen { choice: Choice { hidden, requires_user }, told })
}

/// What was chosen for a table that has changed since, where nobody can be asked: what may be a hidden column under another
/// name is redacted.
///
/// # Errors
/// BAD_USER_INPUT where such a column cannot be hidden.
pub(super) fn cautious(table: &Table, before: &Tracked) -> Result<Chosen> {
    let Choice { hidden, requires_user } = of(before);
    let mut followed = follow(table, before, &hidden);
    let told = std::mem::take(&mut followed.told);
    let hidden = followed.all();
    check(table, &hidden)?;
    Ok(Chosen { choice: Choice { hidden, requires_user }, told })
}

fn check(table: &Table, hidden: &Hidden) -> Result<()> {
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
    Ok(())
}
