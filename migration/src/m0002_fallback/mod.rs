//! How PostgreSQL records the changes of a table that was altered since it was tracked, and rows that move between
//! partitions. SQLite needs none of it.

use crate::scripted::{Scripted, Scripts};

pub const MIGRATION: Scripted = Scripted {
    name: "m0002_fallback",
    up: Scripts {
        postgres: concat!(
            include_str!("shape.sql"),
            include_str!("recording.sql"),
            include_str!("moves.sql"),
            include_str!("mended.sql"),
        ),
        sqlite: "",
    },
    down: Scripts { postgres: include_str!("postgres.down.sql"), sqlite: "" },
};
