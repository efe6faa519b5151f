//! What is worth keeping of what clients send, in bounded room.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Values by their keys. They go from the young generation into the old one when the young one is full, and those of the
/// old one are forgotten then, unless they were asked for meanwhile.
#[derive(Debug)]
pub(crate) struct Generations<K, V> {
    /// What both may take, in bytes.
    capacity: usize,
    kept: Mutex<Kept<K, V>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    young: HashMap<K, Weighed<V>>,
    old: HashMap<K, Weighed<V>>,
    /// What the young take.
    size: usize,
}

/// A value, and what it takes with its key.
#[derive(Debug)]
struct Weighed<V>(V, usize);

impl<K: Eq + Hash, V: Clone> Generations<K, V> {
    /// An empty one, for values that take so many bytes in all.
    pub(crate) fn of(capacity: usize) -> Self {
        let kept = Kept { young: HashMap::new(), old: HashMap::new(), size: 0 };
        Generations { capacity, kept: Mutex::new(kept) }
    }

    /// What is kept under the key.
    pub(crate) fn find<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Weighed(value, _)) = kept.young.get(key) {
            return Some(value.clone());
        }
        let (key, Weighed(value, size)) = kept.old.remove_entry(key)?;
        kept.keep(key, value.clone(), size, self.capacity);
        Some(value)
    }

    /// Keeps a value that takes so many bytes with its key.
    pub(crate) fn keep(&self, key: K, value: V, size: usize) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).keep(key, value, size, self.capacity);
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    fn keep(&mut self, key: K, value: V, size: usize, capacity: usize) {
        if self.size + size > capacity / 2 {
            self.old = std::mem::take(&mut self.young);
            self.size = 0;
        }
        if self.young.insert(key, Weighed(value, size)).is_none() {
            self.size += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_in_bounded_room_and_those_in_use_stay() {
        let kept: Generations<usize, usize> = Generations::of(1_000);
        kept.keep(0, 0, 60);
        for number in 1..1_000 {
            kept.keep(number, number, 60);
            assert_eq!(kept.find(&0), Some(0));
            let generations = kept.kept.lock().unwrap();
            let taken: usize = generations.young.values().chain(generations.old.values()).map(|kept| kept.1).sum();
            assert!(taken <= 1_000, "{taken}");
        }
        assert_eq!(kept.find(&1), None);
    }
}
