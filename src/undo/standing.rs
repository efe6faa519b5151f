//! Whether what an entry did to its object still stands: whether the object that it created, or deleted, is in the very
//! state that the entry left it in, as to being there or not.

use crate::audit::{Action, Entry};

/// The creation or deletion that stands last, of those in `entries`: all of one object, in the order in which they
/// happened, the first being the one in question. An undo and what it undid cancel each other out; the undo of that undo
/// makes what was undone stand again.
pub(super) fn last_standing(entries: &[Entry]) -> Option<&Entry> {
    // What stands, each with the entry that made it stand: itself, or one that did it again.
    let mut standing: Vec<(&Entry, i64)> = Vec::new();
    // What was undone, each with the entry that undid it.
    let mut undone: Vec<(&Entry, i64)> = Vec::new();
    for entry in entries.iter().filter(|entry| matches!(entry.action, Action::Create | Action::Delete)) {
        // A REPLACE of a row under its own key left it where it was.
        if entry.previous_record_id.is_some() && entry.previous_record_id == entry.record_id {
            continue;
        }
        if let Some((last, _)) = standing.pop_if(|(last, by)| reverses(entry, last, *by)) {
            undone.push((last, entry.id));
        } else if let Some((again, _)) = undone.pop_if(|(_, by)| entry.undo_of == Some(*by)) {
            standing.push((again, entry.id));
        } else {
            standing.push((entry, entry.id));
        }
    }
    standing.last().map(|(entry, _)| *entry)
}

/// A change of the key is two entries, and so is its undo.
fn reverses(entry: &Entry, last: &Entry, by: i64) -> bool {
    let same_keys = last.is_key_change() && entry.previous_record_id == last.previous_record_id;
    entry.undo_of == Some(last.id) || entry.undo_of == Some(by) || (entry.undo_of.is_some() && same_keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Source;

    fn entry(id: i64, action: Action, undo_of: Option<i64>) -> Entry {
        Entry {
            id,
            timestamp: chrono::DateTime::UNIX_EPOCH,
            action,
            table_name: "machines".into(),
            record_id: Some("1".into()),
            previous_record_id: None,
            user_id: None,
            username: None,
            old_values: None,
            new_values: None,
            redacted: Vec::new(),
            description: None,
            ip_address: None,
            correlation_id: None,
            transaction_id: None,
            metadata: None,
            source: Source::Trigger,
            database_role: None,
            recorded_by: None,
            trusted: true,
            undo_of,
        }
    }

    fn last(entries: &[Entry]) -> Option<i64> {
        last_standing(entries).map(|entry| entry.id)
    }

    #[test]
    fn an_undo_and_what_it_undid_cancel_each_other_out() {
        let created = entry(1, Action::Create, None);
        let deleted = entry(2, Action::Delete, None);
        let restored = entry(3, Action::Create, Some(2));
        assert_eq!(last(&[created.clone(), deleted.clone(), restored]), Some(1));
        let anew = entry(3, Action::Create, None);
        assert_eq!(last(&[created, deleted, anew]), Some(3));
    }

    #[test]
    fn a_later_life_that_was_undone_is_none() {
        let deleted = entry(1, Action::Delete, None);
        let anew = entry(2, Action::Create, None);
        let gone = entry(3, Action::Delete, Some(2));
        assert_eq!(last(&[deleted.clone(), anew.clone(), gone]), Some(1));
        assert_eq!(last(&[deleted, anew, entry(3, Action::Delete, None)]), Some(3));
    }

    #[test]
    fn what_is_done_again_stands_again() {
        let created = entry(1, Action::Create, None);
        let deleted = entry(2, Action::Delete, None);
        let restored = entry(3, Action::Create, Some(2));
        let again = entry(4, Action::Delete, Some(3));
        let mut all = vec![created, deleted, restored, again];
        assert_eq!(last(&all), Some(2));
        all.push(entry(5, Action::Create, Some(4)));
        assert_eq!(last(&all), Some(1));
        all.push(entry(6, Action::Delete, Some(1)));
        assert_eq!(last(&all), None);
    }
}
