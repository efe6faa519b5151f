//! From the steps to the plan: their order, how each row is to end, what came later, and the plan's hash.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::history::by_table;
use super::order::ordered;
use super::plan::{Change, End, Key, Plan, Skipped, Step};
use super::planner::Planner;
use crate::audit::{Action, Entry, Json, Result};

/// How many later entries a plan lists.
pub(super) const MAX_LATER: usize = 100;

impl Planner<'_> {
    /// The plan. `subject` says what is undone, and `last` is its latest entry.
    pub(super) async fn finish(self, subject: &str, entries: &[&Entry], last: Entry) -> Result<Plan> {
        self.refuse_too_many(self.changed_rows())?;
        let ends = self.ends();
        let keys: BTreeSet<Key> = self
            .steps
            .iter()
            .flat_map(|step| [Self::key(&step.known, &step.record_id), Self::key(&step.known, step.end())])
            .chain(self.skipped.iter().map(|skipped| (skipped.table_name.clone(), skipped.record_id.clone())))
            .collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let latest = self.history.latest_ids(&keys).await?;
        let later = self.later(entries, &keys).await?;
        let groups = ordered(self.steps, &self.needs);
        let mut plan = Plan { entry: last, groups, ends, skipped: self.skipped, later, hash: String::new() };
        plan.hash = hash(subject, &plan, &latest);
        Ok(plan)
    }

    /// How each row is to end that a step changes.
    fn ends(&self) -> Vec<End> {
        let mut ends: Vec<End> = Vec::new();
        let mut places: HashMap<Key, usize> = HashMap::new();
        for step in &self.steps {
            let (key, end) = (Self::key(&step.known, &step.record_id), Self::key(&step.known, step.end()));
            let mut values = BTreeMap::new();
            if let Some(place) = places.get(&key) {
                let earlier = std::mem::take(&mut ends[*place].values);
                values.extend(earlier.into_iter().map(|value| (value.place, value)));
            }
            match &step.change {
                Change::Delete => values.clear(),
                // What SET DEFAULT comes to is the database's affair.
                Change::Update(_) if step.by_reference => {
                    step.values().iter().for_each(|value| drop(values.remove(&value.place)));
                }
                _ => values.extend(step.values().iter().map(|value| (value.place, value.clone()))),
            }
            if key != end {
                self.end(&mut ends, &mut places, key, step, Vec::new(), false);
            }
            let there = step.after.is_some();
            self.end(&mut ends, &mut places, end, step, values.into_values().collect(), there);
        }
        let watched =
            self.watched.iter().filter(|(known, record_id, _)| !places.contains_key(&Self::key(known, record_id)));
        ends.extend(watched.map(|(known, record_id, values)| End {
            known: known.clone(),
            record_id: record_id.clone(),
            there: true,
            differs: false,
            values: values.clone(),
            reverses: Vec::new(),
        }));
        ends
    }

    fn end(
        &self,
        ends: &mut Vec<End>,
        places: &mut HashMap<Key, usize>,
        key: Key,
        step: &Step,
        values: Vec<super::plan::Value>,
        there: bool,
    ) {
        let after = if there { step.after.as_ref() } else { None };
        let end = End {
            known: step.known.clone(),
            record_id: key.1.clone(),
            there,
            differs: self.view.found(&key) != after,
            values,
            reverses: step.reverses.clone(),
        };
        match places.get(&key) {
            Some(place) => ends[*place] = end,
            None => {
                places.insert(key, ends.len());
                ends.push(end);
            }
        }
    }

    /// The later entries that changed the same fields or objects, the latest first.
    async fn later(&self, entries: &[&Entry], keys: &[Key]) -> Result<Vec<Entry>> {
        let Some(after) = entries.iter().map(|entry| entry.id).max() else { return Ok(Vec::new()) };
        let own: BTreeSet<i64> = entries.iter().map(|entry| entry.id).collect();
        // Of a row that only gets values back, the fields in question; of one that comes or goes, all.
        let mut fields: HashMap<Key, Option<BTreeSet<&str>>> = HashMap::new();
        for step in &self.steps {
            let whole = step.before.is_none() || step.after.is_none() || step.becomes.is_some();
            let entry = fields.entry(Self::key(&step.known, &step.record_id)).or_insert_with(|| Some(BTreeSet::new()));
            match entry {
                Some(_) if whole => *entry = None,
                Some(named) => named.extend(step.values().iter().map(|value| step.known.name(value.place))),
                None => {}
            }
        }
        for Skipped { table_name, record_id, field, .. } in &self.skipped {
            let key = (table_name.clone(), record_id.clone());
            if let Some(named) = fields.entry(key).or_insert_with(|| Some(BTreeSet::new())) {
                named.insert(field);
            }
        }
        let mut found = Vec::new();
        for (table, record_ids) in by_table(keys) {
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            let mut union: BTreeSet<&str> = BTreeSet::new();
            for record_id in record_ids {
                match fields.get(&(table.to_owned(), record_id.to_owned())) {
                    Some(Some(named)) => {
                        union.extend(named);
                        parts.push(record_id);
                    }
                    _ => whole.push(record_id),
                }
            }
            let union: Vec<&str> = union.into_iter().collect();
            let limit = MAX_LATER as u64;
            found.extend(self.history.later(table, &whole, &[], after, limit).await?);
            found.extend(self.history.later(table, &parts, &union, after, limit).await?);
        }
        found.retain(|entry| !own.contains(&entry.id) && touches(entry, &fields));
        found.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
        found.truncate(MAX_LATER);
        Ok(found)
    }
}

