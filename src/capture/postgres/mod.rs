//! Capture on PostgreSQL.

mod catalogue;
pub(crate) mod image;
mod install;
pub(crate) mod name;
pub(crate) mod read;
mod triggers;
pub(crate) mod writer;

pub(crate) use catalogue::{describe, list, references};
pub(crate) use install::{health, install, remove};
