//! Capture on SQLite.
