//! Whether every row refers to one that is there, on a database that says so only at the commit, and not which: a
//! rehearsal never gets there.
//!
//! The log tells which rows the undo wrote, those that triggers and foreign keys wrote among them, and which values were
//! lost that others may refer to. Nothing else can have come to refer to nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::plan::Key;
use super::rows::{Rows, text};
use super::tables::{Known, Tables};
use crate::audit::{Action, Entry, Error, Json, Result};
use crate::capture::{Column, Reference};
use crate::store::failed;

/// A foreign key of a table.
struct ForeignKey {
    number: i64,
    parent: String,
    /// Its columns, each with the parent's.
    columns: Vec<(String, String)>,
}

/// The columns of a row that were written; none where all were.
type Written = Option<BTreeSet<String>>;

/// Fails where a row that these entries tell of refers to one that is not there, or was referred to and is not there.
pub(super) async fn must_have_parents(rows: &Rows<'_>, tables: &mut Tables<'_>, entries: &[Entry]) -> Result<()> {
    let mut keys: HashMap<&str, Vec<ForeignKey>> = HashMap::new();
    for ((table, record_id), written) in &written(entries) {
        let Some(known) = tables.find(table).await? else { continue };
        if !keys.contains_key(table) {
            let Some(found) = foreign_keys(rows, &known).await? else { return Ok(()) };
            keys.insert(table, found);
        }
        let is_written = |key: &&ForeignKey| written.as_ref().is_none_or(|written| key.is_among(written));
        for key in keys.get(table).into_iter().flatten().filter(is_written) {
            must_have_parent(rows, &known, key, record_id).await?;
        }
    }
    must_leave_none_behind(rows, tables, entries).await
}

impl ForeignKey {
    /// Whether one of these columns is its own. Its clause may spell them in another case.
    fn is_among(&self, written: &BTreeSet<String>) -> bool {
        self.columns.iter().any(|(from, _)| written.iter().any(|column| column.eq_ignore_ascii_case(from)))
    }
}

/// Which rows were written, and what of each.
fn written(entries: &[Entry]) -> BTreeMap<(&str, &str), Written> {
    let mut rows: BTreeMap<(&str, &str), Written> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.action != Action::Delete) {
        let Some(record_id) = entry.record_id.as_deref() else { continue };
        let columns = columns_of(entry, entries);
        let row = rows.entry((entry.table_name.as_str(), record_id)).or_insert_with(|| Some(BTreeSet::new()));
        *row = row.take().zip(columns).map(|(row, columns)| &row | &columns);
    }
    rows
}

/// What an entry wrote: of a change of the key, what differs.
fn columns_of(entry: &Entry, entries: &[Entry]) -> Written {
    let old = match entry.action {
        Action::Update => entry.old_values.as_ref(),
        _ => {
            entry.previous_record_id.as_ref()?;
            let is_half = |other: &&Entry| {
                other.action == Action::Delete
                    && other.table_name == entry.table_name
                    && other.record_id == entry.previous_record_id
                    && other.previous_record_id == entry.record_id
            };
            entries.iter().find(is_half)?.old_values.as_ref()
        }
    };
    let (old, new) = (old.and_then(Json::fields)?, entry.new_values.as_ref().and_then(Json::fields)?);
    let differs = new.iter().filter(|field| !old.contains(field)).map(|(name, _)| name.to_string());
    Some(differs.chain(entry.redacted.iter().map(|(name, _)| name.clone())).collect())
}

/// The foreign keys of a table; none where the database has said by now what it has to say of them.
async fn foreign_keys(rows: &Rows<'_>, known: &Known) -> Result<Option<Vec<ForeignKey>>> {
    let Some(statement) = rows.dml.foreign_keys(&known.table) else { return Ok(None) };
    let mut keys: Vec<ForeignKey> = Vec::new();
    for row in rows.query(statement).await? {
        let number: i64 = row.try_get_by_index(0).map_err(failed)?;
        let pair = (text(&row, 2)?, text(&row, 3)?);
        match keys.last_mut() {
            Some(last) if last.number == number => last.columns.push(pair),
            _ => keys.push(ForeignKey { number, parent: text(&row, 1)?, columns: vec![pair] }),
        }
    }
    Ok(Some(keys))
}

