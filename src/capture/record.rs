//! The entries about capture itself: each choice, each gap, each repair is one, in the transaction that makes it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::track::Actor;
use crate::audit::{Action, Draft, Entry, Json, format_timestamp};
use crate::store::Tracked;

/// The table under which these entries are filed.
pub(crate) const TRACKED_TABLE: &str = "afterimage.tracked_table";

/// The member of these entries that names the columns of the key, in key order.
const PRIMARY_KEY: &str = "primaryKey";

/// A time in which changes of a table may not have been recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When the triggers were last known to be there.
    pub since: DateTime<Utc>,
    /// When they were put back.
    pub until: DateTime<Utc>,
}

impl Gap {
    fn metadata(&self) -> Json {
        let gap = json!({"since": format_timestamp(self.since), "until": format_timestamp(self.until)});
        Json::of_fields([("gap", gap.to_string().as_str())])
    }
}

/// What happens to the capture of a table, beyond what is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Nothing.
    Chosen,
    /// The triggers are taken off for a while.
    Paused,
    /// They are put back after that.
    Resumed(Gap),
    /// They were gone, or off, without anybody having said so.
    Restored(Gap),
    /// They were those of another definition of the table.
    Renewed,
}

impl Event {
    fn description(&self, table: &str) -> Option<String> {
        let between =
            |gap: &Gap| format!("between {} and {}", format_timestamp(gap.since), format_timestamp(gap.until));
        match self {
            Event::Chosen => None,
            Event::Paused => {
                Some(format!("Capture of {table} is paused: changes are not recorded until it is resumed."))
            }
            Event::Resumed(gap) => {
                Some(format!("Capture of {table} is resumed: changes {} were not recorded.", between(gap)))
            }
            Event::Restored(gap) => Some(format!(
                "The triggers of {table} were missing, off or passed by, and are put back: changes {} may not have been recorded.",
                between(gap)
            )),
            Event::Renewed => Some(format!("Capture of {table} is brought up to date with the table.")),
        }
    }
}

/// The entry about what became of the capture of a table; none where nothing did.
/// `told` is what else should be known of it, in sentences.
pub(super) fn draft(
    before: Option<&Tracked>,
    after: Option<&Tracked>,
    event: &Event,
    told: &[String],
    actor: &Actor,
) -> Option<Draft> {
    let (action, tracked) = match (before, after) {
        (None, Some(after)) => (Action::Create, after),
        (Some(before), None) => (Action::Delete, before),
        (Some(before), Some(after)) => {
            let key = before.primary_key == after.primary_key;
            let same = *event == Event::Chosen && key && choices(before) == choices(after);
            if same {
                return None;
            }
            (Action::Update, after)
        }
        (None, None) => return None,
    };
    Some(Draft {
        action,
        table_name: TRACKED_TABLE.to_owned(),
        record_id: Some(tracked.table_name.clone()),
        user_id: actor.user_id.clone(),
        username: actor.username.clone(),
        old_values: before.map(|before| fields(before, after)),
        new_values: after.map(|after| fields(after, before)),
        description: description(event, &tracked.table_name, told),
        ip_address: actor.ip_address.clone(),
        correlation_id: None,
        metadata: match event {
            Event::Resumed(gap) | Event::Restored(gap) => Some(gap.metadata()),
            Event::Chosen | Event::Paused | Event::Renewed => None,
        },
        recorded_by: actor.recorded_by.clone(),
        trusted: true,
        idempotency_key: None,
    })
}

fn description(event: &Event, table: &str, told: &[String]) -> Option<String> {
    let sentences: Vec<String> = event.description(table).into_iter().chain(told.iter().cloned()).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// What somebody chose for the table, by the names that the API has for it.
fn choices(tracked: &Tracked) -> [(&'static str, Value); 3] {
    [
        ("redactedColumns", Value::from(tracked.redacted_columns.as_slice())),
        ("ignoredColumns", Value::from(tracked.ignored_columns.as_slice())),
        ("requiresUser", Value::from(tracked.requires_user)),
    ]
}

/// The fields that differ between the two states of a table; of a table that has only one, its columns, its key
/// and what was chosen.
fn fields(tracked: &Tracked, other: Option<&Tracked>) -> Json {
    let lasting = |tracked: &Tracked| {
        let columns = ("columns", Value::from(tracked.columns.as_slice()));
        let key = (PRIMARY_KEY, Value::from(tracked.primary_key.as_slice()));
        choices(tracked).into_iter().chain([columns, key]).collect::<Vec<_>>()
    };
    let all = |tracked: &Tracked| {
        let paused = ("pausedSince", tracked.paused_since.map(format_timestamp).into());
        lasting(tracked).into_iter().chain([paused]).collect::<Vec<_>>()
    };
    let texts: Vec<(&str, String)> = match other {
        None => lasting(tracked).into_iter().map(|(name, value)| (name, value.to_string())).collect(),
        Some(other) => {
            let pairs = all(tracked).into_iter().zip(all(other));
            let differing = pairs.filter(|(one, other)| one != other);
            differing.map(|((name, value), _)| (name, value.to_string())).collect()
        }
    };
    Json::of_fields(texts.iter().map(|(name, text)| (*name, text.as_str())))
}

/// Of all entries about the capture of one table, in the order of their ids, those from which on its rows have another
/// key: a record id before and after such an entry need not be the same row's. A renamed column of the key counts, since
/// nothing tells it from another column.
pub(crate) fn key_changes(entries: &[Entry]) -> Vec<i64> {
    let mut told: Option<Vec<String>> = None;
    let mut changes = Vec::new();
    for entry in entries {
        let before = list(entry.old_values.as_ref(), PRIMARY_KEY).or(told.take());
        let after = list(entry.new_values.as_ref(), PRIMARY_KEY);
        if before.is_some() && after.is_some() && before != after {
            changes.push(entry.id);
        }
        told = after.or(before);
    }
    changes
}

/// A list of names that an image of such an entry tells.
pub(crate) fn list(image: Option<&Json>, name: &str) -> Option<Vec<String>> {
    let fields = image?.fields()?;
    let (_, value) = fields.into_iter().find(|(found, _)| found == name)?;
    serde_json::from_str(value).ok()
}
