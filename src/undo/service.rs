//! Undoing, and showing what an undo would do: the attempts, and the record of a refusal.

use std::fmt;
use std::time::{Duration, Instant};

use super::attempt::{Attempt, MAX_PLAN_ROWS};
use super::finish::hash_of_none;
use super::outcome::Outcome;
use super::plan::{Effect, Plan, Skipped};
use super::planner::Bound;
use crate::audit::{Action, Code, Draft, Entry, Error, Json, Result};
use crate::capture::Actor;
use crate::store::{self, Database, Write};

/// What is to be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// What one entry records.
    Entry {
        /// The entry.
        id: i64,
        /// Of a deletion: whether what fell with the object comes back too.
        restore_linked: bool,
    },
    /// All changes of the transaction of this id.
    Transaction(String),
}

/// A wish to undo something.
#[derive(Clone, Debug)]
pub struct Request {
    /// What.
    pub subject: Subject,
    /// Becomes the description of the entries written.
    pub reason: Option<String>,
    /// Who wishes it.
    pub actor: Actor,
    /// How many rows it may change, unless the caller shows by the plan's hash that they have seen them.
    pub max_rows: usize,
    /// The plan that the caller has seen.
    pub plan_hash: Option<String>,
}

/// What an undo would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The entry, or the last one of the transaction.
    pub entry: Entry,
    /// Why it would not go through.
    pub refusal: Option<(Code, String)>,
    /// The rows that would change, in the order in which they would.
    pub effects: Vec<Effect>,
    /// What triggers would change besides; known only where it would go through.
    pub derived: Vec<Effect>,
    /// Later entries about the same fields or objects, the latest first.
    pub later: Vec<Entry>,
    /// The fields that would be left alone.
    pub skipped: Vec<Skipped>,
    /// Identifies the plan.
    pub hash: String,
}

/// How long rows that others hold are asked for, and how long is waited in between, holding nothing.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);
/// The table under which refused undos are filed.
const UNDO: &str = "afterimage.undo";

impl Preview {
    /// Where no plan can be made.
    fn refused(entry: Entry, request: &Request, error: &Error) -> Preview {
        let hash = hash_of_none(&request.subject.to_string(), error);
        let (effects, derived, later, skipped) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Preview { entry, refusal: None, effects, derived, later, skipped, hash }
    }
}

fn nothing() -> Error {
    Error::internal("there is nothing to undo")
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Entry { id, restore_linked: false } => write!(f, "entry {id}"),
            Subject::Entry { id, restore_linked: true } => write!(f, "entry {id} with what was linked"),
            Subject::Transaction(id) => write!(f, "transaction {id}"),
        }
    }
}

/// Undoes it.
///
/// # Errors
/// NOT_FOUND, NOT_UNDOABLE, CONFLICT or FORBIDDEN, each with the reason; then nothing has changed but for an entry about
/// the refusal.
pub async fn undo(database: &Database, request: &Request) -> Result<Outcome> {
    let until = Instant::now() + PATIENCE;
    let outcome = loop {
        match undo_once(database, request).await {
            // It is the undo that gives way, and not the application.
            Err(error) if error.is_busy() && Instant::now() < until => tokio::time::sleep(PAUSE).await,
            outcome => break outcome.map_err(Error::in_the_way),
        }
    };
    if let Err(error) = &outcome
        && matches!(error.code(), Code::Conflict | Code::NotUndoable)
    {
        match record_refusal(database, request, error).await {
            // Whoever was in the way of the undo is in the way of that, too.
            Err(refusal) if refusal.is_busy() => tracing::warn!(%error, "a refused undo could not be recorded"),
            recorded => recorded?,
        }
    }
    outcome
}

async fn undo_once(database: &Database, request: &Request) -> Result<Outcome> {
    let attempt = Attempt::begin(database, request).await?;
    let rows = attempt.rows().await?;
    let bound = match request.plan_hash {
        Some(_) => Bound { rows: MAX_PLAN_ROWS, hard: true },
        None => Bound { rows: request.max_rows.min(MAX_PLAN_ROWS), hard: request.max_rows >= MAX_PLAN_ROWS },
    };
    let plan = attempt.plan(&rows, bound).await?;
    if request.plan_hash.as_ref().is_some_and(|hash| *hash != plan.hash) {
        return Err(Error::conflict(
            "the plan is no longer the one of this `planHash`: something has changed since; look at the preview again",
        ));
    }
    let outcome = attempt.perform(&rows, &plan).await?;
    drop(rows);
    attempt.commit().await?;
    Ok(outcome)
}

/// What [`undo`] would do. It is done, and rolled back, so that constraints, rights and triggers have their say.
///
/// # Errors
/// NOT_FOUND where there is nothing of that id. What else an undo would fail with is part of the preview.
pub async fn preview(database: &Database, request: &Request) -> Result<Preview> {
    let until = Instant::now() + PATIENCE;
    loop {
        let (preview, refusal) = match preview_once(database, request).await {
            Ok(previewed) => previewed,
            Err(error) if error.is_busy() => {
                let entry = Attempt::subject(database, &database.reader, request).await?.pop();
                (Preview::refused(entry.ok_or_else(nothing)?, request, &error), Some(error.in_the_way()))
            }
            Err(error) => return Err(error),
        };
        match refusal {
            None => return Ok(preview),
            Some(error) if error.is_busy() && Instant::now() < until => tokio::time::sleep(PAUSE).await,
            Some(error) if matches!(error.code(), Code::Conflict | Code::NotUndoable | Code::Forbidden) => {
                return Ok(Preview { refusal: Some((error.code(), error.message().to_owned())), ..preview });
            }
            Some(error) => return Err(error),
        }
    }
}

/// The preview, and what stands in the way of it.
async fn preview_once(database: &Database, request: &Request) -> Result<(Preview, Option<Error>)> {
    let attempt = Attempt::begin(database, request).await?;
    let entry = attempt.entry().cloned().ok_or_else(nothing)?;
    let rows = attempt.rows().await?;
    let planned = attempt.plan(&rows, Bound { rows: MAX_PLAN_ROWS, hard: true }).await;
    let previewed = match planned {
        Ok(plan) => {
            // What triggers make of it, only the rehearsal tells.
            let (effects, derived, refusal) = match attempt.perform(&rows, &plan).await {
                Ok(outcome) => (outcome.effects, outcome.derived, None),
                Err(error) => (plan.effects(), Vec::new(), Some(error)),
            };
            let Plan { later, skipped, hash, .. } = plan;
            (Preview { entry, refusal: None, effects, derived, later, skipped, hash }, refusal)
        }
        Err(error) => (Preview::refused(entry, request, &error), Some(error)),
    };
    drop(rows);
    attempt.roll_back().await?;
    Ok(previewed)
}

/// The one trace that a refused undo leaves.
async fn record_refusal(database: &Database, request: &Request, error: &Error) -> Result<()> {
    let code = serde_json::Value::from(error.code().as_str()).to_string();
    let record_id = match &request.subject {
        Subject::Entry { id, .. } => id.to_string(),
        Subject::Transaction(id) => id.clone(),
    };
    let draft = Draft {
        action: Action::Read,
        table_name: UNDO.to_owned(),
        record_id: Some(record_id),
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