async fn must_have_parent(rows: &Rows<'_>, known: &Known, key: &ForeignKey, record_id: &str) -> Result<()> {
    let statement = rows.dml.dangling(&known.table, &key.parent, &key.columns, record_id);
    match rows.query(statement).await?.first() {
        Some(row) => {
            let child = format!("{:?} {record_id:?}", known.table.name);
            Err(refusal(rows, &child, &key.parent, &key.columns, text(row, 0)?))
        }
        None => Ok(()),
    }
}

fn refusal(rows: &Rows<'_>, child: &str, parent: &str, columns: &[(String, String)], value: String) -> Error {
    let names: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
    let value = if rows.is_hidden(&names) { "not shown".to_owned() } else { value };
    Error::conflict(format!(
        "{child} refers to a row of {parent:?} that is not there: its {:?} is {value}",
        names.join(", ")
    ))
}

/// Fails where a row still refers to values that the entries took away. They are walked from the last to the first, so
/// that each row is known as it was.
async fn must_leave_none_behind(rows: &Rows<'_>, tables: &mut Tables<'_>, entries: &[Entry]) -> Result<()> {
    let mut before: HashMap<Key, HashMap<String, String>> = HashMap::new();
    for entry in entries.iter().rev() {
        let Some(record_id) = &entry.record_id else { continue };
        let key = (entry.table_name.clone(), record_id.clone());
        if entry.action == Action::Create {
            before.remove(&key);
            continue;
        }
        let old = entry.old_values.as_ref().and_then(Json::fields).unwrap_or_default();
        let old: HashMap<String, String> =
            old.into_iter().map(|(name, value)| (name.into_owned(), value.to_owned())).collect();
        let row = before.entry(key).or_default();
        row.extend(old.clone());
        let Some(known) = tables.find(&entry.table_name).await? else { continue };
        if rows.dml.foreign_keys(&known.table).is_none() {
            return Ok(());
        }
        for reference in &known.references {
            if reference.columns.iter().any(|(_, to)| old.contains_key(to)) {
                must_not_be_referred_to(rows, tables, &known, reference, record_id, row).await?;
            }
        }
    }
    Ok(())
}

async fn must_not_be_referred_to(
    rows: &Rows<'_>,
    tables: &mut Tables<'_>,
    known: &Arc<Known>,
    reference: &Reference,
    record_id: &str,
    row: &HashMap<String, String>,
) -> Result<()> {
    let Some(values) = referenced(rows, known, reference, record_id, row).await? else { return Ok(()) };
    let child = tables.find(&reference.child).await?;
    let child_table = child.as_ref().map(|child| &child.table);
    let Some(statement) = rows.dml.left_behind(reference, child_table, &known.table, &values) else { return Ok(()) };
    let found = rows.query(statement).await?;
    let Some(left) = found.first() else { return Ok(()) };
    let id: Option<String> = left.try_get_by_index(1).map_err(failed)?;
    let child = match id {
        Some(id) => format!("{:?} {id:?}", reference.child),
        None => format!("a row of {:?}", reference.child),
    };
    Err(refusal(rows, &child, &known.table.name, &reference.columns, text(left, 0)?))
}

/// The values by which the row was referred to; none where one is null, to which nothing refers, or is not known.
async fn referenced(
    rows: &Rows<'_>,
    known: &Known,
    reference: &Reference,
    record_id: &str,
    row: &HashMap<String, String>,
) -> Result<Option<Vec<String>>> {
    let mut values = Vec::new();
    for (_, to) in &reference.columns {
        let value = match row.get(to) {
            Some(value) => Some(value.clone()),
            // No entry changed it since: it is what it was.
            None => present(rows, known, to, record_id).await?,
        };
        match value {
            Some(value) if value != "null" => values.push(value),
            _ => return Ok(None),
        }
    }
    Ok(Some(values))
}

async fn present(rows: &Rows<'_>, known: &Known, name: &str, record_id: &str) -> Result<Option<String>> {
    let columns: Vec<&Column> = known.table.columns.iter().filter(|column| column.name == name).collect();
    let found = rows.read(&known.table, &columns, &[record_id.to_owned()]).await?;
    Ok(found.into_iter().next().and_then(|(_, values)| values.into_iter().next()))
}
