//! Which transactions are over, as PostgreSQL tells it, and which have ended between two such looks.

/// Numbers from here on are none that a transaction could have.
const BEYOND: u64 = 1 << 62;

/// What `pg_current_snapshot()` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All transactions from this number on had not ended.
    next: u64,
    /// The ones that were still under way, ascending. Where `next` was lowered afterwards, some are not below it.
    running: Vec<u64>,
}

impl Snapshot {
    /// None where the numbers are no snapshot's: the running ones have to ascend.
    pub fn new(next: u64, running: Vec<u64>) -> Option<Snapshot> {
        let is_ascending = running.windows(2).all(|pair| pair[0] < pair[1]);
        let is_bounded = next < BEYOND && running.last().is_none_or(|last| *last < BEYOND);
        (is_ascending && is_bounded).then_some(Snapshot { next, running })
    }

    /// Reads `xmin:xmax:xip,…`; none where it is something else.
    pub fn parse(text: &str) -> Option<Snapshot> {
        let mut parts = text.split(':').skip(1);
        let (next, list) = (parts.next()?.parse().ok()?, parts.next()?);
        let numbers = list.split(',').filter(|number| !number.is_empty());
        let mut running: Vec<u64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
        running.sort_unstable();
        Snapshot::new(next, running)
    }

    /// The number from which on no transaction had ended.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The transactions that were under way.
    pub fn running(&self) -> &[u64] {
        &self.running
    }

    /// Whether this transaction was over.
    pub fn has_ended(&self, number: u64) -> bool {
        number < self.next && !self.was_running(number)
    }

    /// Whether this transaction was known to be under way.
    pub fn was_running(&self, number: u64) -> bool {
        self.running.binary_search(&number).is_ok()
    }

    /// The transactions that were under way at an earlier snapshot and are over.
    pub fn late_since<'a>(&'a self, earlier: &'a Snapshot) -> impl Iterator<Item = u64> + 'a {
        earlier.running.iter().copied().filter(|number| self.has_ended(*number))
    }

    /// The transactions that have ended since an earlier snapshot, as half-open ranges of their numbers. What is still
    /// under way lies between the ranges: its rows, which may be millions, are not even looked at.
    pub fn ended_since(&self, earlier: &Snapshot) -> Vec<(u64, u64)> {
        let late = self.late_since(earlier).filter(|number| *number < earlier.next);
        let mut ranges: Vec<(u64, u64)> = late.map(|number| (number, number + 1)).collect();
        let mut from = earlier.next;
        let inside = self.running.iter().copied().filter(|number| (earlier.next..self.next).contains(number));
        for number in inside.chain([self.next]) {
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

    /// A snapshot in a cursor ends behind the last entry that it shows, wherever transactions stood then.
    #[test]
    fn what_ran_beyond_the_end_of_a_lowered_snapshot_has_not_ended_in_it() {
        let lowered = Snapshot::new(10, vec![7, 12]).unwrap();
        assert!(lowered.has_ended(9) && !lowered.has_ended(7) && !lowered.has_ended(12) && !lowered.has_ended(11));
        let later = Snapshot::parse("13:15:13").unwrap();
        assert_eq!(later.ended_since(&lowered), [(7, 8), (10, 13), (14, 15)]);
        assert_eq!(later.late_since(&lowered).collect::<Vec<_>>(), [7, 12]);
    }

    #[test]
    fn nothing_has_ended_since_a_later_snapshot() {
        assert_eq!(ended("5:20:5,12", "5:10:5"), []);
        assert_eq!(ended("20:20:", "5:10:5"), []);
    }

    #[test]
    fn what_is_no_snapshot_is_none() {
        for text in ["", "1", "1:2", "a:b:c", "1:2:x", "1:9223372036854775807:", "1:2:9223372036854775807"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }
}
