//! Capture on PostgreSQL.

mod baseline;
mod catalogue;
pub(crate) mod image;
mod install;
pub(crate) mod name;
mod require_user;
mod triggers;

pub(crate) use baseline::{baseline, now};
pub(crate) use catalogue::{describe, list, references};
pub(crate) use install::{health, install, remove};
