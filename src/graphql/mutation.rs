//! What can be done: record entries by hand, undo, choose what is captured.

use async_graphql::{Context, ID, Object};

use super::context::{ContextExt, actor_of};
use super::create::{CreateAuditLogInput, CreateAuditLogPayload, CreateAuditLogsPayload, MAX_ENTRIES};
use super::entry::AuditLog;
use super::error::Result;
use super::scalars::Long;
use super::tracked::{TrackTableInput, TrackTablePayload, TrackedTable, UntrackTablePayload};
use super::undo::UndoPayload;
use crate::audit::{Error, NewEntry};
use crate::auth::ClientAddress;
use crate::capture::{self, Actor};
use crate::undo;

/// The root of mutations.
pub struct Mutation;

/// What can be done.
#[Object]
impl Mutation {
    /// Record an entry by hand; for system processes that record their own actions.
    async fn create_audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The entry.")] input: CreateAuditLogInput,
    ) -> Result<CreateAuditLogPayload> {
        let mut entries = record(ctx, vec![input]).await?;
        let audit_log = entries.pop().ok_or_else(|| Error::internal("nothing was recorded"))?;
        Ok(CreateAuditLogPayload { audit_log })
    }

    /// Record up to 1,000 entries at once: all of them, or none.
    async fn create_audit_logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The entries.")] inputs: Vec<CreateAuditLogInput>,
    ) -> Result<CreateAuditLogsPayload> {
        Ok(CreateAuditLogsPayload { audit_logs: record(ctx, inputs).await? })
    }

    /// Undo what one entry records.
    ///
    /// CREATE: the object is deleted, and with it the objects that reference it (those that the schema declares SET
    /// NULL or SET DEFAULT are kept, and set).
    ///
    /// UPDATE: each field goes back to its old value, but only where its current value is still the entry's new value,
    /// byte for byte; the other fields are left alone and listed under `skipped`.
    ///
    /// DELETE: the object is restored under its old key. Objects that were linked to it are not restored, unless
    /// `restoreLinked` asks for those that fell in the same transaction.
    ///
    /// The undo is one transaction, is itself recorded, and can itself be undone. Where it cannot be, nothing changes,
    /// and the error says why: NOT_FOUND, NOT_UNDOABLE or CONFLICT. Rows that another transaction holds are waited for,
    /// for about two seconds.
    async fn undo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The entry.")] id: ID,
        #[graphql(desc = "Becomes the description of the entries written.")] reason: Option<String>,
        #[graphql(
            default_with = "Some(false)",
            desc = "Of a DELETE: whether the objects that hung on the object, directly or by others between, and were \
                    deleted in the same transaction, come back too, and references that were cut in it are set again. \
                    The entry must have a `transactionId`. Has no effect on other entries, nor on a change of a key."
        )]
        restore_linked: Option<bool>,
        #[graphql(
            desc = "That of a current `undoPreview` with the same arguments: where the plan is another by now, the \
                          undo is a CONFLICT, and nothing happens. Given, the undo may change more rows than \
                          `--undo-max-rows`."
        )]
        plan_hash: Option<String>,
    ) -> Result<UndoPayload> {
        let restore_linked = restore_linked.unwrap_or(false);
        let subject = undo::Subject::Entry { id: super::entry_id(&id)?, restore_linked };
        carry_out(ctx, subject, reason, plan_hash).await
    }

    /// Undo every change of one database transaction, the last first: all of them, or none.
    ///
    /// Each change is reversed as `undo` would reverse it, in an order that the foreign keys allow. A field whose current
    /// value is not the one that the transaction left is a CONFLICT, and a change that cannot be undone is NOT_UNDOABLE;
    /// the message names the entry. Entries of the action READ are no changes. What rows that the transaction created are
    /// referenced by goes with them, whoever wrote it. The undo is recorded entry by entry, in one transaction of its own:
    /// `undoTransaction` of that one is redo.
    async fn undo_transaction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The transaction, as `AuditLog.transactionId` tells it.")] transaction_id: ID,
        #[graphql(desc = "Becomes the description of the entries written.")] reason: Option<String>,
        #[graphql(
            desc = "That of a current `undoTransactionPreview`: where the plan is another by now, the undo is a \
                          CONFLICT, and nothing happens. Given, the undo may change more rows than `--undo-max-rows`."
        )]
        plan_hash: Option<String>,
    ) -> Result<UndoPayload> {
        super::no_nul("transactionId", &transaction_id)?;
        carry_out(ctx, undo::Subject::Transaction(transaction_id.0), reason, plan_hash).await
    }

    /// Start capturing a table's changes, or change how: a list that is not given stays as it is, and follows columns that
    /// were renamed since; an empty one clears it. A table whose capture is paused is resumed.
    async fn track_table(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The table, and what to leave out.")] input: TrackTableInput,
    ) -> Result<TrackTablePayload> {
        ctx.caller()?.require_admin()?;
        super::no_nul("tableName", &input.table_name)?;
        let services = ctx.services()?;
        let wish = capture::Wish {
            redacted: input.redacted_columns,
            ignored: input.ignored_columns,
            requires_user: input.require_user,
            baseline: input.baseline.unwrap_or(false),
        };
        let done = capture::track(&services.owner, &input.table_name, &wish, &actor(ctx)?).await?;
        services.feed.wake();
        Ok(TrackTablePayload {
            tracked_table: TrackedTable(done.report),
            warnings: done.told,
            baseline_rows: done.baseline.map(|rows| Long(i64::try_from(rows).unwrap_or(i64::MAX))),
        })
    }

    /// Stop capturing a table's changes. Its entries stay.
    async fn untrack_table(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The table, as `trackedTables` names it.")] table_name: String,
    ) -> Result<UntrackTablePayload> {
        ctx.caller()?.require_admin()?;
        super::no_nul("tableName", &table_name)?;
        let services = ctx.services()?;
        let table_name = capture::untrack(&services.owner, &table_name, &actor(ctx)?).await?;
        services.feed.wake();
        Ok(UntrackTablePayload { table_name })
    }
}

async fn record(ctx: &Context<'_>, inputs: Vec<CreateAuditLogInput>) -> Result<Vec<AuditLog>> {
    let caller = ctx.caller()?;
    caller.require_writer()?;
    if inputs.len() > MAX_ENTRIES {
        let error = format!("{} entries came; at most {MAX_ENTRIES} are recorded at once", inputs.len());
        return Err(Error::bad_input(error).into());
    }
    let entries = ctx.services()?.record(caller, inputs.into_iter().map(NewEntry::from)).await?;
    Ok(entries.into_iter().map(AuditLog::from).collect())
}

async fn carry_out(
    ctx: &Context<'_>,
    subject: undo::Subject,
    reason: Option<String>,
    plan_hash: Option<String>,
) -> Result<UndoPayload> {
    ctx.caller()?.require_admin()?;
    Ok(ctx.services()?.undo(actor(ctx)?, subject, reason, plan_hash).await?.into())
}

/// Who the entries of an administrative act will name.
pub(super) fn actor(ctx: &Context<'_>) -> Result<Actor> {
    let address = ctx.data_opt::<ClientAddress>().copied().unwrap_or(ClientAddress(None));
    Ok(actor_of(ctx.caller()?, address))
}
