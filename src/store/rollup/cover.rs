//! A range of time as the counters know it: whole months, days and hours, and what is left over at its two ends.

use chrono::{DateTime, Datelike, Months, NaiveTime, TimeDelta, Utc};

use crate::store::dialect::TimeBucket;

/// How long a stretch of time a counter is about. The numbers are those in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// All of it.
    Ever = 0,
    Month = 1,
    Day = 2,
    Hour = 3,
}

/// A range that is made of whole stretches of a level, to be added or to be taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub level: Level,
    pub range: Range,
    pub less: bool,
}

/// From an instant on, and before another; open where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

impl Level {
    /// The longest stretches out of which buckets can be put together.
    pub(crate) fn within(bucket: TimeBucket) -> Level {
        match bucket {
            TimeBucket::Hour => Level::Hour,
            TimeBucket::Day | TimeBucket::Week => Level::Day,
            TimeBucket::Month => Level::Month,
        }
    }

    fn finer(self) -> Level {
        match self {
            Level::Ever => Level::Month,
            Level::Month => Level::Day,
            Level::Day | Level::Hour => Level::Hour,
        }
    }

    /// The latest beginning of such a stretch that is not after the instant. Nothing but its end lies beyond all time.
    fn floor(self, instant: DateTime<Utc>) -> DateTime<Utc> {
        let second = instant.timestamp();
        let hour = DateTime::from_timestamp(second - second.rem_euclid(3_600), 0).unwrap_or(instant);
        let midnight = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        match self {
            Level::Ever => DateTime::<Utc>::MIN_UTC,
            Level::Month => instant.date_naive().with_day(1).map_or(instant, midnight),
            Level::Day => midnight(instant.date_naive()),
            Level::Hour => hour,
        }
    }

