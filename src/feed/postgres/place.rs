//! A place in the feed of PostgreSQL, and its bytes in a cursor.
//!
//! A crash, or a copy of the files that is put back, has numbers of transactions given out again that left nothing in the
//! log. So the snapshots of a cursor end right behind the greatest transaction that they show an entry of: whatever
//! comes by one of the numbers beyond is new. In memory, where a place lives no longer than the server's connection,
//! they are kept as they are, since it costs something to look again at what was rolled back.

use std::sync::Arc;

use crate::feed::bytes::{Reader, Writer};
use crate::feed::place::Witness;
use crate::store::Snapshot;

/// The tag of its cursors.
pub(in crate::feed) const KIND: u8 = b'f';

/// More transactions than the longest cursor has room for.
const MOST_RUNNING: usize = 16 * 1_024;

/// A place in one life of the database.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feed) struct Place {
    pub era: i64,
    /// All that this shows was passed.
    pub seen: Arc<Seen>,
    /// What was passed of what came since.
    pub within: Option<Within>,
}

/// Which transactions are over.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::feed) struct Seen {
    pub snapshot: Snapshot,
    /// Beyond all transactions that it shows an entry of, and no further.
    pub end: u64,
    /// The last entry of the greatest transaction that it shows one of. Not kept where it is not needed any more.
    pub top: Option<Witness>,
}

/// A place between two snapshots.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feed) struct Within {
    /// The later one.
    pub until: Arc<Seen>,
    /// The greatest id of the transaction of the last entry that was passed: the window is in that order.
    pub last: i64,
    /// That entry.
    pub passed: Witness,
}

impl Seen {
    /// What a later snapshot shows, and the greatest transaction among what it shows besides.
    pub fn shown(snapshot: Snapshot, top: Option<(u64, Witness)>, earlier: &Seen) -> Seen {
        match top {
            Some((tx, last)) if tx >= earlier.end => Seen { snapshot, end: tx + 1, top: Some(last) },
            _ => Seen { snapshot, end: earlier.end, top: earlier.top },
        }
    }
}

impl Place {
    /// The place behind all that a snapshot shows.
    pub fn after(era: i64, seen: &Arc<Seen>) -> Place {
        Place { era, seen: Arc::clone(seen), within: None }
    }

    /// The later snapshot of the two, or the only one.
    pub fn newest(&self) -> &Arc<Seen> {
        self.within.as_ref().map_or(&self.seen, |within| &within.until)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(KIND);
        writer.put(self.era as u64);
        put_snapshot(&mut writer, &self.seen, 0);
        writer.put(u64::from(self.within.is_some()));
        if let Some(Within { until, last, passed }) = &self.within {
            put_later(&mut writer, &self.seen, until);
            writer.put(*last as u64);
            put_witness(&mut writer, *passed);
        }
        writer.put(u64::from(self.newest().top.is_some()));
        if let Some(top) = self.newest().top {
            put_witness(&mut writer, top);
        }
        writer.into_bytes()
    }

    pub fn of_bytes(bytes: &[u8]) -> Option<Place> {
        let mut reader = Reader::new(bytes);
        let era = reader.take_id()?;
        let mut seen = take_snapshot(&mut reader, 0)?;
        let mut within = match reader.take()? {
            0 => None,
            1 => Some((take_later(&mut reader, &seen)?, reader.take_id()?, take_witness(&mut reader)?)),
            _ => return None,
        };
        let top = match reader.take()? {
            0 => None,
            1 => Some(take_witness(&mut reader)?),
            _ => return None,
        };
        let newest = within.as_mut().map_or(&mut seen, |(until, ..)| until);
        newest.top = top;
        let is_whole = (newest.end == 0) == top.is_none() && reader.is_at_end();
        let within = within.map(|(until, last, passed)| Within { until: Arc::new(until), last, passed });
        is_whole.then_some(Place { era, seen: Arc::new(seen), within })
    }
}

fn put_witness(writer: &mut Writer, witness: Witness) {
    writer.put(witness.id as u64);
    writer.put_signed(witness.timestamp);
}

fn take_witness(reader: &mut Reader<'_>) -> Option<Witness> {
    Some(Witness { id: reader.take_id()?, timestamp: reader.take_signed()? })
}

