//! Entries as they are committed.

use std::sync::Arc;

use async_graphql::{Context, Object, Subscription};
use futures_util::{Stream, StreamExt};

use super::context::ContextExt;
use super::entry::AuditLog;
use super::error::{ApiError, Result};
use super::filter::AuditLogFilter;
use crate::feed::{Event, Request};

/// The root of subscriptions.
pub struct Subscription;

/// What a subscriber is told, shared by all who are told it.
pub struct AuditLogEvent(Arc<Event>);

/// An entry that was committed, and where to go on after it.
#[Object]
impl AuditLogEvent {
    /// Where to go on after a lost connection: pass the last one that you have handled as `after`. It is good on every
    /// server process of the same database, and with another filter too.
    async fn cursor(&self) -> Result<&str> {
        Ok(self.0.cursor()?)
    }

    /// The entry. Null only in a bare position, which is sent only where `positions` was asked for.
    async fn audit_log(&self) -> Option<AuditLog> {
        self.0.entry().map(|entry| AuditLog(Arc::clone(entry)))
    }
}

/// What can be listened to.
#[Subscription]
impl Subscription {
    /// Each matching entry once, after it is committed, whoever made the change, in an order in which none can be missed.
    /// The entries of one transaction come together, and those of one object in their order. With `after`, what was
    /// committed since that cursor comes first, then the live entries. A subscriber who is slow, or was away for hours,
    /// misses nothing. CURSOR_EXPIRED means that the database is another one than that of the cursor, or was restored
    /// since: ask for a new one by `feedCursor`, look by `auditLogs` for what you may have missed, and go on from the new
    /// one.
    async fn audit_log_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "The cursor to go on from: that of an event, or of `feedCursor`. The present without one.")]
        after: Option<String>,
        #[graphql(
            default_with = "Some(false)",
            desc = "Whether events without an entry tell the position: one at first, and one whenever others' entries \
                    have come and nothing else was sent for 2 seconds. With a filter that lets little through, a \
                    cursor stays young so, and going on from it costs little."
        )]
        positions: Option<bool>,
    ) -> Result<impl Stream<Item = Result<AuditLogEvent>> + use<>> {
        ctx.caller()?.require_reader()?;
        let request =
            Request { filter: AuditLogFilter::read(filter)?, after, positions: positions.unwrap_or_default() };
        let events = ctx.services()?.feed.subscribe(request).await?;
        Ok(events.map(|event| event.map(AuditLogEvent).map_err(ApiError::from)))
    }
}
