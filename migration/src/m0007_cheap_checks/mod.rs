//! The checks of the log, in a form that SQLite evaluates without a table of the values.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0007_cheap_checks",
    up: Scripts { postgres: "", sqlite: include_str!("sqlite.up.sql") },
    down: Scripts { postgres: "", sqlite: include_str!("sqlite.down.sql") },
};
