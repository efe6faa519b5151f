//! The log, the tracked tables, the context of the application and of the server, and what keeps the log append-only.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0001_log",
    up: Scripts { postgres: include_str!("postgres.up.sql"), sqlite: include_str!("sqlite.up.sql") },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: include_str!("sqlite.down.sql") },
};
