//! The words of the audit log: what an entry is, which entries a filter means, how a page is asked for, and how things
//! fail. Nothing here knows SQL, GraphQL or HTTP.

mod change;
mod cursor;
mod entry;
mod error;
mod filter;
mod instant;
mod json;
mod new_entry;
mod page;

pub use change::FieldChange;
pub use cursor::{Position, seal, unseal};
pub use entry::{Action, Draft, Entry, Source};
pub use error::{Code, Error, Result};
pub use filter::{Filter, FilterLimits, within};
pub use instant::{Instant, format_timestamp};
pub use json::{Json, is_still};
pub use new_entry::NewEntry;
pub use page::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequest, PageSide};
