//! A row whose foreign keys lead back to itself, and whose key changes.
//!
//! SQLite carries the actions of foreign keys out after the row has changed and before its AFTER triggers fire. What ON
//! UPDATE CASCADE, SET NULL or SET DEFAULT then sets in that very row would be recorded before the change of its key, of
//! an object that the log does not know yet. So in tables where that can happen, and in no other, a BEFORE trigger notes
//! in the stash which key becomes which; while the note is in force an UPDATE of the row is not recorded by itself, and
//! the creation under the new key shows the row as it is in the table by then. The change of the key and what follows
//! from it are one event.
//!
//! A note is in force when no row has the old key: the AFTER trigger of the change takes it away. One that OR IGNORE or OR
//! FAIL left behind is not in force while the row keeps its key, and whatever takes the row away takes the note away
//! first: the trigger before a deletion, and the one that stashes what a REPLACE may delete.

use super::image::{record_id_of, unescaped_image_of};
use super::names::{identifier, literal};
use super::stash::{KEPT, KEY_COLUMNS, Stash};

impl Stash<'_> {
    /// Notes which key becomes which, before it does. Drops all but the newest few of the notes that are not in force.
    pub fn note_move(&self) -> Vec<String> {
        let keys = || self.table.primary_key.iter().take(KEY_COLUMNS).enumerate();
        let names = keys().map(|(place, _)| format!("key_{}, ", place + 1)).collect::<String>();
        let values = keys().map(|(_, key)| format!("OLD.{}, ", identifier(key))).collect::<String>();
        vec![
            self.forget_move(),
            format!(
                "DELETE FROM afterimage_stash WHERE {} AND rowid <= (SELECT max(rowid) FROM afterimage_stash) - {KEPT} \
                 AND afterimage_stash.old_values IN ({})",
                self.is_note(),
                self.under_old_key()
            ),
            format!(
                "INSERT INTO afterimage_stash (table_name, {names}record_id, old_values) VALUES ({}, {values}{}, {})",
                self.notes(),
                record_id_of(self.table, "NEW"),
                record_id_of(self.table, "OLD")
            ),
        ]
    }

    /// Takes the note of the row away, after its key has changed, or before it is deleted.
    pub fn forget_move(&self) -> String {
        let id = record_id_of(self.table, "OLD");
        format!("DELETE FROM afterimage_stash WHERE {} AND {id} = afterimage_stash.old_values", self.is_note())
    }

    /// Takes the notes of these rows away, which are there under their old keys.
    pub(super) fn forget_moves_of(&self, identity: &str, rows: &str) -> String {
        format!(
            "DELETE FROM afterimage_stash WHERE {} AND afterimage_stash.old_values IN \
             (SELECT {} FROM {} WHERE {identity} IN ({rows}))",
            self.is_note(),
            record_id_of(self.table, &self.row),
            self.from
        )
    }

    /// Whether the updated row is one whose key has changed, and whose AFTER triggers are still to come.
    pub fn is_moving(&self) -> String {
        format!(
            "EXISTS (SELECT 1 FROM afterimage_stash WHERE {} AND {} = afterimage_stash.record_id \
             AND afterimage_stash.old_values NOT IN ({}))",
            self.is_note(),
            record_id_of(self.table, "OLD"),
            self.under_old_key()
        )
    }

    /// Beside that a stashed row is the updated one: whether it is not one that a REPLACE deleted from under the key which
    /// the updated one is about to get.
    pub(super) fn and_settled(&self) -> String {
        if self.shape.circle { format!(" AND NOT {}", self.is_moving()) } else { String::new() }
    }

    /// Beside that a stashed row is in the table no more: whether it is not merely under another key by now.
    pub(super) fn and_not_moving(&self) -> String {
        if !self.shape.circle {
            return String::new();
        }
        format!(
            " AND NOT EXISTS (SELECT 1 FROM afterimage_stash AS moved WHERE moved.table_name = {} \
             AND moved.old_values = afterimage_stash.record_id)",
            self.notes()
        )
    }

    /// The changed row as it is in the table, to select from: the image of NEW may be behind.
    pub fn present(&self) -> (String, String) {
        let same = self.identity.iter().map(|column| format!("{}.{column} = NEW.{column}", self.row));
        (self.from.clone(), same.collect::<Vec<_>>().join(" AND "))
    }

    /// Its image.
    pub fn present_image(&self) -> String {
        unescaped_image_of(self.table, self.hidden, &self.row, false)
    }

    /// Whether a row of the stash is a note about a row of the table.
    pub(super) fn is_note(&self) -> String {
        format!("afterimage_stash.table_name = {}", self.notes())
    }

    /// The name under which the notes stand: no table is filed under one with a dot that is not in quotes.
    fn notes(&self) -> String {
        literal(&notes_of(&self.table.name))
    }

    /// The record id of the row that has the note's old key.
    fn under_old_key(&self) -> String {
        let keys = self.table.primary_key.iter().take(KEY_COLUMNS).enumerate();
        let same = keys
            .map(|(place, key)| format!("{}.{} = afterimage_stash.key_{}", self.row, identifier(key), place + 1))
            .collect::<Vec<_>>();
        format!("SELECT {} FROM {} WHERE {}", record_id_of(self.table, &self.row), self.from, same.join(" AND "))
    }
}

/// The name under which the notes about a table's rows stand in the stash.
pub fn notes_of(table_name: &str) -> String {
    format!("moving.{table_name}")
}
