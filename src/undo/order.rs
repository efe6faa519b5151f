//! The order of a plan's steps: the one in which they were planned, except that a row comes before the rows and values
//! that refer to it and goes after them, and that a unique value is free before it is taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::circles::components;
use super::plan::{Change, Group, Row, Step};
use super::tables::Known;

/// What happens to a value that others refer to, or that is unique: by which steps it comes to be there, and by which it
/// goes.
#[derive(Default)]
struct Events {
    comes: Vec<usize>,
    goes: Vec<usize>,
}

impl Events {
    /// The step by which the value is there at this one: that by which it came last; or, where it is gone by then or has
    /// never been there, that by which it comes next. None where it was there from the first.
    fn coming(&self, step: usize) -> Option<usize> {
        let comes = self.comes.iter().rev().find(|coming| **coming <= step);
        let goes = self.goes.iter().rev().find(|going| **going < step);
        let next = || self.comes.iter().find(|coming| **coming > step);
        match (comes, goes) {
            (Some(comes), goes) if goes.is_none_or(|goes| goes < comes) => Some(*comes),
            (None, None) if self.goes.first() < self.comes.first() && !self.goes.is_empty() => None,
            _ => next().copied(),
        }
    }
}

/// The values that some columns of a table take.
type Values = HashMap<Vec<String>, Events>;

/// The steps, and what is known of how they depend on each other.
struct Web<'a> {
    steps: &'a [Step],
    /// The row that each step is about, whatever it is called by then; one that is inserted anew is another.
    rows: Vec<usize>,
    needs: Vec<BTreeSet<usize>>,
}

/// Columns of a table.
#[derive(Clone, Copy)]
struct Columns<'a> {
    known: &'a Known,
    places: &'a [usize],
}

/// For each step, the steps that must come before it.
fn dependencies(steps: &[Step], explicit: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut web = Web { steps, rows: Vec::new(), needs: vec![BTreeSet::new(); steps.len()] };
    for (step, needed) in explicit {
        web.needs[*step].insert(*needed);
    }
    web.keep_each_row_s_order();
    web.keep_the_order_of_updates();
    let tables: BTreeMap<&str, &Known> =
        steps.iter().map(|step| (step.known.table.name.as_str(), &*step.known)).collect();
    for known in tables.values() {
        for reference in &known.references {
            let Some(child) = tables.get(reference.child.as_str()) else { continue };
            let from: Option<Vec<usize>> = reference.columns.iter().map(|(column, _)| child.place(column)).collect();
            let to: Option<Vec<usize>> = reference.columns.iter().map(|(_, column)| known.place(column)).collect();
            let (Some(from), Some(to)) = (from, to) else { continue };
            let (to, from) = (Columns { known, places: &to }, Columns { known: child, places: &from });
            web.refer(to, from, reference.on_update_writes);
        }
        for unique in &known.uniques {
            web.free_before_taken(Columns { known, places: unique });
        }
    }
    web.needs.into_iter().map(|needs| needs.into_iter().collect()).collect()
}

