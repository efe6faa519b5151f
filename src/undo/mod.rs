//! Undo: reversing what one entry records, as one transaction that is itself recorded and can itself be undone.
//!
//! [`delete`], [`revert`] and [`restore`] say what an entry's reversal means; [`rows`] reads and writes the user's rows,
//! with what the databases do differently in `postgres` and `sqlite`; [`outcome`] tells what came of it, as read back
//! from the log.

mod delete;
mod outcome;
mod postgres;
mod restore;
mod revert;
mod rows;
mod service;
mod sqlite;
mod standing;

pub use outcome::{Effect, Outcome, Skipped};
pub use service::{Request, undo};