/// Ascending numbers: how many, the distance of the first from a number near it, and the steps between them.
fn put_ascending(writer: &mut Writer, numbers: &[u64], near: u64) {
    writer.put(numbers.len() as u64);
    let Some(first) = numbers.first() else { return };
    writer.put_signed(first.wrapping_sub(near) as i64);
    numbers.windows(2).for_each(|pair| writer.put(pair[1] - pair[0]));
}

fn take_ascending(reader: &mut Reader<'_>, near: u64) -> Option<Vec<u64>> {
    let count = usize::try_from(reader.take()?).ok().filter(|count| *count <= MOST_RUNNING)?;
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..count {
        let number = match numbers.last() {
            None => near.checked_add_signed(reader.take_signed()?)?,
            Some(before) => reader.take().filter(|step| *step > 0)?.checked_add(*before)?,
        };
        numbers.push(number);
    }
    Some(numbers)
}

fn put_snapshot(writer: &mut Writer, seen: &Seen, near: u64) {
    writer.put_signed(seen.end.wrapping_sub(near) as i64);
    put_ascending(writer, seen.snapshot.running(), seen.end);
}

fn take_snapshot(reader: &mut Reader<'_>, near: u64) -> Option<Seen> {
    let end = near.checked_add_signed(reader.take_signed()?)?;
    let running = take_ascending(reader, end)?;
    Some(Seen { snapshot: Snapshot::new(end, running)?, end, top: None })
}

/// The later of two snapshots: whole, or by what is under way no more and what is since, whatever takes fewer bytes.
fn put_later(writer: &mut Writer, earlier: &Seen, later: &Seen) {
    let mut whole = Writer::part();
    whole.put(0);
    put_snapshot(&mut whole, later, earlier.end);
    let (before, after) = (&earlier.snapshot, &later.snapshot);
    let gone: Vec<u64> =
        (0..).zip(before.running()).filter(|(_, x)| !after.was_running(**x)).map(|(at, _)| at).collect();
    let new: Vec<u64> = after.running().iter().copied().filter(|number| !before.was_running(*number)).collect();
    let mut change = Writer::part();
    change.put(1);
    change.put_signed(later.end.wrapping_sub(earlier.end) as i64);
    put_ascending(&mut change, &gone, 0);
    put_ascending(&mut change, &new, later.end);
    writer.append(if change.len() < whole.len() { change } else { whole });
}

