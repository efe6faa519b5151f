//! The questions that the log answers.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::connection::AuditLogConnection;
use super::context::ContextExt;
use super::entry::AuditLog;
use super::enums::Role;
use super::error::Result;
use super::filter::AuditLogFilter;
use super::loader::{EntryById, EntryLoader};
use super::object::TrackedObject;
use super::summary::AuditSummary;
use super::tracked::TrackedTable;
use super::undo::UndoPlan;
use crate::audit::PageRequest;
use crate::capture;
use crate::store::Selection;
use crate::time;
use crate::undo;

/// The root of queries.
pub struct Query;

/// The caller, as the server sees them.
#[derive(SimpleObject)]
pub struct Viewer {
    /// The subject of the token.
    user_id: ID,
    /// The name in the token.
    username: Option<String>,
    /// What the caller may do.
    roles: Vec<Role>,
}

/// What a page costs: each of its entries as much as the fields asked of it.
pub(super) fn page_cost(first: Option<i32>, last: Option<i32>, fields: usize) -> usize {
    let size = first.or(last).and_then(|size| usize::try_from(size).ok()).unwrap_or(50);
    1 + size.min(1_000) * fields
}

/// What can be asked.
#[Object]
impl Query {
    /// Entries that match. Edges are always the most recent first, also with `last`. Pages hold 50 entries where
    /// neither `first` nor `last` says otherwise; both must be between 1 and 1,000 and exclude each other. `offset`
    /// skips that many entries, is not negative, and excludes `after`, `before` and `last`. `hasNextPage` and
    /// `hasPreviousPage` are exact.
    #[allow(clippy::too_many_arguments, reason = "they are the arguments of a Relay connection")]
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn audit_logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "How many of the most recent.")] first: Option<i32>,
        #[graphql(desc = "Only entries older than this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only entries more recent than this cursor.")] before: Option<String>,
        #[graphql(desc = "How many entries to skip.")] offset: Option<i32>,
    ) -> Result<AuditLogConnection> {
        ctx.caller()?.require_reader()?;
        let request = PageRequest::new(first, after.as_deref(), last, before.as_deref(), offset)?;
        AuditLogConnection::fetch(ctx, Selection::of(AuditLogFilter::read(filter)?), request).await
    }

    /// One entry, or null where there is none with this id.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The entry's id.")] id: ID,
    ) -> Option<Result<AuditLog>> {
        let found = async {
            ctx.caller()?.require_reader()?;
            EntryLoader::of(ctx, EntryById(super::entry_id(&id)?)).await
        };
        found.await.transpose()
    }

    /// Counts over the entries that match: in all, by table, by user, by action, and over time.
    async fn summary(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries.")] filter: Option<AuditLogFilter>,
    ) -> Result<AuditSummary> {
        ctx.caller()?.require_reader()?;
        Ok(AuditSummary::of(ctx, AuditLogFilter::read(filter)?))
    }

    /// For each object whose last change is a deletion, that deletion; the most recent first. A READ is no change. The
    /// filter chooses among the deletions; whether something came later is judged over the whole log. Pages as those
    /// of `auditLogs`.
    #[allow(clippy::too_many_arguments, reason = "they are the arguments of a Relay connection")]
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn trash(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which deletions.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "How many of the most recent.")] first: Option<i32>,
        #[graphql(desc = "Only entries older than this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only entries more recent than this cursor.")] before: Option<String>,
        #[graphql(desc = "How many entries to skip.")] offset: Option<i32>,
    ) -> Result<AuditLogConnection> {
        ctx.caller()?.require_reader()?;
        let request = PageRequest::new(first, after.as_deref(), last, before.as_deref(), offset)?;
        let selection = Selection::of_trash(AuditLogFilter::read(filter)?);
        AuditLogConnection::fetch(ctx, selection, request).await
    }

    /// Entries about one object, the one written last first, whatever the clock said. Pages as those of `auditLogs`.
    #[allow(clippy::too_many_arguments, reason = "they are the arguments of a Relay connection")]
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    async fn object_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The object's table; qualified with its schema where that is not the default one.")]
        table_name: String,
        #[graphql(desc = "The object's key as text; a composite key as a JSON array of strings.")] record_id: ID,
        #[graphql(desc = "Which of its entries.")] filter: Option<AuditLogFilter>,
        #[graphql(desc = "How many of the most recent.")] first: Option<i32>,
        #[graphql(desc = "Only entries older than this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only entries more recent than this cursor.")] before: Option<String>,
        #[graphql(desc = "How many entries to skip.")] offset: Option<i32>,
    ) -> Result<AuditLogConnection> {
        ctx.caller()?.require_reader()?;
        super::no_nul("tableName", &table_name)?;
        super::no_nul("recordId", &record_id)?;
        let request = PageRequest::new(first, after.as_deref(), last, before.as_deref(), offset)?;
        let selection = Selection::of_object(table_name, record_id.0, AuditLogFilter::read(filter)?);
        AuditLogConnection::fetch(ctx, selection, request).await
    }

    /// One object seen through its history: now, at an earlier instant, and who last set each field. Null where nothing
    /// is known of it: the log has no entry about it that counts, and no tracked table such a row. An entry that was
    /// made by hand by a caller who is no administrator counts only while its table is not tracked.
    async fn tracked_object(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The object's table; qualified with its schema where that is not the default one.")]
        table_name: String,
        #[graphql(desc = "The object's key as text; a composite key as a JSON array of strings.")] record_id: ID,
    ) -> Option<Result<TrackedObject>> {
        let found = async {
            ctx.caller()?.require_reader()?;
            super::no_nul("tableName", &table_name)?;
            super::no_nul("recordId", &record_id)?;
            Ok(time::find(&ctx.services()?.database, table_name, record_id.0).await?.map(TrackedObject))
        };
        found.await.transpose()
    }

    /// What `undo` would do, without doing it. The plan is carried out and rolled back, so that constraints, rights and
    /// the tables' own triggers have their say: its rows are locked for that moment, as by any change. Nothing remains of
    /// it. What the undo would fail with is told in the plan; only an id that is none is an error here, NOT_FOUND.
    async fn undo_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The entry.")] id: ID,
        #[graphql(default_with = "Some(false)", desc = "As in `undo`.")] restore_linked: Option<bool>,
    ) -> Result<UndoPlan> {
        ctx.caller()?.require_reader()?;
        let restore_linked = restore_linked.unwrap_or(false);
        preview(ctx, undo::Subject::Entry { id: super::entry_id(&id)?, restore_linked }).await
    }

    /// What `undoTransaction` would do, without doing it. As `undoPreview`.
    async fn undo_transaction_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The transaction, as `AuditLog.transactionId` tells it.")] transaction_id: ID,
    ) -> Result<UndoPlan> {
        ctx.caller()?.require_reader()?;
        super::no_nul("transactionId", &transaction_id)?;
        preview(ctx, undo::Subject::Transaction(transaction_id.0)).await
    }

    /// The feed's position now: ask for it, then for a page, then subscribe with it as `after`, and nothing is missed in
    /// between. What was committed in the meantime may come twice, on the page and from the feed; ids tell.
    async fn feed_cursor(&self, ctx: &Context<'_>) -> Result<String> {
        ctx.caller()?.require_reader()?;
        Ok(ctx.services()?.feed.cursor().await?)
    }

    /// The tables whose changes are captured, by name.
    async fn tracked_tables(&self, ctx: &Context<'_>) -> Result<Vec<TrackedTable>> {
        ctx.caller()?.require_reader()?;
        let reports = capture::reports(&ctx.services()?.database).await?;
        Ok(reports.into_iter().map(TrackedTable).collect())
    }

    /// The caller, as the server sees them.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let caller = ctx.caller()?;
        Ok(Viewer {
            user_id: caller.user_id.clone().into(),
            username: caller.username.clone(),
            roles: caller.roles.iter().map(|role| (*role).into()).collect(),
        })
    }
}

async fn preview(ctx: &Context<'_>, subject: undo::Subject) -> Result<UndoPlan> {
    let services = ctx.services()?;
    let request = undo::Request {
        subject,
        reason: None,
        actor: super::mutation::actor(ctx)?,
        max_rows: services.undo_max_rows,
        plan_hash: None,
    };
    Ok(undo::preview(&services.database, &request).await?.into())
}
