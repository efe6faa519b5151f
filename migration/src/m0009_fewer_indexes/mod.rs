//! Less for each captured change on PostgreSQL to pay for.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0009_fewer_indexes",
    up: Scripts { postgres: include_str!("postgres.up.sql"), sqlite: "" },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: "" },
};