impl Web<'_> {
    /// The steps on one row keep their order, and so do the rows that bear one key after each other.
    fn keep_each_row_s_order(&mut self) {
        let mut last: HashMap<(&str, &str), usize> = HashMap::new();
        for (place, step) in self.steps.iter().enumerate() {
            let table = step.known.table.name.as_str();
            let before = last.get(&(table, step.record_id.as_str())).copied();
            let row = before.filter(|_| step.before.is_some()).map_or(place, |before| self.rows[before]);
            self.rows.push(row);
            for id in [step.record_id.as_str(), step.end()] {
                match last.insert((table, id), place).filter(|before| *before != place) {
                    // The row refers to itself: its key goes first, and takes the reference along.
                    Some(before) if step.takes_along(&self.steps[before]) => drop(self.needs[before].insert(place)),
                    Some(before) => drop(self.needs[place].insert(before)),
                    None => {}
                }
            }
        }
    }

    /// Where more has to be unique than the values of columns, only the order in which it was done is known to be good.
    fn keep_the_order_of_updates(&mut self) {
        let mut last: HashMap<&str, usize> = HashMap::new();
        let updates = |step: &Step| step.known.unique_otherwise && matches!(step.change, Change::Update(_));
        for (place, step) in self.steps.iter().enumerate().filter(|(_, step)| updates(step)) {
            if let Some(before) = last.insert(&step.known.table.name, place) {
                self.needs[place].insert(before);
            }
        }
    }

    /// Where the values of these columns come and go.
    fn events(&self, columns: Columns<'_>) -> Values {
        let mut values = Values::new();
        let of_table = |step: &Step| step.known.table.name == columns.known.table.name;
        for (place, step) in self.steps.iter().enumerate().filter(|(_, step)| of_table(step)) {
            let before = tuple(step.before.as_ref(), columns.places);
            let after = tuple(step.after.as_ref(), columns.places);
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

    /// Who takes a value comes after the last one before that let go of it, or else after the next one, unless that one
    /// only lets go of what it took itself.
    fn free_before_taken(&mut self, columns: Columns<'_>) {
        for Events { comes, goes } in self.events(columns).values() {
            for taker in comes {
                let before = goes.iter().rev().find(|freer| *freer < taker);
                let next = goes.first().filter(|freer| self.rows[**freer] != self.rows[*taker]);
                self.needs[*taker].extend(before.or(next));
            }
        }
    }

    /// A value comes to point at a row after that row has come, and before it goes again; and a row goes after the last
    /// value that points at it.
    fn refer(&mut self, to: Columns<'_>, from: Columns<'_>, takes_along: bool) {
        let (targets, pointers) = (self.events(to), self.events(from));
        for (values, pointer) in &pointers {
            let Some(target) = targets.get(values) else { continue };
            for pointing in &pointer.comes {
                let coming = target.coming(*pointing);
                self.needs[*pointing].extend(coming.filter(|coming| coming != pointing));
                let going = target.goes.iter().find(|going| **going > coming.unwrap_or(*pointing));
                if let Some(going) = going.filter(|going| *going != pointing) {
                    self.needs[*going].insert(*pointing);
                }
            }
            for leaving in &pointer.goes {
                // It has pointed there since this step, or from the first.
                let same_row = |pointing: &&usize| *pointing < leaving && self.rows[**pointing] == self.rows[*leaving];
                let since = pointer.comes.iter().rev().find(same_row);
                let before = || target.goes.iter().rev().find(|going| since.is_none_or(|since| *going > since));
                let Some(going) = target.goes.iter().find(|going| *going >= leaving).or_else(before) else { continue };
                // Where both take the same new value, the one follows the other: as the database does it for a key that
                // changes, or else neither can go first.
                let (follows, leads) = (self.steps[*leaving].after.as_ref(), self.steps[*going].after.as_ref());
                let follows = leads.is_some() && tuple(follows, from.places) == tuple(leads, to.places);
                if going != leaving && !(follows && takes_along) {
                    self.needs[*going].insert(*leaving);
                }
            }
        }
    }
}

/// The row's values, where all of them are known and none is null.
fn tuple(row: Option<&Row>, places: &[usize]) -> Option<Vec<String>> {
    let value = |place: &usize| row?.get(*place)?.clone().filter(|value| value != "null");
    places.iter().map(value).collect()
}

impl Step {
    /// Whether the step changes a key, and a foreign key of the table to itself does then what the other step would: the
    /// row refers to itself before and after.
    fn takes_along(&self, other: &Step) -> bool {
        let known = &self.known;
        let places =
            |columns: Vec<&String>| columns.iter().map(|column| known.place(column)).collect::<Option<Vec<_>>>();
        self.becomes.is_some()
            && other.becomes.is_none()
            && matches!(other.change, Change::Update(_))
            && known.references.iter().filter(|of| of.on_update_writes && of.child == known.table.name).any(
                |reference| {
                    let (from, to) = reference.columns.iter().map(|(from, to)| (from, to)).unzip();
                    let (Some(from), Some(to)) = (places(from), places(to)) else { return false };
                    let same = |pointing: Option<&Row>, key: Option<&Row>| {
                        tuple(pointing, &from).is_some_and(|value| Some(value) == tuple(key, &to))
                    };
                    same(other.before.as_ref(), self.before.as_ref()) && same(other.after.as_ref(), self.after.as_ref())
                },
            )
    }

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
