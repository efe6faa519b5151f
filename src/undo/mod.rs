//! Undo: a plan, then precisely that plan, as one transaction that is itself recorded and can itself be undone.
//!
//! A [`planner`] reverses entries on a [`view`] of the rows: each row is locked when it is first looked at, and from then
//! on is what the steps planned so far make of it, so that the many changes of a transaction are planned as one.
//! [`reverse`] says which entries; [`revert`], [`restore`], [`linked`] and [`hanging`] say what reversing one means.
//! [`order`] puts the steps into an order that the foreign keys allow, and [`finish`] makes the [`plan`] of them, with its
//! hash. [`carry_out`] carries it out and holds the rows against it, [`outcome`] tells what came of it, as read back from
//! the log, and [`parents`] whether all that was written refers to rows that are there. A preview does all that too, and
//! then rolls it back.
//!
//! [`rows`] reads and writes the user's rows, with what the databases do differently in `postgres` and `sqlite`.

mod attempt;
mod carry_out;
mod circles;
mod finish;
mod hanging;
mod history;
mod linked;
mod order;
mod outcome;
mod parents;
mod plan;
mod planner;
mod postgres;
mod restore;
mod reverse;
mod revert;
mod rows;
mod service;
mod sqlite;
mod standing;
mod tables;
mod view;

pub use outcome::Outcome;
pub use plan::{Effect, Skipped};
pub use service::{Preview, Request, Subject, preview, undo};
