//! The GraphQL API: types over the words of [`crate::audit`], and resolvers over the services. Every description here
//! is the API's reference.

mod connection;
mod context;
mod create;
mod entry;
mod enums;
mod error;
mod filter;
mod loader;
mod mutation;
mod object;
mod plan;
mod query;
mod resume;
mod scalars;
mod subscription;
mod summary;
mod tracked;
mod undo;

pub use context::Services;
pub(crate) use context::actor_of;
#[cfg(test)]
pub(crate) use error::ApiError;
pub(crate) use error::told;
pub(crate) use plan::{Answer, Plan, is_null_where_absent};
pub use resume::Resume;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use async_graphql::{SDLExportOptions, SchemaBuilder};

use crate::audit::{Error, Result};
use loader::EntryLoader;
use mutation::Mutation;
use query::Query;
use subscription::Subscription;

/// The schema of the server.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// How deep a selection may nest: GraphiQL's introspection needs 15.
const MAX_DEPTH: usize = 20;
/// How many fields an answer may have: a page of 1,000 entries with all of theirs, and as much again.
const MAX_COMPLEXITY: usize = 100_000;
/// How many fields of the root one document may name: each is a query of its own.
const MAX_ALIASES: usize = 50;

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    async_graphql::Schema::build(Query, Mutation, Subscription)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .limit_aliases(MAX_ALIASES)
}

/// The schema over its services. To be called within the runtime that will serve it.
pub fn schema(services: Services) -> Schema {
    let loader =
        DataLoader::new(EntryLoader(services.database.clone()), TokioSpawner::current(), TokioTimer::default());
    builder().data(services).data(loader).finish()
}

/// The schema in the definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().use_space_ident().indent_width(2);
    builder().finish().sdl_with_options(options)
}

/// The number of an entry.
pub(crate) fn entry_id(id: &str) -> Result<i64> {
    match id.parse::<i64>() {
        Ok(number) if number > 0 && id.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err(Error::bad_input(format!("{id:?} is no id of an entry: those are positive whole numbers"))),
    }
}

fn no_nul(name: &str, text: &str) -> Result<()> {
    match text.contains('\0') {
        true => Err(Error::bad_input(format!("`{name}` holds a NUL character, which no text in the log can"))),
        false => Ok(()),
    }
}

/// The names of an input object's fields, as the schema has them.
#[cfg(test)]
fn input_fields(name: &str) -> Vec<String> {
    let sdl = sdl();
    let (_, rest) = sdl.split_once(&format!("input {name} {{\n")).unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    // A type is a word; what a description says is not.
    let fields = body.lines().filter_map(|line| line.trim().split_once(": ")).filter(|(_, kind)| !kind.contains(' '));
    fields.map(|(name, _)| name.to_owned()).collect()
}
