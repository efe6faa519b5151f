//! Capture on PostgreSQL.

mod altered;
mod baseline;
mod catalogue;
pub(crate) mod image;
mod install;
mod moves;
pub(crate) mod name;
pub(crate) mod read;
mod require_user;
mod triggers;
mod who;
pub(crate) mod writer;

pub(crate) use baseline::{baseline, now};
pub(crate) use catalogue::{describe, list, references};
pub(crate) use install::{health, hold, install, leave, remove};
