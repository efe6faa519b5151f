//! What resolvers are given.

use async_graphql::Context;

use super::error::Result;
use crate::audit;
use crate::auth::Caller;
use crate::feed::Feed;
use crate::store::Database;

/// What the server works with, shared by all requests.
#[derive(Clone)]
pub struct Services {
    /// The database, with the rights that a server needs.
    pub database: Database,
    /// The database, with the rights that tracking needs, where the server has been given them apart.
    pub owner: Database,
    /// The entries as they are committed.
    pub feed: Feed,
    /// How many rows an undo may change.
    pub undo_max_rows: usize,
}

/// Typed access to what a request carries.
pub(super) trait ContextExt {
    /// The server's services.
    fn services(&self) -> Result<&Services>;
    /// Who calls.
    fn caller(&self) -> Result<&Caller>;
}

impl ContextExt for Context<'_> {
    fn services(&self) -> Result<&Services> {
        self.data::<Services>().map_err(|_| audit::Error::internal("the schema was built without services").into())
    }

    fn caller(&self) -> Result<&Caller> {
        self.data::<Caller>()
            .map_err(|_| audit::Error::new(audit::Code::Unauthenticated, "a bearer token is needed").into())
    }
}