/// Whether the entry is about one of the fields of its row, or about a row that is taken as a whole.
fn touches(entry: &Entry, fields: &HashMap<Key, Option<BTreeSet<&str>>>) -> bool {
    let key = (entry.table_name.clone(), entry.record_id.clone().unwrap_or_default());
    match fields.get(&key) {
        Some(Some(named)) if entry.action == Action::Update => {
            let changed = entry.new_values.as_ref().and_then(Json::fields).unwrap_or_default();
            changed.iter().any(|(name, _)| named.contains(name.as_ref()))
                || entry.redacted.iter().any(|(name, _)| named.contains(name.as_str()))
        }
        _ => true,
    }
}

/// A digest over what the plan does, what it leaves alone, and the latest change of each object in it.
fn hash(subject: &str, plan: &Plan, latest: &[(Key, i64)]) -> String {
    let mut digest = Sha256::new();
    // Each part with its length, so that no two plans read the same.
    let mut part = |text: &str| {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    };
    part(subject);
    for step in plan.steps() {
        let kind = match step.change {
            Change::Insert(_) => "insert",
            Change::Update(_) => "update",
            Change::Delete => "delete",
        };
        [kind, &step.known.table.name, &step.record_id, step.end()].into_iter().for_each(&mut part);
        for value in step.values() {
            part(step.known.name(value.place));
            // A default may be another each time that it is asked for.
            part(if step.by_reference { "" } else { &value.text });
        }
        for reversal in &step.reverses {
            part(&reversal.entry.to_string());
        }
    }
    for skipped in &plan.skipped {
        let json = |value: &Option<Json>| value.as_ref().map_or_else(String::new, |json| json.as_str().to_owned());
        part(&skipped.table_name);
        part(&skipped.record_id);
        part(&skipped.field);
        part(&json(&skipped.expected));
        part(&json(&skipped.current));
    }
    for ((table, record_id), id) in latest {
        [table, record_id, id.to_string().as_str()].into_iter().for_each(&mut part);
    }
    hexadecimal(&digest.finalize())
}

/// The hash of a plan that could not be made: it is no other plan's, and none can be carried out by it.
pub(super) fn hash_of_none(subject: &str, error: &crate::audit::Error) -> String {
    let text = format!("none\0{subject}\0{}\0{}", error.code().as_str(), error.message());
    hexadecimal(&Sha256::digest(text))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
