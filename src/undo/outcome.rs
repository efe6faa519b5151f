//! What came of an undo, as the log tells it.

use std::collections::{HashMap, HashSet};

use super::history::History;
use super::plan::{Change, Effect, Plan, Skipped, Step};
use super::rows::Rows;
use crate::audit::{Action, Entry, Error, Json, Result, is_still};
use crate::store;

/// What an undo did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The latest entry about the object; of a transaction, the last one written.
    pub latest: Entry,
    /// Every entry that the undo wrote, in the order written.
    pub entries: Vec<Entry>,
    /// The rows that changed as planned.
    pub effects: Vec<Effect>,
    /// What the tables' own triggers changed besides.
    pub derived: Vec<Effect>,
    /// The fields left alone.
    pub skipped: Vec<Skipped>,
}

/// A change that was meant, and that the log may tell of.
struct Meant<'p> {
    step: &'p Step,
    record_id: &'p str,
    action: Action,
}

impl<'p> Meant<'p> {
    fn of(step: &'p Step) -> Vec<Meant<'p>> {
        let meant = |record_id, action| Meant { step, record_id, action };
        match (&step.change, &step.becomes) {
            (Change::Update(_), Some(becomes)) => {
                vec![meant(&step.record_id, Action::Delete), meant(becomes, Action::Create)]
            }
            (Change::Update(_), None) => vec![meant(&step.record_id, Action::Update)],
            (Change::Insert(_), _) => vec![meant(&step.record_id, Action::Create)],
            (Change::Delete, _) => vec![meant(&step.record_id, Action::Delete)],
        }
    }

    /// Whether the change of this field is what was meant, and no trigger's.
    fn means(&self, field: &str, now: Option<&str>) -> bool {
        let known = &self.step.known;
        match self.step.values().iter().find(|value| known.name(value.place) == field) {
            Some(_) if self.step.by_reference => true,
            Some(value) => now.is_none_or(|now| is_still(&value.text, now)),
            None => self.action != Action::Update,
        }
    }

    /// Whether the entry tells of this change. An UPDATE in which no field became what was meant is a trigger's.
    fn is_told_by(&self, entry: &Entry) -> bool {
        if entry.action != self.action
            || entry.table_name != self.step.known.table.name
            || entry.record_id.as_deref() != Some(self.record_id)
        {
            return false;
        }
        let now = entry.new_values.as_ref().and_then(Json::fields).unwrap_or_default();
        self.action != Action::Update || now.iter().any(|(name, value)| self.means(name, Some(value))) || now.is_empty()
    }
}

/// What the undo's transaction wrote into the log, held against what was meant. `corrections` came after the plan.
pub(super) async fn read_back(
    history: History<'_>,
    rows: &Rows<'_>,
    plan: &Plan,
    corrections: &[Step],
    whole: bool,
) -> Result<Outcome> {
    let transaction_id = rows.transaction_id().await?;
    let entries = store::by_transaction(history.database.dialect, history.transaction, &transaction_id).await?;
    must_be_recorded(plan, &entries)?;
    let mut open: Vec<Option<Meant<'_>>> = plan.steps().chain(corrections).flat_map(Meant::of).map(Some).collect();
    let places = places_of(&open);
    let (mut effects, mut derived) = (Vec::new(), Vec::new());
    for entry in &entries {
        let Some(record_id) = entry.record_id.clone() else { continue };
        let mut candidates = places.get(&(entry.table_name.as_str(), record_id.as_str())).into_iter().flatten();
        let told = candidates.find(|place| open[**place].as_ref().is_some_and(|meant| meant.is_told_by(entry)));
        let meant = told.and_then(|place| open[*place].take());
        let now = entry.new_values.as_ref().and_then(Json::fields).unwrap_or_default();
        let now = |field: &str| now.iter().find(|(name, _)| name == field).map(|(_, value)| *value);
        let (as_meant, besides): (Vec<_>, Vec<_>) = entry
            .changes()
            .into_iter()
            .partition(|change| meant.as_ref().is_some_and(|meant| meant.means(&change.field, now(&change.field))));
        let effect = |changes| Effect {
            table_name: entry.table_name.clone(),
            record_id: record_id.clone(),
            action: entry.action,
            changes,
        };
        if let (Some(_), Some(place)) = (&meant, told) {
            effects.push((*place, effect(as_meant)));
        }
        if meant.is_none() || !besides.is_empty() {
            derived.push(effect(besides));
        }
    }
    // A statement that takes many rows takes them in an order of its own.
    effects.sort_by_key(|(place, _)| *place);
    let effects = effects.into_iter().map(|(_, effect)| effect).collect();
    let latest = latest(history, plan, &entries, whole).await?;
    Ok(Outcome { latest, entries, effects, derived, skipped: plan.skipped.clone() })
}

/// Where the changes of each row stand.
fn places_of<'p>(open: &[Option<Meant<'p>>]) -> HashMap<(&'p str, &'p str), Vec<usize>> {
    let mut places: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (place, meant) in open.iter().enumerate() {
        let Some(meant) = meant else { continue };
        places.entry((&meant.step.known.table.name, meant.record_id)).or_default().push(place);
    }
    places
}

/// Fails where a row changed and the log says nothing of it.
fn must_be_recorded(plan: &Plan, entries: &[Entry]) -> Result<()> {
    let told: HashSet<(&str, &str)> =
        entries.iter().filter_map(|entry| Some((entry.table_name.as_str(), entry.record_id.as_deref()?))).collect();
    for end in plan.ends.iter().filter(|end| end.differs) {
        if !told.contains(&(end.known.table.name.as_str(), end.record_id.as_str())) {
            return Err(Error::conflict(format!(
                "the change of {:?} {:?} was not recorded, or a trigger prevented it; see `trackedTables.health`",
                end.known.table.name, end.record_id
            )));
        }
    }
    Ok(())
}

/// The latest entry about the very object that was undone, under either of its keys; of a transaction, the last written.
async fn latest(history: History<'_>, plan: &Plan, entries: &[Entry], whole: bool) -> Result<Entry> {
    if whole {
        return Ok(entries.last().unwrap_or(&plan.entry).clone());
    }
    let ids = [&plan.entry.record_id, &plan.entry.previous_record_id];
    let is_reversal = |entry: &&Entry| {
        entry.undo_of.is_some()
            && entry.table_name == plan.entry.table_name
            && entry.record_id.is_some()
            && ids.contains(&&entry.record_id)
    };
    if let Some(entry) = entries.iter().rfind(is_reversal) {
        return Ok(entry.clone());
    }
    let record_id = plan.entry.record_id.as_deref().unwrap_or_default();
    let latest = history.latest(&plan.entry.table_name, record_id, &Action::ALL).await?;
    Ok(latest.unwrap_or_else(|| plan.entry.clone()))
}