    /// The first beginning of such a stretch that is not before the instant.
    fn ceiling(self, instant: DateTime<Utc>) -> DateTime<Utc> {
        let floor = self.floor(instant);
        if floor == instant {
            return instant;
        }
        let next = match self {
            Level::Ever => None,
            Level::Month => floor.checked_add_months(Months::new(1)),
            Level::Day => floor.checked_add_signed(TimeDelta::days(1)),
            Level::Hour => floor.checked_add_signed(TimeDelta::hours(1)),
        };
        next.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl Level {
    fn nearest(self, instant: DateTime<Utc>) -> DateTime<Utc> {
        let (floor, ceiling) = (self.floor(instant), self.ceiling(instant));
        if instant - floor < ceiling - instant { floor } else { ceiling }
    }
}

impl Range {
    fn is_empty(self) -> bool {
        matches!((self.from, self.to), (Some(from), Some(to)) if from >= to)
    }

    /// What lies in both.
    pub(crate) fn and(self, other: Range) -> Range {
        Range { from: self.from.max(other.from), to: self.to.into_iter().chain(other.to).min() }
    }

    /// The narrowest range that holds both.
    pub(crate) fn hull(self, other: Range) -> Range {
        let to = self.to.zip(other.to).map(|(one, other)| one.max(other));
        Range { from: self.from.min(other.from), to }
    }

    /// The whole hours in it; none where there is no whole one.
    fn whole(self, level: Level) -> Option<Range> {
        let from = self.from.map(|instant| level.ceiling(instant));
        let whole = Range { from, to: self.to.map(|instant| level.floor(instant)) };
        (!whole.is_empty()).then_some(whole)
    }

    /// What a smaller range leaves of it, at either end.
    fn around(self, inner: Range) -> impl Iterator<Item = Range> {
        let before = inner.from.map(|to| Range { from: self.from, to: Some(to) });
        let after = inner.to.map(|from| Range { from: Some(from), to: self.to });
        [before, after].into_iter().flatten().filter(|range| !range.is_empty())
    }

    /// The whole hours in it, and what they leave at either end; none where it has no whole hour.
    pub(crate) fn hours(self) -> Option<(Range, Vec<Range>)> {
        let hours = self.whole(Level::Hour)?;
        Some((hours, self.around(hours).collect()))
    }

    /// Few stretches that make up a range of whole hours, none longer than may be; of a stretch that reaches beyond an end,
    /// what is too much is taken off again.
    pub(crate) fn stretches(self, longest: Level) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        self.collect(longest, false, &mut stretches);
        stretches
    }

    fn collect(self, longest: Level, less: bool, stretches: &mut Vec<Stretch>) {
        let bounded = self.from.is_some() || self.to.is_some();
        let nearest =
            Range { from: self.from.map(|at| longest.nearest(at)), to: self.to.map(|at| longest.nearest(at)) };
        if longest == Level::Hour || (longest == Level::Ever && !bounded) {
            return stretches.push(Stretch { level: longest, range: self, less });
        }
        if longest == Level::Ever || nearest.is_empty() {
            return self.collect(longest.finer(), less, stretches);
        }
        stretches.push(Stretch { level: longest, range: nearest, less });
        // What lies between an end and the one that it was moved to: missing, or too much.
        let mut mend = |one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>, less: bool| {
            let between = Range { from: one, to: other };
            if one.is_some() && !between.is_empty() {
                between.collect(longest.finer(), less, stretches);
            }
        };
        mend(self.from, nearest.from, less);
        mend(nearest.from, self.from, !less);
        mend(nearest.to, self.to, less);
        mend(self.to, nearest.to, !less);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn told(range: Range, longest: Level) -> Vec<String> {
        let side =
            |instant: Option<DateTime<Utc>>| instant.map_or("…".to_owned(), |at| at.format("%m-%dT%H").to_string());
        let stretches = range.stretches(longest).into_iter();
        let name = |stretch: &Stretch| format!("{}{:?}", if stretch.less { "less " } else { "" }, stretch.level);
        stretches.map(|it| format!("{} {}–{}", name(&it), side(it.range.from), side(it.range.to))).collect()
    }

    #[test]
    fn all_of_time_is_one_stretch_unless_buckets_are_shorter() {
        assert_eq!(told(Range::default(), Level::Ever), ["Ever …–…"]);
        assert_eq!(told(Range::default(), Level::Day), ["Day …–…"]);
    }

    #[test]
    fn a_range_is_made_of_long_stretches_and_mended_at_its_ends() {
        let range = Range { from: Some(at("2026-01-30T05:00:00Z")), to: Some(at("2026-04-27T15:00:00Z")) };
        assert_eq!(
            told(range, Level::Ever),
            [
                "Month 02-01T00–05-01T00",
                "Day 01-30T00–02-01T00",
                "less Hour 01-30T00–01-30T05",
                "less Day 04-28T00–05-01T00",
                "less Hour 04-27T15–04-28T00"
            ]
        );
        assert_eq!(told(Range { from: None, ..range }, Level::Month)[0], "Month …–05-01T00");
        let short = Range { from: Some(at("2026-01-30T05:00:00Z")), to: Some(at("2026-01-30T09:00:00Z")) };
        assert_eq!(told(short, Level::Ever), ["Hour 01-30T05–01-30T09"]);
    }

    #[test]
    fn what_has_no_whole_hour_has_none() {
        let range = |from: &str, to: &str| Range { from: Some(at(from)), to: Some(at(to)) };
        assert_eq!(range("2026-01-30T05:00:01Z", "2026-01-30T06:59:59Z").hours(), None);
        assert_eq!(range("2026-01-30T05:00:00Z", "2026-01-30T04:00:00Z").hours(), None);
        let (hours, ends) = range("2026-01-30T05:00:01Z", "2026-01-30T07:00:00Z").hours().unwrap();
        assert_eq!(hours, range("2026-01-30T06:00:00Z", "2026-01-30T07:00:00Z"));
        assert_eq!(ends, [range("2026-01-30T05:00:01Z", "2026-01-30T06:00:00Z")]);
    }

    fn instant() -> impl Strategy<Value = Option<DateTime<Utc>>> {
        // Within four months, at times on the hour or at midnight.
        let seconds = prop_oneof![
            0..10_000_000_i64,
            (0..2_777_i64).prop_map(|hour| hour * 3_600),
            (0..115_i64).prop_map(|day| day * 86_400)
        ];
        proptest::option::of(seconds.prop_map(|second| at("2026-01-01T00:00:00Z") + TimeDelta::seconds(second)))
    }

    proptest! {
        /// Each instant of the range lies once in its pieces, what is taken off taken off, and no other instant does.
        #[test]
        fn the_pieces_are_the_range(from in instant(), to in instant(), probe in instant(), month in any::<bool>()) {
            let range = Range { from, to };
            let probe = probe.unwrap_or_else(|| at("2026-02-01T00:00:00Z"));
            let holds = |range: &Range| {
                i32::from(range.from.is_none_or(|from| from <= probe) && range.to.is_none_or(|to| probe < to))
            };
            let Some((hours, ends)) = range.hours() else { return Ok(()) };
            let longest = if month { Level::Ever } else { Level::Day };
            let stretches = hours.stretches(longest);
            let signed = |it: &Stretch| if it.less { -holds(&it.range) } else { holds(&it.range) };
            let held = ends.iter().map(holds).sum::<i32>() + stretches.iter().map(signed).sum::<i32>();
            prop_assert_eq!(held, holds(&range));
            for Stretch { level, range, .. } in stretches {
                prop_assert!(level >= longest);
                for side in [range.from, range.to].into_iter().flatten() {
                    prop_assert_eq!(level.floor(side), side);
                }
            }
        }
    }
}
