//! Undoing an entry: who may be believed, the one transaction, and the record of a refusal.

use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait, ExprTrait};

use super::outcome::{Outcome, Planned, Skipped, ended_as_planned, read_back};
use super::rows::Rows;
use super::standing::last_standing;
use super::{delete, restore, revert};
use crate::audit::{Action, Code, Draft, Entry, Error, Json, Result};
use crate::capture::dispatch::describe;
use crate::capture::{Actor, Hidden, Table};
use crate::store::{self, Database, ServerContext, Write};
use afterimage_entity::log::Column;

/// A wish to undo an entry.
#[derive(Clone, Debug)]
pub struct Request {
    /// The entry.
    pub entry: i64,
    /// Becomes the description of the entries written.
    pub reason: Option<String>,
    /// Who wishes it.
    pub actor: Actor,
    /// How many rows it may change.
    pub max_rows: usize,
}

/// How often rows that others hold are asked for, and how long is waited in between, holding nothing.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// The table under which refused undos are filed.
const UNDO: &str = "afterimage.undo";

/// What the parts of an undo work with.
pub(super) struct Undoing<'a> {
    pub(super) database: &'a Database,
    pub(super) write: &'a Write<'a>,
    pub(super) rows: &'a Rows<'a>,
    pub(super) request: &'a Request,
    pub(super) entry: &'a Entry,
    pub(super) record_id: &'a str,
    pub(super) table: &'a Table,
    pub(super) hidden: &'a Hidden,
}

/// What an undo did to the user's rows.
#[derive(Default)]
pub(super) struct Done {
    pub(super) planned: Vec<Planned>,
    pub(super) skipped: Vec<Skipped>,
}

/// Undoes what one entry records.
///
/// # Errors
/// NOT_FOUND, NOT_UNDOABLE or CONFLICT, each with the reason; then nothing has changed but for an entry about the
/// refusal.
pub async fn undo(database: &Database, request: &Request) -> Result<Outcome> {
    let mut attempt = 1;
    let outcome = loop {
        match undo_once(database, request).await {
            // It is the undo that gives way, and not the application.
            Err(error) if error.is_busy() && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            outcome => break outcome,
        }
    };
    if let Err(error) = &outcome
        && matches!(error.code(), Code::Conflict | Code::NotUndoable)
    {
        record_refusal(database, request, error).await?;
    }
    outcome
}

async fn undo_once(database: &Database, request: &Request) -> Result<Outcome> {
    let write = Write::begin(database).await?;
    let entry = store::by_ids(database.dialect, &write.transaction, [request.entry]).await?.pop();
    let entry = entry.ok_or_else(|| Error::not_found(format!("there is no entry {}", request.entry)))?;
    let (record_id, hidden) = undoable(database, &write, &entry).await?;
    let table = match describe(database.kind, &write.transaction, &entry.table_name).await {
        Err(error) if error.code() == Code::NotFound => {
            return Err(Error::not_undoable(format!("the table {:?} is not there any more", entry.table_name)));
        }
        Err(error) if error.code() == Code::BadUserInput => return Err(Error::not_undoable(error.message())),
        table => table?,
    };
    let rows = Rows::open(database.kind, &write.transaction).await?;
    write.act_as(&context(request)).await?;
    let undoing = Undoing {
        database,
        write: &write,
        rows: &rows,
        request,
        entry: &entry,
        record_id: &record_id,
        table: &table,
        hidden: &hidden,
    };
    let done = match entry.action {
        _ if entry.is_key_change() => revert::key(&undoing).await?,
        Action::Create => delete::object(&undoing).await?,
        Action::Update => revert::fields(&undoing).await?,
        Action::Delete => restore::object(&undoing).await?,
        Action::Read => return Err(Error::not_undoable("a READ changed nothing that could be undone")),
    };
    rows.check_constraints().await?;
    ended_as_planned(&undoing, &done).await?;
    let outcome = read_back(&undoing, done).await?;
    write.commit().await?;
    Ok(outcome)
}

