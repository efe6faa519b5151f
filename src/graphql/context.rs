//! What resolvers are given.

use async_graphql::Context;

use super::error::Result;
use crate::audit::{self, Draft, Entry, NewEntry};
use crate::auth::{Caller, ClientAddress, Role};
use crate::capture::Actor;
use crate::feed::Feed;
use crate::store::{self, Database};
use crate::undo;

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

impl Services {
    /// Records entries by hand, all of them or none; they come back in their order. That the caller may is seen to
    /// before.
    pub(crate) async fn record(
        &self,
        caller: &Caller,
        entries: impl IntoIterator<Item = NewEntry>,
    ) -> audit::Result<Vec<Entry>> {
        let trusted = caller.has(Role::Admin);
        let drafts: Vec<Draft> =
            entries.into_iter().map(|entry| entry.draft(&caller.user_id, trusted)).collect::<audit::Result<_>>()?;
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let entries = store::record(&self.database, &drafts).await?;
        self.feed.wake();
        Ok(entries)
    }

    /// Undoes it. That the caller may is seen to before.
    pub(crate) async fn undo(
        &self,
        actor: Actor,
        subject: undo::Subject,
        reason: Option<String>,
        plan_hash: Option<String>,
    ) -> audit::Result<undo::Outcome> {
        if let Some(reason) = &reason {
            super::no_nul("reason", reason)?;
        }
        let request = undo::Request { subject, reason, actor, max_rows: self.undo_max_rows, plan_hash };
        let outcome = undo::undo(&self.database, &request).await;
        self.feed.wake();
        outcome
    }
}

/// Who the entries of an administrative act will name.
pub(crate) fn actor_of(caller: &Caller, address: ClientAddress) -> Actor {
    Actor {
        user_id: Some(caller.user_id.clone()),
        username: caller.username.clone(),
        ip_address: address.0.map(|address| address.to_string()),
        recorded_by: Some(caller.user_id.clone()),
    }
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
