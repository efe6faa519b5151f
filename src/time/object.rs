//! The three questions about an object.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ExprTrait};

use super::snapshot::{Row, Snapshot};
use super::state::Field;
use super::tracking::Tracking;
use super::walk::Walk;
use crate::audit::{Action, Entry, Error, Json, Result, format_timestamp};
use crate::capture::Hidden;
use crate::store::{self, Database, Way};
use afterimage_entity::log::Column;

/// A row of a table, by the name and the key under which its entries are filed.
#[derive(Clone, Debug)]
pub struct Object {
    /// The table.
    pub table_name: String,
    /// The key as text.
    pub record_id: String,
}

/// A field, its value, and who set it.
#[derive(Clone, Debug)]
pub struct Blame {
    /// The column.
    pub field: String,
    /// The value, as an image writes it.
    pub value: Json,
    /// The entry that last set it; none where that was not recorded.
    pub entry: Option<Arc<Entry>>,
}

/// The object, where anything is known of it: an entry about it that counts, or a row of a tracked table.
///
/// # Errors
/// FORBIDDEN where only the row could tell and the server may not read it.
pub async fn find(database: &Database, table_name: String, record_id: String) -> Result<Option<Object>> {
    let object = Object { table_name, record_id };
    let snapshot = Snapshot::take(database, &object).await?;
    let about = store::about(database.dialect, &object.table_name, &[&object.record_id]);
    let counting = if snapshot.tracked.is_some() { about.and(Column::Trusted.eq(true)) } else { about };
    let known = store::latest(database.dialect, &snapshot.transaction, counting).await?.is_some()
        || snapshot.row().await?.is_some();
    snapshot.close().await?;
    Ok(known.then_some(object))
}

impl Object {
    /// The row as it is now, without what is hidden; none where it does not exist, or its table is not tracked.
    ///
    /// # Errors
    /// FORBIDDEN where the server may not read the table.
    pub async fn current(&self, database: &Database) -> Result<Option<Json>> {
        let snapshot = Snapshot::take(database, self).await?;
        let row = snapshot.row().await?;
        snapshot.close().await?;
        let pairs = |row: &Row| Json::of_fields(row.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Ok(row.as_ref().map(pairs))
    }

    /// The row as it was at an instant, as far as that is known; none where it did not exist then.
    ///
    /// # Errors
    /// BAD_USER_INPUT where the log cannot tell whether it existed; FORBIDDEN where the row as it is now is needed, and
    /// the server may not read the table.
    pub async fn at(&self, database: &Database, instant: DateTime<Utc>) -> Result<Option<Json>> {
        let snapshot = Snapshot::take(database, self).await?;
        let fields = self.state_at(&snapshot, instant).await?;
        snapshot.close().await?;
        let pairs = |fields: &Vec<Field>| Json::of_fields(fields.iter().map(|f| (f.name.as_str(), f.value.as_str())));
        Ok(fields.as_ref().map(pairs))
    }

    async fn state_at(&self, snapshot: &Snapshot<'_>, instant: DateTime<Utc>) -> Result<Option<Vec<Field>>> {
        let tracking = snapshot.tracking().await?;
        let hidden = snapshot.hidden(&tracking);
        let connection = &snapshot.transaction;
        if let Some((since, until)) = tracking.gap(instant) {
            return Err(Error::bad_input(format!(
                "what {self} was at {} is not known: the table's changes were not recorded from {} to {}",
                format_timestamp(instant),
                format_timestamp(since),
                format_timestamp(until)
            )));
        }
        let last = snapshot.changes().last(connection, Some(instant)).await?;
        let place = std::cmp::max(last.as_ref().map_or(0, |entry| entry.id), tracking.at(instant));
        let mut walk = Walk { snapshot, tracking: &tracking, hidden: &hidden, place };
        let ceiling = tracking.ceiling(place).unwrap_or(i64::MAX);
        let next = async || {
            let next = snapshot.changes().stretch(connection, Way::Up(place, ceiling), 1, None).await;
            next.map(|mut stretch| stretch.entries.pop())
        };
        match last.filter(|entry| entry.id > tracking.floor(place)) {
            Some(entry) if entry.action != Action::Delete => {}
            // A row that another took the place of under its own key never was away.
            Some(entry) if entry.is_replacement() => match next().await? {
                Some(other) => walk.place = other.id,
                None => return Ok(None),
            },
            Some(_) => return Ok(None),
            None => match next().await? {
                Some(entry) if entry.action == Action::Create => return Ok(None),
                Some(_) => {}
                None if ceiling == i64::MAX && snapshot.is_captured().await? => {
                    if snapshot.row().await?.is_none() {
                        return Ok(None);
                    }
                }
                None => return Err(self.unknown(snapshot, &tracking, instant)),
            },
        }
        walk.state().await.map(Some)
    }

    fn unknown(&self, snapshot: &Snapshot<'_>, tracking: &Tracking, instant: DateTime<Utc>) -> Error {
        let instant = format_timestamp(instant);
        let why = match (&snapshot.tracked, tracking.unbroken_since()) {
            (None, _) => "the table is not tracked, and no entry tells".to_owned(),
            (Some(_), Some(since)) => {
                format!("the table's changes are recorded without a break only since {}", format_timestamp(since))
            }
            (Some(_), None) => "the table's triggers are missing or switched off; track it again".to_owned(),
        };
        Error::bad_input(format!("what {self} was at {instant} is not known: {why}"))
    }

    /// For each field of the row as it is now, or of one that is gone as it was last, who set it.
    ///
    /// # Errors
    /// FORBIDDEN where the server may not read the table.
    pub async fn blame(&self, database: &Database) -> Result<Vec<Blame>> {
        let snapshot = Snapshot::take(database, self).await?;
        let tracking = snapshot.tracking().await?;
        let hidden = snapshot.hidden(&tracking);
        let fields = match snapshot.row().await? {
            Some(row) => of_present(&snapshot, &tracking, &hidden, row).await?,
            None => of_past(&snapshot, &tracking, &hidden).await?,
        };
        snapshot.close().await?;
        let blame = |field: Field| {
            let value = Json::of_database(field.value);
            Blame { field: field.name, value, entry: field.set_by }
        };
        Ok(fields.into_iter().map(blame).collect())
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.table_name, self.record_id)
    }
}

