//! What made each captured change dearer than it need be.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0005_cheap_capture",
    up: Scripts { postgres: include_str!("postgres.up.sql"), sqlite: include_str!("sqlite.up.sql") },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: include_str!("sqlite.down.sql") },
};
