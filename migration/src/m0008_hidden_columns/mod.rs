//! Which columns are hidden, by what no renaming changes: PostgreSQL numbers them.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0008_hidden_columns",
    up: Scripts { postgres: include_str!("postgres.up.sql"), sqlite: include_str!("sqlite.up.sql") },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: include_str!("sqlite.down.sql") },
};
