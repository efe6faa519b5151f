//! One object seen through its history, as clients see it.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::connection::AuditLogConnection;
use super::context::ContextExt;
use super::entry::AuditLog;
use super::error::Result;
use super::filter::AuditLogFilter;
use super::query::page_cost;
use super::scalars::{Instant, Json};
use crate::audit::{Entry, PageRequest};
use crate::store::Selection;
use crate::time;

/// An object that the log, or a tracked table, knows.
pub struct TrackedObject(pub(super) time::Object);

/// A field, its value, and the entry that set it.
#[derive(SimpleObject)]
pub struct FieldBlame {
    /// The column.
    field: String,
    /// The value, as images write it; null where it is null.
    value: Option<Json>,
    /// The entry that last set the field. Null where that was not recorded: it was set before tracking began, or while
    /// capture was off.
    audit_log: Option<AuditLog>,
}

impl From<time::Blame> for FieldBlame {
    fn from(blame: time::Blame) -> Self {
        let audit_log = blame.entry.map(|entry: Arc<Entry>| AuditLog(entry));
        FieldBlame { field: blame.field, value: Some(Json(blame.value)), audit_log }
    }
}

/// One object seen through its history. Redacted and ignored columns, as they are set now, are shown by no field but
/// `history`, also where older entries hold their values. Values are written as in the images of entries, to the last
/// digit.
#[Object]
impl TrackedObject {
    /// The table's name; qualified with its schema where that is not the default one.
    async fn table_name(&self) -> &str {
        &self.0.table_name
    }

    /// The primary key as text; a composite key as a compact JSON array of its parts, as strings, in key order.
    async fn record_id(&self) -> ID {
        ID::from(&self.0.record_id)
    }

    /// The row as it is in the database now, without redacted and ignored columns; null where it does not exist, and
    /// where the table is not tracked.
    async fn current(&self, ctx: &Context<'_>) -> Option<Result<Json>> {
        let read = async { Ok(self.0.current(&ctx.services()?.database).await?.map(Json)) };
        read.await.transpose()
    }

    /// The row as it was at that instant; null where it did not exist then. An entry of that very instant counts; an
    /// instant in the future is now. A field whose value then cannot be known is left out: one that was not captured
    /// then, or whose next change lies beyond a time in which capture was off. Where not even the row's existence is
    /// known, as before tracking began, the error is BAD_USER_INPUT and says since when it is.
    async fn at(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instant; a calendar date means its start.")] instant: Instant,
    ) -> Option<Result<Json>> {
        let read = async { Ok(self.0.at(&ctx.services()?.database, instant.0.start()).await?.map(Json)) };
        read.await.transpose()
    }

    /// For each field of the row as it is now, the entry that last set it; of a row that is gone, for each field as it
    /// was last. What came last is decided by the entries' ids.
    async fn blame(&self, ctx: &Context<'_>) -> Result<Vec<FieldBlame>> {
        let blame = self.0.blame(&ctx.services()?.database).await?;
        Ok(blame.into_iter().map(FieldBlame::from).collect())
    }

    /// Entries about the object, the one written last first, whatever the clock said. Pages as those of `auditLogs`.
    #[allow(clippy::too_many_arguments, reason = "they are the arguments of a Relay connection")]
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of its entries.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "How many of the most recent.")] first: Option<i32>,
        #[graphql(desc = "Only entries older than this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only entries more recent than this cursor.")] before: Option<String>,
        #[graphql(desc = "How many entries to skip.")] offset: Option<i32>,
    ) -> Result<AuditLogConnection> {
        let request = PageRequest::new(first, after.as_deref(), last, before.as_deref(), offset)?;
        let (table_name, record_id) = (self.0.table_name.clone(), self.0.record_id.clone());
        let selection = Selection::of_object(table_name, record_id, AuditLogFilter::read(filter)?);
        AuditLogConnection::fetch(ctx, selection, request).await
    }
}
