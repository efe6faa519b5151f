//! Capture on SQLite.
//!
//! Nine triggers a table, and a tenth where its foreign keys lead back to it ([`moving`]), write the log from within the
//! writer's own transaction and with the writer's own library, so their text keeps to functions that SQLite has had for
//! long, that may be called from a trigger under `PRAGMA trusted_schema = OFF`, and that fail on no value. JSON is
//! therefore put together as text ([`image`]). They insert into a view, whose trigger writes the log for all tables
//! ([`entry`]). Those that only a change of a key concerns are for no other UPDATE ([`set`]).
//!
//! **Order.** SQLite runs the triggers of one kind in the reverse order of their creation, in the session that made them
//! as after reopening, VACUUM, and a rename (tried on 3.31, 3.40 and 3.51). Ours are created last and so fire first: a
//! user's trigger that updates the new row is logged after its CREATE. A trigger that the user adds later fires before
//! ours, which is why [`health`] calls that OUTDATED.
//!
//! **REPLACE** deletes rows without a DELETE trigger. [`stash`] says how those are recorded all the same.
//!
//! **Foreign keys.** SQLite overlooks some violations by INSERT OR REPLACE on a table that refers to itself while the
//! table has no UPDATE trigger at all; with any, ours or another, it refuses them.
//!
//! **What SQLite does to the triggers when the schema changes.** `RENAME COLUMN` rewrites them, but not the names inside
//! their JSON, and `RENAME TABLE` leaves the old name in the entries: both make the health OUTDATED. `DROP COLUMN` is
//! refused while a trigger names the column: [`remove()`] first, [`install()`] after. A table that is dropped, or rebuilt
//! under another name, takes its triggers along. The server notices by [`schema_version`], and installs them anew.

mod baseline;
mod catalogue;
mod definition;
mod entry;
mod image;
mod install;
mod keys;
mod moving;
mod names;
pub(crate) mod read;
mod require_user;
mod set;
mod stash;
mod triggers;

#[cfg(test)]
mod tests;

pub use baseline::{baseline, now, schema_version};
pub use catalogue::{describe, list, references};
pub use image::{record_id_of, value_of};
pub use install::{health, install, remove};
pub use names::{catalogued, identifier};

use crate::store::failed;
