//! The integration tests: one binary, every test on a database of its own, most of them on both kinds.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test that is surprised has to stop")]

mod bad_input;
mod by_hand;
mod cancelled;
mod capture;
mod clients;
mod command;
mod contract;
mod demo;
mod dropped;
mod feed;
mod filter_agreement;
mod filters;
mod harness;
mod house;
mod indexes;
mod lives;
mod long_keys;
mod migrations;
mod object;
mod outage;
mod pages;
mod plans;
mod properties;
mod recording;
mod rest;
mod roles;
mod rollup;
mod schemathesis;
mod store;
mod summary;
mod support;
mod tracking;
mod transports;
mod trash;
mod undo;
mod who_may;
