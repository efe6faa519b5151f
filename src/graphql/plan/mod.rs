//! Plans: how a document that only reads entries, or records them, is answered without being looked at again.
//!
//! Clients send the same few documents over and over. A document that the library has executed once without an error is
//! valid, and stays so; if all that it asks for are entries, single or by pages, or that entries be recorded, its fields
//! are written down as a [`Plan`], and the next request with that very text goes straight from the variables to the log
//! and from the log's entries to JSON. What a plan answers is byte for byte what the library would answer. Whatever is
//! not as plain as that (a variable that does not fit, a caller who may not, a directive, a key that stands twice) a plan
//! declines before it has done anything, and the library has its say.
//!
//! The arguments are read by the types of the schema themselves, so that their meaning, defaults and limits stand in one
//! place.

mod arguments;
mod compile;
mod fetch;
mod fields;
mod run;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use fields::{Plan, is_null_where_absent};
pub(crate) use run::Answer;
