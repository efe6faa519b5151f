//! Capture: triggers on the user's tables that write the log, generated for each table.
//!
//! What the two databases do differently stands in `postgres` and `sqlite`; `dispatch` chooses between them, once.

mod choice;
pub(crate) mod dispatch;
mod follow;
mod install;
mod pause;
pub(crate) mod postgres;
mod record;
mod report;
pub(crate) mod sqlite;
mod table;
mod track;
mod watch;

pub(crate) use follow::hidden;
pub use pause::pause;
pub use record::Gap;
pub(crate) use record::{TRACKED_TABLE, key_changes, list as listed};
pub(crate) use report::health;
pub use report::{Report, describe, list, reports};
pub(crate) use table::key_parts;
pub use table::{Choice, Column, Form, Health, Hidden, OnDelete, Reference, Table};
pub use track::{Actor, Done, Wish, resume, track, untrack};
pub use watch::Watch;
