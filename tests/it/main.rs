//! The integration tests: one binary, every test on a database of its own, most of them on both kinds.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test that is surprised has to stop")]

mod capture;
mod feed;
mod harness;
mod recording;
mod roles;
mod store;
mod support;
mod undo;
