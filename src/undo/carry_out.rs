//! Carrying a plan out, and holding the rows against it.

use std::collections::{BTreeSet, HashMap};

use super::plan::{Change, End, Group, Plan, Step, Value};
use super::revert::is_time;
use super::rows::{Rows, text};
use crate::audit::{Code, Error, Result, is_still};
use crate::capture::Column;
use crate::store::{Reversal, Write};

/// Where the transaction stood before the first step.
const BEFORE: &str = "afterimage_before";

/// Of how many rows of a group it is asked which one was refused.
const ASKED: usize = 20;

/// Carries the plan out, so that each row ends as planned; the corrections that this took.
pub(super) async fn carry_out(write: &Write<'_>, rows: &Rows<'_>, plan: &Plan) -> Result<Vec<Step>> {
    rows.say(&format!("SAVEPOINT {BEFORE}")).await?;
    for (place, group) in plan.groups.iter().enumerate() {
        let reversals = reversals(group, &plan.groups[place + 1..]);
        if let Err(error) = perform(write, rows, group, &reversals).await {
            return Err(explained(rows, group, error).await);
        }
    }
    if let Some(step) = plan.steps().next() {
        rows.check_constraints(&step.known.table).await?;
    }
    let corrections = differences(rows, &plan.ends).await?;
    for step in &corrections {
        let group = Group { steps: vec![step.clone()], circle: false };
        perform(write, rows, &group, &reversals(&group, &[])).await?;
    }
    if let Some(step) = differences(rows, &plan.ends).await?.first() {
        let columns: Vec<&str> = step.values().iter().map(|value| step.known.name(value.place)).collect();
        return Err(Error::conflict(format!(
            "a trigger of {:?} gives the column {:?} of {:?} another value than the undo did",
            step.known.table.name,
            columns.join(", "),
            step.record_id
        )));
    }
    Ok(corrections)
}

/// Carries one group out. What triggers and cascades do besides reverses nothing, unless it is done to a row of which
/// one of the reversals tells.
async fn perform(write: &Write<'_>, rows: &Rows<'_>, group: &Group, reversals: &[Reversal]) -> Result<()> {
    write.reverses(reversals).await?;
    rows.perform(group).await?;
    if !reversals.is_empty() {
        write.reverses_no_more().await?;
    }
    Ok(())
}

/// What the log will tell of a group; and of the later steps that a foreign key's ON UPDATE carries out with it.
fn reversals(group: &Group, later: &[Group]) -> Vec<Reversal> {
    let carries = |by: &Step, step: &Step| {
        let sets = |column: &str| by.values().iter().any(|value| by.known.name(value.place) == column);
        by.known.references.iter().any(|reference| {
            reference.on_update_writes
                && reference.child == step.known.table.name
                && reference.columns.iter().any(|(_, column)| sets(column))
        })
    };
    let updates = |step: &&Step| matches!(step.change, Change::Update(_));
    let mut carried: Vec<&Step> = Vec::new();
    for by in group.steps.iter().filter(updates).filter(|by| by.known.references.iter().any(|of| of.on_update_writes)) {
        carried.extend(later.iter().flat_map(|group| &group.steps).filter(updates).filter(|step| carries(by, step)));
    }
    let mut seen = BTreeSet::new();
    let all = group.steps.iter().rev().chain(carried).flat_map(|step| &step.reverses);
    all.filter(|of| seen.insert((of.table_name.clone(), of.record_id.clone(), of.action.as_str()))).cloned().collect()
}

/// What the database refused, with what it does not tell itself: which column a value does not fit, and which row has a
/// unique value.
async fn explained(rows: &Rows<'_>, group: &Group, error: Error) -> Error {
    let error = match error.code() {
        Code::NotUndoable if group.steps.iter().any(|step| step.by_reference) => {
            return Error::conflict(format!("a row that refers to the object cannot be set: {}", error.message()));
        }
        Code::Conflict if !error.is_busy() => error,
        _ => return error,
    };
    match why(rows, group).await {
        Ok(Some(why)) => Error::conflict(format!("{}; {why}", error.message())).caused_by(error),
        _ => error,
    }
}

