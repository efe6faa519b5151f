//! Reading an object's history on both sides of a place, in chunks, until the state there is known.

use std::sync::Arc;

use super::snapshot::Snapshot;
use super::state::{Field, Side, State};
use super::tracking::Tracking;
use crate::audit::Result;
use crate::capture::Hidden;
use crate::store::{Stretch, Way};

/// How long the first stretch of a history is that is looked at; how much longer each is than the one before; and how
/// long they become, where all entries are read, and where the database chooses those that tell of columns by name.
const FIRST: u64 = 16;
const GROWTH: u64 = 4;
const LONGEST: u64 = 1_024;
const LONGEST_CHOSEN: u64 = 65_536;

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
        let mut length = FIRST;
        while !(state.is_complete() || back.side.ended && ahead.side.ended) {
            if !back.side.ended {
                back.read(self, &mut state, length).await?;
            }
            if !ahead.side.ended && !state.is_complete() {
                ahead.read(self, &mut state, length).await?;
            }
            length = LONGEST_CHOSEN.min(length * GROWTH);
        }
        Ok(state.into_fields(self.present_order()))
    }

    /// The fields as the entries at the place and before it set them, of the columns of this row.
    pub(super) async fn set_before(&self, columns: Option<&[String]>) -> Result<Vec<Field>> {
        let mut state = State::new(self.hidden, columns);
        let mut back = Back::new(self);
        let mut length = FIRST;
        while !state.is_complete() && !back.side.ended {
            back.read(self, &mut state, length).await?;
            length = LONGEST_CHOSEN.min(length * GROWTH);
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

    async fn read(&mut self, walk: &Walk<'_>, state: &mut State<'_>, length: u64) -> Result<()> {
        let stretch = stretch(walk, state, Way::Down(self.from, self.floor), length).await?;
        for entry in stretch.entries {
            if self.side.ended {
                return Ok(());
            }
            self.side.lose(walk.tracking.parted(entry.id, self.from));
            self.from = entry.id - 1;
            state.look_back(&mut self.side, &Arc::new(entry));
        }
        match stretch.end {
            Some(end) => {
                self.side.lose(walk.tracking.parted(end, self.from));
                self.from = end - 1;
            }
            None => self.side.ended = true,
        }
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

    async fn read(&mut self, walk: &Walk<'_>, state: &mut State<'_>, length: u64) -> Result<()> {
        let way = Way::Up(self.above, self.ceiling.unwrap_or(i64::MAX));
        let stretch = stretch(walk, state, way, length).await?;
        for entry in stretch.entries {
            if self.side.ended {
                return Ok(());
            }
            self.side.lose(walk.tracking.parted(self.above, entry.id));
            self.above = entry.id;
            state.look_ahead(&mut self.side, &entry);
        }
        if self.side.ended {
            return Ok(());
        }
        self.side.lose(walk.tracking.parted(self.above, stretch.end.unwrap_or(i64::MAX)));
        match stretch.end {
            Some(end) => self.above = end,
            None => self.reach_present(walk, state).await?,
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

/// A stretch of the way: at first all of its entries; once it is known what is missing, those that tell of that.
async fn stretch(walk: &Walk<'_>, state: &State<'_>, way: Way, length: u64) -> Result<Stretch> {
    let missing = if length > FIRST { state.missing() } else { None };
    let length = if missing.is_some() { length } else { LONGEST.min(length) };
    walk.snapshot.changes().stretch(&walk.snapshot.transaction, way, length, missing.as_deref()).await
}
