//! The order of a plan's steps: the one in which they were planned, except that a row comes before the rows and values
//! that refer to it and goes after them, and that a unique value is free before it is taken.

use std::collections::{BTreeSet, HashMap};

use super::circles::components;
use super::plan::{Change, Group, Row, Step};
use super::tables::Known;

/// What happens to a value that others refer to, or that is unique: who makes it be there, and who makes it go.
#[derive(Default)]
struct Events {
    comes: Vec<usize>,
    goes: Vec<usize>,
}

/// A key of a table: its name and columns; and the values in question.
type Values = HashMap<Vec<String>, Events>;

/// For each step, the steps that must come before it.
fn dependencies(steps: &[Step], explicit: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut needs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); steps.len()];
    for (step, needed) in explicit {
        needs[*step].insert(*needed);
    }
    same_row(steps, &mut needs);
    let mut tables: HashMap<&str, &Known> = HashMap::new();
    for step in steps {
        tables.insert(&step.known.table.name, &step.known);
    }
    for known in tables.values() {
        for reference in &known.references {
            let Some(child) = tables.get(reference.child.as_str()) else { continue };
            let from: Option<Vec<usize>> = reference.columns.iter().map(|(column, _)| child.place(column)).collect();
            let to: Option<Vec<usize>> = reference.columns.iter().map(|(_, column)| known.place(column)).collect();
            let (Some(from), Some(to)) = (from, to) else { continue };
            let targets = events(steps, known, &to);
            let pointers = events(steps, child, &from);
            refer(steps, &targets, &pointers, reference.on_update_writes, &mut needs);
        }
        for unique in &known.uniques {
            for Events { comes, goes } in events(steps, known, unique).values() {
                // Who takes a value comes after the last one before that let go of it, or else after the next one.
                for taker in comes {
                    let nearest = nearest(goes, *taker);
                    needs[*taker].extend(nearest.filter(|freer| freer != taker));
                }
            }
        }
    }
    needs.into_iter().map(|needs| needs.into_iter().collect()).collect()
}

/// The steps on one row keep their order.
fn same_row(steps: &[Step], needs: &mut [BTreeSet<usize>]) {
    let mut last: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, step) in steps.iter().enumerate() {
        let table = step.known.table.name.as_str();
        for id in [step.record_id.as_str(), step.end()] {
            if let Some(before) = last.insert((table, id), place).filter(|before| *before != place) {
                needs[place].insert(before);
            }
        }
    }
}

/// Where the values of these columns come and go.
fn events(steps: &[Step], known: &Known, places: &[usize]) -> Values {
    let mut values = Values::new();
    for (place, step) in steps.iter().enumerate().filter(|(_, step)| step.known.table.name == known.table.name) {
        let (before, after) = (tuple(step.before.as_ref(), places), tuple(step.after.as_ref(), places));
        if before == after {
            continue;
        }
        if let Some(before) = before {
            values.entry(before).or_default().goes.push(place);
        }
        if let Some(after) = after {
            values.entry(after).or_default().comes.push(place);
        }
    }
    values
}

/// The row's values, where all of them are known and none is null.
fn tuple(row: Option<&Row>, places: &[usize]) -> Option<Vec<String>> {
    let value = |place: &usize| row?.get(*place)?.clone().filter(|value| value != "null");
    places.iter().map(value).collect()
}

/// A value comes to point at a row after that row has come, and a row goes after the last value that points at it, unless
/// the database takes the values along when the row's key changes.
fn refer(steps: &[Step], targets: &Values, pointers: &Values, takes_along: bool, needs: &mut [BTreeSet<usize>]) {
    for (values, target) in targets {
        let Some(pointer) = pointers.get(values) else { continue };
        for pointing in &pointer.comes {
            needs[*pointing].extend(nearest(&target.comes, *pointing).filter(|coming| coming != pointing));
        }
        for leaving in &pointer.goes {
            let after = target.goes.iter().find(|going| *going >= leaving);
            let Some(&going) = after.or(target.goes.last()) else { continue };
            if going != *leaving && !(takes_along && steps[going].after.is_some()) {
                needs[going].insert(*leaving);
            }
        }
    }
}

/// The last of them before the step, or else the first after it.
fn nearest(places: &[usize], step: usize) -> Option<usize> {
    places.iter().rev().find(|place| **place <= step).or_else(|| places.first()).copied()
}

impl Step {
    /// Whether one statement could carry both out: of one kind, on one table, writing the same columns.
    pub(super) fn goes_with(&self, other: &Step) -> bool {
        let places = |step: &Step| step.values().iter().map(|value| value.place).collect::<Vec<_>>();
        self.known.table.name == other.known.table.name
            && std::mem::discriminant(&self.change) == std::mem::discriminant(&other.change)
            && self.becomes.is_none()
            && other.becomes.is_none()
            && self.by_reference == other.by_reference
            && (self.change == Change::Delete || places(self) == places(other))
    }
}

/// How many steps go together.
const TOGETHER: usize = 1_000;

/// The steps in order, those that can go together in groups.
pub(super) fn ordered(steps: Vec<Step>, explicit: &[(usize, usize)]) -> Vec<Group> {
    let needs = dependencies(&steps, explicit);
    let mut groups: Vec<(Vec<usize>, bool)> = Vec::new();
    let mut placed = vec![0; steps.len()];
    for component in components(&needs) {
        let circle = component.len() > 1;
        let place = groups.len();
        let joins = |members: &[usize], step: usize| {
            members.len() < TOGETHER
                && members.first().is_some_and(|first| steps[*first].goes_with(&steps[step]))
                && needs[step].iter().all(|needed| *needed == step || placed[*needed] + 1 < place)
        };
        match (component.as_slice(), groups.last_mut()) {
            ([step], Some((members, false))) if joins(members, *step) => {
                members.push(*step);
                placed[*step] = place - 1;
            }
            _ => {
                component.iter().for_each(|step| placed[*step] = place);
                groups.push((component, circle));
            }
        }
    }
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let take = |(members, circle): (Vec<usize>, bool)| Group {
        steps: members.into_iter().filter_map(|member| steps[member].take()).collect(),
        circle,
    };
    groups.into_iter().map(take).flat_map(untangled).collect()
}

/// Circles in which a row changes twice cannot be one statement: they go one by one, as planned.
fn untangled(mut group: Group) -> Vec<Group> {
    let mut rows = BTreeSet::new();
    let keys = |step: &Step| [(step.known.table.name.clone(), step.record_id.clone())];
    let twice = group.steps.iter().flat_map(keys).any(|key| !rows.insert(key));
    if !group.circle || !twice {
        return vec![group];
    }
    group.steps.drain(..).map(|step| Group { steps: vec![step], circle: false }).collect()
}
