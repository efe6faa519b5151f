//! How often a table is mended at the most.
//!
//! Two servers of different versions over one file, or a program that takes triggers off again and again, would otherwise
//! make the server mend, and the log say so, several times a second for ever.

use std::time::{Duration, Instant};

/// So many repairs in a row are made at once: a migration takes several steps.
const FREE: u32 = 10;
/// A repair that comes later than this after the last one begins a new row.
const QUIET: Duration = Duration::from_secs(60);
/// The longest pause between two repairs.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The repairs of one table, as far as they follow each other closely.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    row: u32,
    last: Option<Instant>,
}

impl Pace {
    /// How long the next repair has to wait still.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |last| self.pause().saturating_sub(now.saturating_duration_since(last)))
    }

    /// A repair was made.
    pub(super) fn mended(&mut self, now: Instant) {
        let close = self.last.is_some_and(|last| now.saturating_duration_since(last) < QUIET.max(self.pause() * 2));
        self.row = if close { self.row.saturating_add(1) } else { 1 };
        self.last = Some(now);
    }

    fn pause(&self) -> Duration {
        match self.row.checked_sub(FREE) {
            Some(over) => Duration::from_secs(1 << over.min(12)).min(LONGEST),
            None => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_a_migration_are_followed_at_once_and_an_endless_quarrel_ever_more_slowly() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        let mut waits = Vec::new();
        for _ in 0..30 {
            let wait = pace.wait(now);
            waits.push(wait.as_secs());
            now += wait;
            pace.mended(now);
        }
        assert_eq!(waits[..14], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(waits[29], 3_600);
        now += LONGEST * 3;
        assert_eq!(pace.wait(now), Duration::ZERO);
        pace.mended(now);
        assert_eq!(pace.wait(now), Duration::ZERO, "a quiet time begins a new row");
    }
}
