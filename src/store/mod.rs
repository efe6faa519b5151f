//! The log in the database: appending, finding, paging, counting.
//!
//! What PostgreSQL and SQLite do differently stands in [`postgres`] and [`sqlite`] behind [`Dialect`]; which of the two
//! is meant is decided once, when the server connects. What the log adds up to is kept beside it (`rollup`), so that
//! counts and the trash are answered without walking all of it.

mod append;
mod begin;
mod connect;
mod dialect;
mod error;
mod file;
mod filter;
mod insert;
mod limit;
mod log;
mod object;
mod page;
mod postgres;
mod reader;
mod rollup;
mod row;
mod single;
mod sqlite;
mod summary;
mod tracked;
mod trash;
mod write;

pub use append::{append, record};
pub use begin::begin;
pub use connect::{Database, Kind, gather_statistics, grant_runtime, migrate, warnings};
pub use dialect::{Dialect, TimeBucket};
pub use error::failed;
pub use file::DatabaseFile;
pub use log::{
    Beyond, Selection, Sequence, by_id, by_ids, by_transaction, count, exists_beyond, latest, latest_by_object,
    latest_statement, latest_undo_of, matching, most_recent, page, page_statement, select_entries, some_of_transaction,
};
pub use object::{Changes, Stretch, Way, about};
pub use page::Page;
pub use postgres::snapshot::Snapshot;
pub use reader::{ReadTransaction, Reader};
pub use rollup::{Folded, fold, keep};
pub use row::{LogRow, entry_of_row};
pub use summary::{Counts, Part, UserCount, summary, summary_statement};
pub use tracked::{Tracked, forget_tracked, save_tracked, save_whole, tracked, tracked_or_paused, tracked_tables};
pub use write::{Reversal, ServerContext, Write, remove_left_behind};
