//! Counts of the log and its trash, brought forward as entries come: derived, and made anew at any time.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0006_rollup",
    up: Scripts { postgres: include_str!("postgres.up.sql"), sqlite: include_str!("sqlite.up.sql") },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: include_str!("sqlite.down.sql") },
};
