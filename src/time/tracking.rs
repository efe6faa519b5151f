//! What the log says about the capture of a table: when it began and ended, where it had a gap, and which columns there
//! were.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::audit::{Action, Entry, Instant, Json};
use crate::capture::{Hidden, key_changes, listed};

/// What the log says about the capture of one table, in the order of the entries about it.
pub(super) struct Tracking {
    marks: Vec<Mark>,
}

/// An entry about the capture of the table.
struct Mark {
    id: i64,
    timestamp: DateTime<Utc>,
    /// Whether rows may have changed unseen around it: capture began, ended, or had been off.
    breaks: bool,
    /// Whether the rows have another key from here on, so that a record id before may be another row's after.
    rekeyed: bool,
    /// When capture had been off.
    off: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The columns from here on.
    columns: Option<Vec<String>>,
    /// Columns whose values on this side say nothing of those on the other: they were not captured on one of them, or
    /// are not the same column.
    parted: HashSet<String>,
    /// What was hidden before, where the entry says so.
    hidden: Hidden,
}

impl Mark {
    /// Whether what is told of an object on this side says nothing of the one that is called so on the other.
    fn divides(&self) -> bool {
        self.breaks || self.rekeyed
    }

    fn of(entry: &Entry) -> Mark {
        let (before, after) = (entry.old_values.as_ref(), entry.new_values.as_ref());
        let mut parted: HashSet<String> = HashSet::new();
        for image in [before, after] {
            parted.extend(listed(image, "ignoredColumns").unwrap_or_default());
        }
        if let (Some(before), Some(after)) = (listed(before, "columns"), listed(after, "columns")) {
            parted.extend(before.iter().filter(|column| !after.contains(column)).cloned());
            parted.extend(after.iter().filter(|column| !before.contains(column)).cloned());
        }
        let gap = entry.metadata.as_ref().and_then(|metadata| member(metadata, "gap"));
        Mark {
            id: entry.id,
            timestamp: entry.timestamp,
            breaks: gap.is_some() || entry.action != Action::Update,
            off: gap.and_then(|gap| Some((instant(&gap, "since")?, instant(&gap, "until").unwrap_or(entry.timestamp)))),
            columns: listed(after, "columns"),
            rekeyed: false,
            parted,
            hidden: Hidden {
                redacted: listed(before, "redactedColumns").unwrap_or_default(),
                ignored: listed(before, "ignoredColumns").unwrap_or_default(),
            },
        }
    }
}

impl Tracking {
    /// Of the entries about the table's capture, in the order of their ids.
    pub(super) fn of(entries: &[Entry]) -> Tracking {
        let changes = key_changes(entries);
        let mark = |entry: &Entry| Mark { rekeyed: changes.contains(&entry.id), ..Mark::of(entry) };
        Tracking { marks: entries.iter().map(mark).collect() }
    }

    /// The last entry about the capture that was recorded at this instant or before; 0 where there is none.
    pub(super) fn at(&self, instant: DateTime<Utc>) -> i64 {
        self.marks.iter().rev().find(|mark| mark.timestamp <= instant).map_or(0, |mark| mark.id)
    }

    /// Where the unbroken stretch of capture begins that this place lies in; 0 where nothing broke it before.
    pub(super) fn floor(&self, place: i64) -> i64 {
        self.marks.iter().rev().find(|mark| mark.divides() && mark.id <= place).map_or(0, |mark| mark.id)
    }

    /// Where that stretch ends; none where it reaches to the present.
    pub(super) fn ceiling(&self, place: i64) -> Option<i64> {
        self.marks.iter().find(|mark| mark.divides() && mark.id > place).map(|mark| mark.id)
    }

    /// The gap in capture that the instant lies in, as the log tells it.
    pub(super) fn gap(&self, instant: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let within = |(since, until): &(DateTime<Utc>, DateTime<Utc>)| *since <= instant && instant < *until;
        self.marks.iter().filter_map(|mark| mark.off).find(within)
    }

    /// The columns that the table had at this place, where the log says so.
    pub(super) fn columns(&self, place: i64) -> Option<&[String]> {
        let before = self.marks.iter().rev().filter(|mark| mark.id <= place);
        let mut told = before.take_while(|mark| mark.columns.is_some() || !(mark.breaks && mark.off.is_none()));
        told.find_map(|mark| mark.columns.as_deref())
    }

    /// The columns of which nothing is told across the places between these two.
    pub(super) fn parted(&self, above: i64, up_to: i64) -> impl Iterator<Item = &String> {
        self.marks.iter().filter(move |mark| above < mark.id && mark.id <= up_to).flat_map(|mark| &mark.parted)
    }

    /// Since when every change was recorded; none where nothing tells.
    pub(super) fn unbroken_since(&self) -> Option<DateTime<Utc>> {
        self.marks.iter().rev().find(|mark| mark.divides()).map(|mark| mark.timestamp)
    }

    /// What was hidden when tracking ended.
    pub(super) fn hidden_at_the_end(&self) -> Hidden {
        self.marks.last().map(|mark| mark.hidden.clone()).unwrap_or_default()
    }
}

fn member(object: &Json, name: &str) -> Option<Json> {
    let fields = object.fields()?;
    fields.into_iter().find(|(found, _)| found == name).and_then(|(_, value)| Json::parse(value))
}

fn instant(object: &Json, name: &str) -> Option<DateTime<Utc>> {
    let text: String = serde_json::from_str(member(object, name)?.as_str()).ok()?;
    Instant::parse(&text).ok().map(Instant::start)
}