fn take_later(reader: &mut Reader<'_>, earlier: &Seen) -> Option<Seen> {
    match reader.take()? {
        0 => return take_snapshot(reader, earlier.end),
        1 => {}
        _ => return None,
    }
    let end = earlier.end.checked_add_signed(reader.take_signed()?)?;
    let gone = take_ascending(reader, 0)?;
    let new = take_ascending(reader, end)?;
    let before = earlier.snapshot.running();
    if gone.last().is_some_and(|at| *at >= before.len() as u64) {
        return None;
    }
    let stayed = (0..).zip(before).filter(|(at, _)| gone.binary_search(at).is_err()).map(|(_, number)| *number);
    let mut running: Vec<u64> = stayed.chain(new).collect();
    running.sort_unstable();
    Some(Seen { snapshot: Snapshot::new(end, running)?, end, top: None })
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::audit::{Code, seal, unseal};
    use crate::feed::place::Place as Any;

    fn any_seen() -> impl Strategy<Value = Seen> {
        (0..5_000u64, btree_set(1..6_000u64, 0..40), any::<i32>()).prop_map(|(end, running, id)| Seen {
            snapshot: Snapshot::new(end + 100, running.into_iter().collect()).unwrap(),
            end,
            top: (end > 0).then_some(Witness { id: id.unsigned_abs().into(), timestamp: id.into() }),
        })
    }

    fn any_place() -> impl Strategy<Value = Place> {
        (any_seen(), proptest::option::of((any_seen(), any::<u32>(), any::<i64>()))).prop_map(|(seen, within)| {
            let within = within.map(|(until, id, timestamp)| {
                let passed = Witness { id: id.into(), timestamp };
                Within { until: Arc::new(until), last: passed.id + 7, passed }
            });
            Place { era: 3, seen: Arc::new(seen), within }
        })
    }

    /// What a cursor keeps of a snapshot.
    fn lowered(seen: &Seen, is_newest: bool) -> Arc<Seen> {
        let snapshot = Snapshot::new(seen.end, seen.snapshot.running().to_vec()).unwrap();
        Arc::new(Seen { snapshot, end: seen.end, top: seen.top.filter(|_| is_newest) })
    }

    proptest! {
        #[test]
        fn a_cursor_brings_its_place_back(place in any_place()) {
            let back = Any::of_cursor(&Any::Postgres(place.clone()).to_cursor().unwrap()).unwrap();
            let within = place.within.map(|within| Within { until: lowered(&within.until, true), ..within });
            let expected = Place { seen: lowered(&place.seen, within.is_none()), within, ..place };
            prop_assert_eq!(back, Any::Postgres(expected));
        }

        /// Whoever can work out the checksum gets no further than one who has a cursor.
        #[test]
        fn no_bytes_confuse_it(bytes in vec(any::<u8>(), 0..60)) {
            let cursor = seal([&[KIND][..], &bytes].concat());
            match Any::of_cursor(&cursor) {
                Ok(place) => prop_assert!(place.to_cursor().is_ok()),
                Err(refused) => prop_assert_eq!(refused.code(), Code::BadUserInput),
            }
        }
    }

    fn cursor(end: u64, running: Vec<u64>) -> String {
        let top = (end > 0).then_some(Witness { id: 1, timestamp: 1 });
        let seen = Seen { snapshot: Snapshot::new(end, running).unwrap(), end, top };
        Any::Postgres(Place { era: 1, seen: Arc::new(seen), within: None }).to_cursor().unwrap()
    }

    #[test]
    fn a_damaged_cursor_is_none() {
        let whole = cursor(100, vec![90, 95]);
        assert!(Any::of_cursor(&whole).is_ok());
        let body = unseal(&whole).unwrap();
        for length in 0..body.len() {
            assert!(Any::of_cursor(&seal(body[..length].to_vec())).is_err(), "{length}");
        }
        for foreign in ["", "x", "AAAA", &whole[1..], &whole.to_lowercase(), &format!("{whole}AAAA")] {
            let refused = Any::of_cursor(foreign).unwrap_err();
            assert_eq!(refused.code(), Code::BadUserInput);
            assert!(refused.message().contains("`feedCursor`"), "{refused}");
        }
        assert!(Any::of_cursor(&seal([body, vec![0]].concat())).is_err());
    }

    #[test]
    fn a_running_list_that_does_not_ascend_or_is_too_long_is_none() {
        let bytes = |numbers: &[u64]| {
            let mut writer = Writer::new(KIND);
            [1, 0].into_iter().chain(numbers.iter().copied()).chain([0, 0]).for_each(|number| writer.put(number));
            seal(writer.into_bytes())
        };
        assert!(Any::of_cursor(&bytes(&[2, 2, 5])).is_ok());
        assert!(Any::of_cursor(&bytes(&[2, 2, 0])).is_err());
        assert!(Any::of_cursor(&bytes(&[2, 2, u64::MAX])).is_err());
        assert!(Any::of_cursor(&bytes(&[4_097])).is_err());
    }

    #[test]
    fn a_window_among_a_thousand_open_transactions_takes_few_bytes_more_than_a_snapshot() {
        let running: Vec<u64> = (0..1_000).map(|number| 1_000 + number * 700).collect();
        let short = cursor(800_000, running.clone());
        assert!(short.len() < 3_000, "{}", short.len());
        let seen = |end| Seen {
            snapshot: Snapshot::new(end, running.clone()).unwrap(),
            end,
            top: Some(Witness { id: 1, timestamp: 1 }),
        };
        let passed = Witness { id: 5_000_000, timestamp: 1_772_357_400_123_456 };
        let within = Some(Within { until: Arc::new(seen(800_100)), last: 5_000_010, passed });
        let place = Place { era: 1, seen: Arc::new(seen(800_000)), within };
        assert!(Any::Postgres(place).to_cursor().unwrap().len() < short.len() + 50);
    }
}
