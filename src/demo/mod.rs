//! The two sample worlds: a stockroom and a workshop, which `afterimage demo` shows the product with, and the tests.
//!
//! [`office`] is the application that makes all changes, [`chores`] what it does on any day, [`past`] half a year of it,
//! [`mod@traffic`] what comes after; what the databases do differently is behind [`mod@ground`].

mod chores;
mod dice;
mod ground;
mod office;
mod past;
mod people;
mod postgres;
mod sqlite;
mod start;
mod tables;
mod traffic;

pub use start::start;
pub use tables::{STOCKROOM, TABLES, WORKSHOP, create_tables};
pub use traffic::traffic;
