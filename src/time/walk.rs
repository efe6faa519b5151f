//! Reading an object's history on both sides of a place, in chunks, until the state there is known.

use std::sync::Arc;

use super::snapshot::Snapshot;
use super::state::{Field, Side, State};
use super::tracking::Tracking;
use crate::audit::Result;
use crate::capture::Hidden;

/// How many entries are read at first, and at the most, in one go.
const FIRST_CHUNK: u64 = 16;
const LARGEST_CHUNK: u64 = 1_024;

/// A place in the history of an object: after the entry of this id, and before the next one.
pub(super) struct Walk<'a> {
    pub(super) snapshot: &'a Snapshot<'a>,
    pub(super) tracking: &'a Tracking,
    pub(super) hidden: &'a Hidden,
    pub(super) place: i64,
}

impl Walk<'_> {
    /// The fields of the row at the place. A field whose value neither side tells is left out.
    pub(super) async fn state(&self) -> Result<Vec<Field>> {
        let mut state = State::new(self.hidden, self.tracking.columns(self.place));
        let (mut back, mut ahead) = (Back::new(self), Ahead::new(self));
        let mut chunk = FIRST_CHUNK;
        while !(state.is_complete() || back.side.ended && ahead.side.ended) {
            if !back.side.ended {
                back.read(self, &mut state, chunk).await?;
            }
            if !ahead.side.ended && !state.is_complete() {
                ahead.read(self, &mut state, chunk).await?;
            }
            chunk = LARGEST_CHUNK.min(chunk * 4);
        }
        Ok(state.into_fields(self.present_order()))
    }

    /// The fields as the entries at the place and before it set them, of the columns of this row.
    pub(super) async fn set_before(&self, columns: Option<&[String]>) -> Result<Vec<Field>> {
        let mut state = State::new(self.hidden, columns);
        let mut back = Back::new(self);
        let mut chunk = FIRST_CHUNK;
        while !state.is_complete() && !back.side.ended {
            back.read(self, &mut state, chunk).await?;
            chunk = LARGEST_CHUNK.min(chunk * 4);
        }
        Ok(state.into_fields(self.present_order()))
    }

    fn present_order(&self) -> &[String] {
        self.snapshot.tracked.as_ref().map_or(&[], |tracked| tracked.columns.as_slice())
    }
}

/// The way towards the past.
struct Back {
    side: Side,
    /// The greatest id that was not read yet.
    from: i64,
    floor: i64,
}

impl Back {
    fn new(walk: &Walk<'_>) -> Back {
        Back { side: Side::default(), from: walk.place, floor: walk.tracking.floor(walk.place) }
    }

    async fn read(&mut self, walk: &Walk<'_>, state: &mut State<'_>, limit: u64) -> Result<()> {
        let entries = walk.snapshot.changes().down(&walk.snapshot.transaction, self.from, self.floor, limit).await?;
        let last = (entries.len() as u64) < limit;
        for entry in entries {
            if self.side.ended {
                return Ok(());
            }
            self.side.lose(walk.tracking.parted(entry.id, self.from));
            self.from = entry.id - 1;
            state.look_back(&mut self.side, &Arc::new(entry));
        }
        self.side.ended |= last;
        Ok(())
    }
}

/// The way towards the present.
struct Ahead {
    side: Side,
    /// The greatest id that was read.
    above: i64,
    ceiling: Option<i64>,
}

impl Ahead {
    fn new(walk: &Walk<'_>) -> Ahead {
        Ahead { side: Side::default(), above: walk.place, ceiling: walk.tracking.ceiling(walk.place) }
    }

    async fn read(&mut self, walk: &Walk<'_>, state: &mut State<'_>, limit: u64) -> Result<()> {
        let ceiling = self.ceiling.unwrap_or(i64::MAX);
        let entries = walk.snapshot.changes().up(&walk.snapshot.transaction, self.above, ceiling, limit).await?;
        let last = (entries.len() as u64) < limit;
        for entry in entries {
            if self.side.ended {
                return Ok(());
            }
            self.side.lose(walk.tracking.parted(self.above, entry.id));
            self.above = entry.id;
            state.look_ahead(&mut self.side, &entry);
        }
        if last && !self.side.ended {
            self.side.lose(walk.tracking.parted(self.above, i64::MAX));
            self.reach_present(walk, state).await?;
        }
        Ok(())
    }

    /// The row as it is now says how it was, where every change in between was seen.
    async fn reach_present(&mut self, walk: &Walk<'_>, state: &mut State<'_>) -> Result<()> {
        self.side.ended = true;
        if self.ceiling.is_some() || !walk.snapshot.is_captured().await? {
            return Ok(());
        }
        if let Some(row) = walk.snapshot.row().await? {
            state.look_at_present(&mut self.side, &row);
        }
        Ok(())
    }
}
