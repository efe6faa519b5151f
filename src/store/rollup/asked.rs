//! Which questions the counters can answer.

use super::cover::{Level, Range};
use crate::audit::Filter;
use crate::store::summary::Part;

/// What a counter tells apart. The numbers are those in the database; users have one more, for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Total,
    Things,
    People,
}

/// A filter that is made of a range of time and of conditions on what one measure tells apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Asked {
    pub range: Range,
    /// The other conditions.
    pub rest: Filter,
    about: Measure,
}

impl Asked {
    /// The filter, where it is such a one.
    pub(crate) fn of(filter: &Filter) -> Option<Asked> {
        let mut asked = Asked { range: Range::default(), rest: Filter::everything(), about: Measure::Total };
        let mut rest = Vec::new();
        let mut conjuncts = vec![filter];
        while let Some(conjunct) = conjuncts.pop() {
            match conjunct {
                Filter::All(filters) => conjuncts.extend(filters),
                Filter::Start(start) => {
                    asked.range.from = Some(asked.range.from.map_or(*start, |from| from.max(*start)));
                }
                Filter::End(end) => asked.range.to = Some(asked.range.to.map_or(*end, |to| to.min(*end))),
                other => {
                    asked.about = both(asked.about, subject(other)?)?;
                    rest.push(other.clone());
                }
            }
        }
        if !rest.is_empty() {
            asked.rest = Filter::All(rest);
        }
        Some(asked)
    }

    /// The measure that has the answer to a part of the summary.
    pub(crate) fn measure(&self, part: Part) -> Option<Measure> {
        match part {
            Part::Total | Part::Timeline(_) => Some(self.about),
            Part::ByTable(_) | Part::ByAction => both(self.about, Measure::Things),
            Part::ByUser(_) => both(self.about, Measure::People),
        }
    }
}

/// The longest stretches of time that a part can be put together of.
pub(crate) fn longest(part: Part) -> Level {
    match part {
        Part::Timeline(bucket) => Level::within(bucket),
        _ => Level::Ever,
    }
}

/// The one measure that tells apart what two do. There is none of things and people: that would be nearly the log itself.
fn both(one: Measure, other: Measure) -> Option<Measure> {
    match (one, other) {
        (Measure::Total, measure) | (measure, Measure::Total) => Some(measure),
        _ => (one == other).then_some(one),
    }
}

fn subject(filter: &Filter) -> Option<Measure> {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => {
            filters.iter().try_fold(Measure::Total, |measure, filter| both(measure, subject(filter)?))
        }
        Filter::Not(filter) => subject(filter),
        Filter::Table(_) | Filter::Action(_) => Some(Measure::Things),
        Filter::User(_) | Filter::HasUser(_) => Some(Measure::People),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Action;
    use crate::store::dialect::TimeBucket;

    fn instant(text: &str) -> chrono::DateTime<chrono::Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_the_narrowest_of_what_is_said() {
        let (early, late) = (instant("2026-01-01T00:00:00Z"), instant("2026-02-01T00:00:00Z"));
        let starts = Filter::All(vec![Filter::Start(early), Filter::All(vec![Filter::Start(late)]), Filter::End(late)]);
        let asked = Asked::of(&starts).unwrap();
        assert_eq!(asked.range, Range { from: Some(late), to: Some(late) });
        assert_eq!(asked.rest, Filter::everything());
        assert_eq!(Asked::of(&Filter::Any(vec![Filter::Start(early)])), None);
    }

    #[test]
    fn tables_and_users_are_not_counted_together() {
        let table = Filter::Table(vec!["t".into()]);
        let user = Filter::Not(Box::new(Filter::HasUser(true)));
        let of = |filter: &Filter, part| Asked::of(filter).and_then(|asked| asked.measure(part));
        assert_eq!(of(&table, Part::Total), Some(Measure::Things));
        assert_eq!(of(&table, Part::ByUser(1)), None);
        assert_eq!(of(&user, Part::Timeline(TimeBucket::Day)), Some(Measure::People));
        assert_eq!(of(&user, Part::ByAction), None);
        assert_eq!(of(&Filter::everything(), Part::ByUser(1)), Some(Measure::People));
        assert_eq!(of(&Filter::everything(), Part::Total), Some(Measure::Total));
        assert_eq!(of(&table.clone().and(user), Part::Total), None);
        let either = Filter::Any(vec![table, Filter::Action(vec![Action::Read])]);
        assert_eq!(of(&either, Part::ByTable(1)), Some(Measure::Things));
        assert_eq!(of(&Filter::Record(vec![]), Part::Total), None);
    }
}
