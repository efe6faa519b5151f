//! Which transactions are over, as PostgreSQL tells it, and which have ended between two such looks.

/// What `pg_current_snapshot()` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// All transactions from this number on had not ended.
    pub next: u64,
    /// Of those before it, the ones that were still under way, ascending.
    running: Vec<u64>,
}

impl Snapshot {
    /// Reads `xmin:xmax:xip,…`; none where it is something else.
    pub fn parse(text: &str) -> Option<Snapshot> {
        let mut parts = text.split(':').skip(1);
        let (next, list) = (parts.next()?.parse().ok()?, parts.next()?);
        let numbers = list.split(',').filter(|number| !number.is_empty());
        let mut running: Vec<u64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
        running.sort_unstable();
        Some(Snapshot { next, running })
    }

    /// The transactions that have ended since an earlier snapshot, as half-open ranges of their numbers. What is still
    /// under way lies between the ranges: its rows, which may be millions, are not even looked at.
    pub fn ended_since(&self, earlier: &Snapshot) -> Vec<(u64, u64)> {
        let is_running = |number: &u64| self.running.binary_search(number).is_ok();
        let mut ranges: Vec<(u64, u64)> =
            earlier.running.iter().filter(|number| !is_running(number)).map(|number| (*number, number + 1)).collect();
        let mut from = earlier.next;
        for number in self.running.iter().copied().filter(|number| *number >= earlier.next).chain([self.next]) {
            if from < number {
                ranges.push((from, number));
            }
            from = number + 1;
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(earlier: &str, later: &str) -> Vec<(u64, u64)> {
        Snapshot::parse(later).unwrap().ended_since(&Snapshot::parse(earlier).unwrap())
    }

    #[test]
    fn nothing_has_ended_between_equal_snapshots() {
        assert_eq!(ended("10:12:10,11", "10:12:10,11"), []);
        assert_eq!(ended("10:10:", "10:10:"), []);
    }

    #[test]
    fn a_transaction_that_was_under_way_and_is_over_has_ended() {
        assert_eq!(ended("10:12:10,11", "11:12:11"), [(10, 11)]);
    }

    #[test]
    fn new_transactions_are_the_gaps_between_those_still_under_way() {
        assert_eq!(ended("10:10:", "12:20:12,13,19"), [(10, 12), (14, 19)]);
        assert_eq!(ended("5:10:5,7", "5:15:5,10,14"), [(7, 8), (11, 14)]);
        assert_eq!(ended("10:10:", "10:11:10"), []);
    }

    #[test]
    fn each_transaction_ends_in_exactly_one_of_any_row_of_snapshots() {
        let row = ["4:10:4,8", "4:13:4,8,12", "8:13:8,12", "8:20:8,15", "20:20:"];
        let mut ended: Vec<u64> =
            row.windows(2).flat_map(|pair| ended(pair[0], pair[1])).flat_map(|(from, to)| from..to).collect();
        ended.sort_unstable();
        assert_eq!(ended, [4, 8].into_iter().chain(10..20).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_snapshot_is_none() {
        for text in ["", "1", "1:2", "a:b:c", "1:2:x"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }
}
