//! Capture: triggers on the user's tables that write the log, generated for each table.

mod postgres;
pub mod sqlite;
mod table;

pub use table::{Column, Form, Health, Hidden, OnDelete, Reference, Table};
