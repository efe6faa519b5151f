//! Capture on PostgreSQL.

mod altered;
mod catalogue;
pub(crate) mod image;
mod install;
mod moves;
pub(crate) mod name;
mod triggers;

pub(crate) use catalogue::{describe, list, references};
pub(crate) use install::{health, install, remove};
