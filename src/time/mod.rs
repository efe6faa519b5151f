//! One object seen through its history: as it is, as it was at an instant, and who last set each of its fields.
//!
//! [`object`] answers the three questions, each from one snapshot of the database (`snapshot`). `tracking` knows what
//! the log says about the capture of the table: where it began, ended, or had a gap, and which columns there were; no
//! value is believed across such a place. `state` puts together what entries on either side of an instant say of the
//! columns; it is pure. `walk` reads those entries, in chunks, and no further than the question needs.

mod object;
mod snapshot;
mod state;
mod tracking;
mod walk;

pub use object::{Blame, Object, find};
