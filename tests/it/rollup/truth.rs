//! What the log says, worked out from its entries alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use afterimage::audit::{Action, Entry, Filter, PageRequest, Position};
use afterimage::store::{self, Beyond, Database, Part, Selection, TimeBucket, UserCount};
use chrono::{DateTime, Datelike, Days, NaiveTime, Timelike, Utc};

use super::{entries, table};
use crate::support::World;

/// The whole log, and which tables are tracked.
pub struct Truth {
    entries: Vec<Entry>,
    tracked: HashSet<String>,
}

/// How many users and tables are asked for: fewer than there are, so that the order counts.
const FIRST: u64 = 3;
const BUCKETS: [TimeBucket; 4] = [TimeBucket::Hour, TimeBucket::Day, TimeBucket::Week, TimeBucket::Month];

impl Truth {
    pub async fn of(world: &World, database: &Database) -> Truth {
        let tracked = world.rows(&format!("select table_name from {}", table(world, "tracked_table"))).await;
        let tracked = tracked.into_iter().flatten().flatten().collect();
        Truth { entries: entries(database).await, tracked }
    }

    /// Where the store says otherwise about this filter.
    pub async fn contradiction(&self, database: &Database, filter: &Filter) -> Option<String> {
        let counts = self.of_counts(database, filter).await;
        if counts.is_some() {
            return counts;
        }
        self.of_trash(database, filter).await
    }

    async fn of_counts(&self, database: &Database, filter: &Filter) -> Option<String> {
        let mut parts = vec![Part::Total, Part::ByTable(FIRST), Part::ByUser(FIRST), Part::ByAction];
        parts.extend(BUCKETS.map(Part::Timeline));
        let counts = store::summary(database, filter, &parts).await.expect("counts");
        let meant: Vec<&Entry> = self.entries.iter().filter(|entry| filter.matches(entry)).collect();
        let differs =
            |what: &str, said: String, truth: String| (said != truth).then(|| format!("{what}: {said}, not {truth}"));
        let mut tables = counted(meant.iter().map(|entry| entry.table_name.clone()));
        tables.sort_by_key(|(table, count)| (Reverse(*count), table.clone()));
        tables.truncate(FIRST as usize);
        let mut users = counted(meant.iter().map(|entry| entry.user_id.clone()));
        users.sort_by_key(|(user, count)| (Reverse(*count), user.is_none(), user.clone()));
        users.truncate(FIRST as usize);
        let users =
            users.into_iter().map(|(user_id, count)| UserCount { username: self.name(&user_id), user_id, count });
        let action = |action: Action| (action, meant.iter().filter(|entry| entry.action == action).count() as i64);
        let count = store::count(database, &Selection::of(filter.clone())).await.expect("a count");
        differs("total", counts.total().to_string(), meant.len().to_string())
            .or_else(|| differs("count", count.to_string(), meant.len().to_string()))
            .or_else(|| differs("tables", format!("{:?}", counts.by_table(FIRST)), format!("{tables:?}")))
            .or_else(|| {
                differs("users", format!("{:?}", counts.by_user(FIRST)), format!("{:?}", users.collect::<Vec<_>>()))
            })
            .or_else(|| {
                differs("actions", format!("{:?}", counts.by_action()), format!("{:?}", Action::ALL.map(action)))
            })
            .or_else(|| {
                BUCKETS.into_iter().find_map(|bucket| {
                    let truth = counted(meant.iter().map(|entry| start(bucket, entry.timestamp)));
                    differs(
                        &format!("{bucket:?}"),
                        format!("{:?}", counts.timeline(bucket).expect("times")),
                        format!("{truth:?}"),
                    )
                })
            })
    }

    /// The latest name that a user had.
    fn name(&self, user: &Option<String>) -> Option<String> {
        let named =
            self.entries.iter().filter(|entry| entry.username.is_some() && entry.user_id == *user && user.is_some());
        named.max_by_key(|entry| (entry.timestamp, entry.id)).and_then(|entry| entry.username.clone())
    }

    /// The trash, the most recent first.
    fn trash(&self, filter: &Filter) -> Vec<&Entry> {
        let mut last: HashMap<(&str, &str), &Entry> = HashMap::new();
        let is_change = |entry: &&Entry| entry.action != Action::Read;
        let believed = |entry: &&Entry| entry.trusted || !self.tracked.contains(&entry.table_name);
        for entry in self.entries.iter().filter(is_change).filter(believed) {
            if let Some(record) = &entry.record_id {
                last.insert((&entry.table_name, record), entry);
            }
        }
        let gone = |entry: &&Entry| entry.action == Action::Delete && entry.previous_record_id.is_none();
        let mut trash: Vec<&Entry> = last.into_values().filter(gone).filter(|entry| filter.matches(entry)).collect();
        trash.sort_by_key(|entry| Reverse((entry.timestamp, entry.id)));
        trash
    }

    async fn of_trash(&self, database: &Database, filter: &Filter) -> Option<String> {
        let selection = Selection::of_trash(filter.clone());
        let truth = self.trash(filter);
        let ids = |entries: &[&Entry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
        let count = store::count(database, &selection).await.expect("a count");
        if count != truth.len() as i64 {
            return Some(format!("the trash has {}, not {count}", truth.len()));
        }
        let middle = truth.get(truth.len() / 2).map(|entry| Position::of(entry));
        let place = middle.map(|place| place.to_cursor());
        let place = place.as_deref();
        let (size, skipped) = (truth.len() as i32 / 3 + 1, truth.len() / 2);
        let pages = [
            (PageRequest::new(Some(1_000), None, None, None, None), &truth[..]),
            (PageRequest::new(Some(size), None, None, None, Some(skipped as i32)), &truth[skipped..]),
            (PageRequest::new(Some(size), place, None, None, None), truth.get(skipped + 1..).unwrap_or_default()),
            (
                PageRequest::new(Some(1_000), None, None, place, None),
                if place.is_some() { &truth[..skipped] } else { &truth[..] },
            ),
            (
                PageRequest::new(None, None, Some(size), None, None),
                &truth[truth.len() - truth.len().min(size as usize)..],
            ),
        ];
        for (request, rest) in pages {
            let request = request.expect("a page");
            let expected = &rest[..rest.len().min(request.size as usize)];
            let (page, _) = store::page(database, &selection, &request).await.expect("a page");
            let page: Vec<&Entry> = page.iter().collect();
            if ids(&page) != ids(expected) {
                return Some(format!("{request:?}: {:?}, not {:?}", ids(&page), ids(expected)));
            }
        }
        let place = middle?;
        let exists = async |side| store::exists_beyond(database, &selection, place, side).await.expect("an answer");
        let beyond = (exists(Beyond::Newer).await, exists(Beyond::Older).await);
        (beyond != (skipped > 0, truth.len() > skipped + 1))
            .then(|| format!("beyond {skipped} of {}: {beyond:?}", truth.len()))
    }
}

fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<(K, i64)> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn start(bucket: TimeBucket, instant: DateTime<Utc>) -> DateTime<Utc> {
    let day = instant.date_naive();
    let midnight = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    match bucket {
        TimeBucket::Hour => midnight(day) + chrono::TimeDelta::hours(instant.hour().into()),
        TimeBucket::Day => midnight(day),
        TimeBucket::Week => midnight(day - Days::new(day.weekday().num_days_from_monday().into())),
        TimeBucket::Month => midnight(day.with_day(1).expect("a first")),
    }
}
