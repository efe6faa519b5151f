//! What is reversed: one entry, or all of a transaction.

use std::collections::{BTreeMap, HashMap};

use super::history::CHANGES;
use super::plan::Key;
use super::planner::Planner;
use super::revert::are_twins;
use crate::audit::{Action, Entry, Error, Result};

impl Planner<'_> {
    /// Plans the reversal of one entry.
    pub(super) async fn reverse_entry(&mut self, entry: &Entry, restore_linked: bool) -> Result<()> {
        let (known, record_id) = self.undoable(entry).await?;
        if entry.is_key_change() {
            let twin = self.twin(entry).await?;
            let (deletion, creation) = if entry.action == Action::Delete { (entry, &twin) } else { (&twin, entry) };
            return self.revert_key(&known, deletion, creation).await;
        }
        match entry.action {
            Action::Create => self.unmake(&known, &record_id, entry).await?,
            Action::Update => return self.revert(&known, &record_id, entry).await,
            Action::Delete => self.restore(&known, &record_id, entry).await?,
            Action::Read => return Err(Error::not_undoable("a READ changed nothing that could be undone")),
        }
        self.must_stand(&[entry]).await?;
        if entry.action == Action::Delete && restore_linked {
            return self.restore_linked(&known, entry).await;
        }
        self.what_hangs().await
    }

    /// Plans the reversal of all changes of a transaction, the last first.
    pub(super) async fn reverse_transaction(&mut self, entries: &[Entry]) -> Result<()> {
        let changes: Vec<&Entry> = entries.iter().filter(|entry| CHANGES.contains(&entry.action)).collect();
        if changes.is_empty() {
            return Err(Error::not_undoable("the transaction changed nothing: it only read"));
        }
        self.look_at(&changes).await?;
        // What was not recorded of rows that are there in the end.
        let mut untold: Vec<(Key, Error)> = Vec::new();
        let mut open = changes.clone();
        while let Some(entry) = open.pop() {
            let named = |error: Error| error.about(&format!("entry {}", entry.id));
            let (known, record_id) = self.undoable(entry).await.map_err(named)?;
            if entry.is_key_change() {
                let twin = open.iter().rposition(|twin| are_twins(entry, twin)).map(|place| open.remove(place));
                let twin = twin.ok_or_else(|| {
                    named(Error::not_undoable("the other half of this change of the key is not in the log"))
                })?;
                let (deletion, creation) = if entry.action == Action::Delete { (entry, twin) } else { (twin, entry) };
                self.revert_key(&known, deletion, creation).await.map_err(named)?;
                continue;
            }
            match entry.action {
                Action::Create => self.unmake(&known, &record_id, entry).await.map_err(named)?,
                Action::Delete => self.restore(&known, &record_id, entry).await.map_err(named)?,
                Action::Update if !entry.redacted.is_empty() => {
                    let fields: Vec<&str> = entry.redacted.iter().map(|(field, _)| field.as_str()).collect();
                    let error = Error::not_undoable(format!(
                        "it changed the redacted columns {fields:?} of {:?} {record_id:?}, whose values were never recorded",
                        entry.table_name
                    ));
                    untold.push((Self::key(&known, &record_id), named(error)));
                    if entry.old_values.as_ref().is_some_and(|old| old.as_str() != "{}") {
                        let already = self.skipped.len();
                        self.revert(&known, &record_id, entry).await.map_err(named)?;
                        self.skipped.truncate(already);
                    }
                }
                Action::Update => {
                    let record_id = self.view.called(&known, &record_id).await?;
                    self.revert(&known, &record_id, entry).await.map_err(named)?;
                }
                Action::Read => {}
            }
            self.refuse_too_many(self.changed_rows())?;
        }
        self.must_stand(&last_lives(&changes)).await?;
        if let Some((_, error)) = untold.into_iter().find(|(key, _)| !self.view.is_gone(key)) {
            return Err(error);
        }
        self.what_hangs().await
    }

    /// Reads and locks the rows that the entries are about, table by table.
    pub(super) async fn look_at(&mut self, entries: &[&Entry]) -> Result<()> {
        let mut tables: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for entry in entries {
            tables.entry(&entry.table_name).or_default().extend(entry.record_id.clone());
            if let Some(known) = self.tables.find(&entry.table_name).await? {
                let named = |error: Error| error.about(&format!("entry {}", entry.id));
                known.must_name_the_same_row(entry.id).map_err(named)?;
            }
        }
        for (table, record_ids) in tables {
            if let Some(known) = self.tables.find(table).await? {
                self.view.load(&known, record_ids).await?;
            }
        }
        Ok(())
    }
}

/// Of each object the last creation or deletion, where it is not half of a change of its key.
fn last_lives<'e>(changes: &[&'e Entry]) -> Vec<&'e Entry> {
    let mut last: HashMap<(&str, Option<&str>), &Entry> = HashMap::new();
    for &entry in changes.iter().filter(|entry| entry.action != Action::Update) {
        last.insert((&entry.table_name, entry.record_id.as_deref()), entry);
    }
    let mut last: Vec<&Entry> = last.into_values().filter(|entry| !entry.is_key_change()).collect();
    last.sort_unstable_by_key(|entry| entry.id);
    last
}
