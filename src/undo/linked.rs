//! Restoring with an object what hung on it and fell in the same transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::plan::{Key, Value};
use super::planner::{Planner, reversal};
use super::tables::Known;
use crate::audit::{Action, Entry, Error, Json, Result, is_still};
use crate::capture::Reference;
use crate::store;

/// An image of a row, or of its changed columns.
type Image<'e> = HashMap<String, &'e str>;

fn image_of(json: Option<&Json>) -> Image<'_> {
    let fields = json.and_then(Json::fields).unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
}

/// What fell, or was cut off, in one transaction.
struct Fallen<'e> {
    /// The last deletion of each object, by table.
    deletions: HashMap<&'e str, Vec<(&'e Entry, Image<'e>)>>,
    /// The updates, by table, the last first.
    updates: HashMap<&'e str, Vec<&'e Entry>>,
}

impl<'e> Fallen<'e> {
    fn of(entries: &'e [Entry]) -> Fallen<'e> {
        let mut seen = HashSet::new();
        let mut fallen = Fallen { deletions: HashMap::new(), updates: HashMap::new() };
        let changes = entries.iter().rev().filter(|entry| entry.trusted && !entry.is_key_change());
        for entry in changes {
            let table = entry.table_name.as_str();
            match entry.action {
                Action::Delete if seen.insert((table, entry.record_id.as_deref())) => {
                    fallen.deletions.entry(table).or_default().push((entry, image_of(entry.old_values.as_ref())));
                }
                Action::Update => fallen.updates.entry(table).or_default().push(entry),
                _ => {}
            }
        }
        // As they fell.
        fallen.deletions.values_mut().for_each(|entries| entries.reverse());
        fallen
    }
}

impl Planner<'_> {
    /// Plans that what hung on the object comes back with it, and that the references that were cut are set again.
    pub(super) async fn restore_linked(&mut self, known: &Arc<Known>, entry: &Entry) -> Result<()> {
        let Some(transaction) = &entry.transaction_id else {
            return Err(Error::not_undoable(
                "the entry has no transaction id, so that nobody can tell what fell with the object: on SQLite, a \
                 transaction has one where it writes a context row first (`insert into afterimage_context …`)",
            ));
        };
        let history = self.history;
        let entries = store::by_transaction(history.database.dialect, history.transaction, transaction).await?;
        let fallen = Fallen::of(&entries);
        let mut back: HashSet<Key> = HashSet::from([Self::key(known, &entry.record_id.clone().unwrap_or_default())]);
        let mut open = vec![(known.clone(), entry)];
        let mut linked: Vec<&Entry> = Vec::new();
        let mut parents: Vec<(Arc<Known>, &Entry)> = Vec::new();
        while let Some((parent, deletion)) = open.pop() {
            let of = image_of(deletion.old_values.as_ref());
            for reference in &parent.references {
                let Some(child) = self.tables.find(&reference.child).await? else { continue };
                for (other, image) in fallen.deletions.get(reference.child.as_str()).into_iter().flatten() {
                    let Some(record_id) = &other.record_id else { continue };
                    if points(reference, image, &of) && back.insert(Self::key(&child, record_id)) {
                        linked.push(other);
                        open.push((child.clone(), other));
                        self.refuse_too_many(back.len())?;
                    }
                }
            }
            parents.push((parent, deletion));
        }
        linked.sort_unstable_by_key(|entry| entry.id);
        self.look_at(&linked).await?;
        for entry in &linked {
            let (child, record_id) = self.undoable(entry).await?;
            self.restore(&child, &record_id, entry)
                .await
                .map_err(|error| error.about(&format!("entry {}", entry.id)))?;
        }
        self.must_stand(&linked).await?;
        for (parent, deletion) in parents {
            self.link_again(&parent, deletion, &fallen).await?;
        }
        Ok(())
    }

    /// Plans that the rows whose reference to a restored one was cut refer to it again.
    async fn link_again(&mut self, parent: &Arc<Known>, deletion: &Entry, fallen: &Fallen<'_>) -> Result<()> {
        let of = image_of(deletion.old_values.as_ref());
        for reference in &parent.references {
            let Some(child) = self.tables.find(&reference.child).await? else { continue };
            let updates = fallen.updates.get(reference.child.as_str()).into_iter().flatten();
            let concerned: Vec<&&Entry> = updates.filter(|update| touches(reference, update)).collect();
            for update in &concerned {
                let named = |error: Error| error.about(&format!("entry {}", update.id));
                child.must_name_the_same_row(update.id).map_err(named)?;
            }
            self.view.load(&child, concerned.iter().filter_map(|update| update.record_id.clone())).await?;
            for update in concerned {
                self.set_reference(&child, reference, update, &of).await?;
            }
        }
        Ok(())
    }

    /// Plans that one row refers to the restored one again, where its present values are still those of the update.
    async fn set_reference(
        &mut self,
        child: &Arc<Known>,
        reference: &Reference,
        update: &Entry,
        of: &Image<'_>,
    ) -> Result<()> {
        let Some(record_id) = update.record_id.as_deref() else { return Ok(()) };
        let Some(row) = self.view.row(child, record_id).await? else { return Ok(()) };
        let (old, new) = (image_of(update.old_values.as_ref()), image_of(update.new_values.as_ref()));
        let mut before: Image<'_> = Image::new();
        for (from, _) in &reference.columns {
            let Some(place) = child.place(from) else { return Ok(()) };
            let current = row.get(place).and_then(|value| value.as_deref());
            let name = child.name(place);
            let Some(value) = old.get(name).copied().or(current) else { return Ok(()) };
            before.insert(from.clone(), value);
        }
        if !points(reference, &before, of) {
            return Ok(());
        }
        let mut values = Vec::new();
        for (from, _) in &reference.columns {
            let Some(place) = child.place(from) else { continue };
            let name = child.name(place);
            let (Some(old), Some(new)) = (old.get(name), new.get(name)) else { continue };
            match row.get(place).and_then(|value| value.as_deref()) {
                Some(current) if is_still(new, current) => values.push(Value { place, text: (*old).to_owned() }),
                Some(current) if is_still(old, current) => {}
                current => return self.skip(child, record_id, name, Some(new), current),
            }
        }
        let reverses = vec![reversal(child, record_id, Action::Update, update.id)];
        self.update(child, record_id, &row, values, reverses);
        Ok(())
    }
}

/// Whether the update changed a column of the foreign key.
fn touches(reference: &Reference, update: &Entry) -> bool {
    let old = image_of(update.old_values.as_ref());
    reference.columns.iter().any(|(from, _)| old.keys().any(|name| name.eq_ignore_ascii_case(from)))
}

/// Whether a row of the first image points at that of the second.
fn points(reference: &Reference, child: &Image<'_>, parent: &Image<'_>) -> bool {
    let value = |image: &Image<'_>, column: &str| {
        let spelt = |name: &&String| name.eq_ignore_ascii_case(column);
        let exact = image.get(column).copied();
        exact.or_else(|| image.keys().find(spelt).and_then(|name| image.get(name).copied())).map(str::to_owned)
    };
    reference.columns.iter().all(|(from, to)| match (value(child, from), value(parent, to)) {
        (Some(from), Some(to)) => from != "null" && from == to,
        _ => false,
    })
}
