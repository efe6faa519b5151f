//! The rows of the database, as SeaORM entities: the log and the tracked tables, which every database of Afterimage
//! holds, and the two sample worlds, which only `afterimage demo` and the tests make.
//!
//! What a row means is the server's `audit` module; nothing here knows of GraphQL or HTTP.

pub mod log;
pub mod stockroom;
pub mod text;
pub mod tracked_table;
pub mod workshop;
