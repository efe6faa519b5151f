//! What can be chosen for a tracked table beyond its hidden columns; when its capture was paused; and when its triggers
//! were last seen to be what they should be.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0004_options",
    up: Scripts { postgres: include_str!("postgres.up.sql"), sqlite: include_str!("sqlite.up.sql") },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: include_str!("sqlite.down.sql") },
};
