//! Less for each captured change on PostgreSQL to pay for what its context may hold.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0010_cheap_context",
    up: Scripts { postgres: include_str!("postgres.up.sql"), sqlite: "" },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: "" },
};