/// Who set the fields of a row that is there.
async fn of_present(snapshot: &Snapshot<'_>, tracking: &Tracking, hidden: &Hidden, row: Row) -> Result<Vec<Field>> {
    // While triggers are missing, anyone may have set anything.
    if !snapshot.is_captured().await? {
        let unseen = |(name, value)| Field { name, value, set_by: None };
        return Ok(row.into_iter().map(unseen).collect());
    }
    let walk = Walk { snapshot, tracking, hidden, place: i64::MAX };
    who_set(&walk, row).await
}

/// Who set the fields of a row that is not there, or that cannot be looked at: the last that the log tells of it.
async fn of_past(snapshot: &Snapshot<'_>, tracking: &Tracking, hidden: &Hidden) -> Result<Vec<Field>> {
    let Some(last) = snapshot.changes().last(&snapshot.transaction, None).await? else { return Ok(Vec::new()) };
    let walk = |place: i64| Walk { snapshot, tracking, hidden, place };
    if last.action != Action::Delete {
        return walk(last.id).state().await;
    }
    let walk = walk(last.id - 1);
    let Some(image) = last.old_values.as_ref().and_then(Json::fields) else {
        return walk.set_before(tracking.columns(walk.place)).await;
    };
    let shown = |name: &str| !hidden.is_redacted(name) && !hidden.is_ignored(name);
    let row = image.into_iter().filter(|(name, _)| shown(name));
    who_set(&walk, row.map(|(name, value)| (name.into_owned(), value.to_owned())).collect()).await
}

async fn who_set(walk: &Walk<'_>, row: Row) -> Result<Vec<Field>> {
    let columns: Vec<String> = row.iter().map(|(name, _)| name.clone()).collect();
    let set = walk.set_before(Some(&columns)).await?;
    let who = |name: &str| set.iter().find(|field| field.name == name).and_then(|field| field.set_by.clone());
    Ok(row.into_iter().map(|(name, value)| Field { set_by: who(&name), name, value }).collect())
}