/// Whether the entry can be undone at all: what its object is called, and what of its table is hidden.
async fn undoable(database: &Database, write: &Write<'_>, entry: &Entry) -> Result<(String, Hidden)> {
    if entry.action == Action::Read {
        return Err(Error::not_undoable("a READ changed nothing that could be undone"));
    }
    let tracked = store::tracked(database.dialect, &write.transaction, &entry.table_name).await?;
    let tracked = tracked.ok_or_else(|| {
        Error::not_undoable(format!(
            "the table {:?} is not tracked, so that the undo would not be recorded; track it first",
            entry.table_name
        ))
    })?;
    if !entry.trusted {
        return Err(Error::not_undoable(
            "the entry was made by hand by a caller who is no administrator: what it says of the row is not proven",
        ));
    }
    let record_id = entry.record_id.clone();
    let record_id = record_id.ok_or_else(|| Error::not_undoable("the entry names no object: it has no record id"))?;
    Ok((record_id, Hidden { redacted: tracked.redacted_columns, ignored: tracked.ignored_columns }))
}

fn context(request: &Request) -> ServerContext {
    ServerContext {
        user_id: request.actor.user_id.clone(),
        username: request.actor.username.clone(),
        description: request.reason.clone(),
        ip_address: request.actor.ip_address.clone(),
        recorded_by: request.actor.recorded_by.clone(),
        ..ServerContext::default()
    }
}

/// The one trace that a refused undo leaves.
async fn record_refusal(database: &Database, request: &Request, error: &Error) -> Result<()> {
    let code = serde_json::Value::from(error.code().as_str()).to_string();
    let draft = Draft {
        action: Action::Read,
        table_name: UNDO.to_owned(),
        record_id: Some(request.entry.to_string()),
        user_id: request.actor.user_id.clone(),
        username: request.actor.username.clone(),
        old_values: None,
        new_values: None,
        description: Some(format!("undo refused: {}", error.message())),
        ip_address: request.actor.ip_address.clone(),
        correlation_id: None,
        metadata: Some(Json::of_fields([("code", code.as_str())])),
        recorded_by: request.actor.recorded_by.clone(),
        trusted: true,
        idempotency_key: None,
    };
    let write = Write::begin(database).await?;
    store::append(database.dialect, &write, &[draft]).await?;
    write.commit().await
}

impl Undoing<'_> {
    /// The latest entry about an object with one of these actions that can be believed.
    pub(super) async fn latest(&self, table: &str, record_id: &str, actions: &[Action]) -> Result<Option<Entry>> {
        self.latest_before(table, record_id, actions, i64::MAX).await
    }

    /// The same, of the entries before that one.
    pub(super) async fn latest_before(
        &self,
        table: &str,
        record_id: &str,
        actions: &[Action],
        before: i64,
    ) -> Result<Option<Entry>> {
        let condition = store::about(self.database.dialect, table, record_id)
            .and(Column::Id.lt(before))
            .and(Column::Trusted.eq(true))
            .and(Column::Action.is_in(actions.iter().map(|action| action.as_str())));
        store::latest(self.database.dialect, &self.write.transaction, condition).await
    }

    /// Fails where a later creation or deletion of the object stands, that no undo has taken back.
    pub(super) async fn must_stand(&self) -> Result<()> {
        let condition = store::about(self.database.dialect, &self.entry.table_name, self.record_id)
            .and(Column::Trusted.eq(true))
            .and(Column::Id.gte(self.entry.id))
            .and(Column::Action.is_in([Action::Create.as_str(), Action::Delete.as_str()]));
        let entries = store::matching(self.database.dialect, &self.write.transaction, condition).await?;
        match last_standing(&entries) {
            Some(last) if last.id != self.entry.id => {
                let done = if last.action == Action::Create { "created anew" } else { "deleted" };
                Err(Error::conflict(format!(
                    "the object {:?} {:?} was {done} since, by entry {}; undo that one first",
                    self.entry.table_name, self.record_id, last.id
                )))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn connection(&self) -> &impl ConnectionTrait {
        &self.write.transaction
    }
}