async fn why(rows: &Rows<'_>, group: &Group) -> Result<Option<String>> {
    rows.say(&format!("ROLLBACK TO SAVEPOINT {BEFORE}")).await?;
    for step in group.steps.iter().take(ASKED) {
        for places in &step.known.uniques {
            let taken = places.iter().any(|place| step.values().iter().any(|value| value.place == *place));
            let Some(statement) = rows.dml.same_values(step, places).filter(|_| taken) else { continue };
            if let Some(row) = rows.query(statement).await.ok().unwrap_or_default().first() {
                let columns: Vec<&str> = places.iter().map(|place| step.known.name(*place)).collect();
                return Ok(Some(format!(
                    "the row {:?} has the values of {columns:?} that {:?} should get back",
                    text(row, 0)?,
                    step.record_id
                )));
            }
            rows.say(&format!("ROLLBACK TO SAVEPOINT {BEFORE}")).await?;
        }
    }
    for step in group.steps.iter().take(ASKED) {
        for value in step.values() {
            let Some(column) = step.known.column(value.place) else { continue };
            let Some(statement) = rows.dml.fits(column, &value.text) else { continue };
            if rows.query(statement).await.is_err() {
                return Ok(Some(format!(
                    "the column {:?} of {:?}, which is of type {:?}, does not take what {:?} held",
                    column.name, step.known.table.name, column.type_name, step.record_id,
                )));
            }
        }
    }
    Ok(None)
}

/// The steps that would make each row what it should be: a trigger may have had its own idea of a value.
async fn differences(rows: &Rows<'_>, ends: &[End]) -> Result<Vec<Step>> {
    let mut tables: HashMap<&str, Vec<&End>> = HashMap::new();
    for end in ends {
        tables.entry(&end.known.table.name).or_default().push(end);
    }
    let mut corrections = Vec::new();
    for ends in tables.values() {
        let Some(first) = ends.first() else { continue };
        let (known, table) = (&first.known, &first.known.table);
        let shown: Vec<(usize, &Column)> = known.shown().collect();
        let columns: Vec<&Column> = shown.iter().map(|(_, column)| *column).collect();
        let record_ids: Vec<String> = ends.iter().map(|end| end.record_id.clone()).collect();
        let found: HashMap<String, Vec<String>> = rows.read(table, &columns, &record_ids).await?.into_iter().collect();
        for end in ends {
            let Some(row) = found.get(&end.record_id).filter(|_| end.there) else {
                if end.there == found.contains_key(&end.record_id) {
                    continue;
                }
                let what = match end.there {
                    true => "is not there after the undo: a trigger, or a foreign key's action, took it away again",
                    false => "is there again after the undo: a trigger of the table put it back",
                };
                return Err(Error::conflict(format!("the row {:?} {:?} {what}", table.name, end.record_id)));
            };
            let current = |place: usize| shown.iter().position(|(shown, _)| *shown == place).map(|at| &row[at]);
            let differs = |value: &&Value| {
                let is_kept = known.column(value.place).is_none_or(is_time);
                !is_kept && current(value.place).is_some_and(|current| !is_still(&value.text, current))
            };
            let values: Vec<Value> = end.values.iter().filter(differs).cloned().collect();
            if !values.is_empty() {
                corrections.push(correction(end, values));
            }
        }
    }
    Ok(corrections)
}

fn correction(end: &End, values: Vec<Value>) -> Step {
    use crate::audit::Action;
    let action = |reversal: &Reversal| Reversal { action: Action::Update, ..reversal.clone() };
    Step {
        known: end.known.clone(),
        record_id: end.record_id.clone(),
        becomes: None,
        change: Change::Update(values),
        by_reference: false,
        before: None,
        after: None,
        reverses: end.reverses.iter().filter(|of| of.record_id == end.record_id).take(1).map(action).collect(),
    }
}
