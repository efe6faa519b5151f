//! Entries as they are committed.

use async_graphql::{Context, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt};

use super::context::ContextExt;
use super::entry::AuditLog;
use super::error::{ApiError, Result};
use super::filter::AuditLogFilter;

/// The root of subscriptions.
pub struct Subscription;

/// An entry that was committed.
#[derive(SimpleObject)]
pub struct AuditLogEvent {
    /// The entry.
    audit_log: Option<AuditLog>,
}

/// What can be listened to.
#[Subscription]
impl Subscription {
    /// Each matching entry once, after it is committed, whoever made the change. The entries of one transaction come
    /// together, and those of one object in their order.
    async fn audit_log_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries.")] filter: Option<AuditLogFilter>,
    ) -> Result<impl Stream<Item = Result<AuditLogEvent>> + use<>> {
        ctx.caller()?.require_reader()?;
        let entries = ctx.services()?.feed.subscribe(AuditLogFilter::read(filter)?).await?;
        Ok(entries.map(|entry| {
            let entry = entry.map_err(ApiError::from)?;
            Ok(AuditLogEvent { audit_log: Some(AuditLog(entry)) })
        }))
    }
}
