//! Capture: triggers on the user's tables that write the log, generated for each table.
//!
//! What the two databases do differently stands in `postgres` and `sqlite`; `dispatch` chooses between them, once.

pub(crate) mod dispatch;
pub(crate) mod postgres;
pub(crate) mod sqlite;
mod table;
mod track;

pub use table::{Column, Form, Health, Hidden, OnDelete, Reference, Table};
pub(crate) use track::TRACKED_TABLE;
pub use track::{Actor, Report, Wish, describe, list, reports, track, untrack};
