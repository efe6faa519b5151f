//! Choosing what is captured. Every choice is itself an entry of the log, written in the same transaction.

use std::time::Duration;

use super::install::{Installation, baseline};
use super::record::{Event, Gap, draft};
use super::report::Report;
use super::table::Health;
use super::{choice, dispatch};
use crate::audit::{Error, Result};
use crate::store::{self, Database, Tracked, Write};

/// Who asks; the entries about it name them.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// The user.
    pub user_id: Option<String>,
    /// Their name.
    pub username: Option<String>,
    /// Their address.
    pub ip_address: Option<String>,
    /// The subject of the token; none on the command line.
    pub recorded_by: Option<String>,
}

/// How a table shall be captured. What is not given stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Columns whose values are never recorded.
    pub redacted: Option<Vec<String>>,
    /// Columns that are not captured.
    pub ignored: Option<Vec<String>>,
    /// Whether writes that carry no user are refused.
    pub requires_user: Option<bool>,
    /// Whether the rows that are there already are recorded, each as one entry.
    pub baseline: bool,
}

/// What tracking a table did.
#[derive(Clone, Debug)]
pub struct Done {
    /// The table as it is tracked now.
    pub report: Report,
    /// How many rows were recorded as they are; none where that was not asked for.
    pub baseline: Option<u64>,
    /// The time for which changes may be missing, where its triggers had been off.
    pub gap: Option<Gap>,
    /// What became of hidden columns of a table that was altered, in sentences.
    pub told: Vec<String>,
}

/// How often a busy table is asked for its lock; each time the database waits a little itself.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// Starts capturing a table's changes, or changes how; one that is paused is resumed.
///
/// # Errors
/// NOT_FOUND where there is no such table; BAD_USER_INPUT where it cannot be tracked; FORBIDDEN where the database role
/// may not; CONFLICT where other transactions do not let go of the table.
pub async fn track(database: &Database, name: &str, wish: &Wish, actor: &Actor) -> Result<Done> {
    patiently(name, || track_once(database, name, wish, actor)).await
}

/// Puts the triggers of a paused table back. One that is not paused is merely tracked again.
///
/// # Errors
/// NOT_FOUND where the table is not tracked; otherwise as [`track`].
pub async fn resume(database: &Database, name: &str, wish: &Wish, actor: &Actor) -> Result<Done> {
    let name = dispatch::filed(database.kind, name);
    if store::tracked_or_paused(database.dialect, &database.reader, &name).await?.is_none() {
        return Err(Error::not_found(format!("{name:?} is not tracked, and so was not paused; track it")));
    }
    track(database, &name, wish, actor).await
}

/// Tries again while another transaction holds the table.
pub(super) async fn patiently<T, F: Future<Output = Result<T>>>(name: &str, once: impl Fn() -> F) -> Result<T> {
    let mut attempt = 1;
    loop {
        match once().await {
            Err(error) if error.is_busy() && attempt < ATTEMPTS => {
                tracing::info!(table = name, attempt, "waiting for the lock on the table");
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn track_once(database: &Database, name: &str, wish: &Wish, actor: &Actor) -> Result<Done> {
    let write = Write::begin(database).await?;
    dispatch::be_brief(database.kind, &write.transaction).await?;
    let table = dispatch::describe(database.kind, &write.transaction, name).await?;
    // Before anything is made of its columns' names.
    let table = dispatch::hold(database.kind, &write.transaction, table).await?;
    let before = store::tracked_or_paused(database.dialect, &write.transaction, &table.name).await?;
    let chosen = choice::wished(wish, &table, before.as_ref())?;
    let installation = Installation {
        database,
        write: &write,
        table: &table,
        before: before.as_ref(),
        chosen: chosen.clone(),
        whole_at: None,
    };
    let (tracked, event) = installation.run(actor).await?;
    // Last: it leaves the transaction with settings of its own.
    let baseline = match wish.baseline {
        true => Some(baseline(database, &write, &table, &chosen.choice, actor).await?),
        false => None,
    };
    write.commit().await?;
    let gap = match event {
        Event::Resumed(gap) | Event::Restored(gap) => Some(gap),
        Event::Chosen | Event::Paused | Event::Renewed => None,
    };
    Ok(Done { report: Report { tracked, health: Health::Ok }, baseline, gap, told: chosen.told })
}

/// Stops capturing a table's changes, and says under which name they were filed.
///
/// # Errors
/// NOT_FOUND where it is not tracked; FORBIDDEN where the database role may not.
pub async fn untrack(database: &Database, name: &str, actor: &Actor) -> Result<String> {
    let write = Write::begin(database).await?;
    dispatch::be_brief(database.kind, &write.transaction).await?;
    let name = dispatch::filed(database.kind, name);
    let tracked = store::tracked_or_paused(database.dialect, &write.transaction, &name)
        .await?
        .ok_or_else(|| Error::not_found(format!("{name:?} is not tracked")))?;
    // A table that was renamed and tracked again has the triggers under both names.
    let all = store::tracked_tables(database.dialect, &write.transaction).await?;
    let shared = |other: &Tracked| other.relation == tracked.relation && other.table_name != tracked.table_name;
    if tracked.relation.is_none() || !all.iter().any(shared) {
        dispatch::remove(database.kind, &write.transaction, &tracked).await?;
    }
    store::forget_tracked(database.dialect, &write.transaction, &tracked.table_name).await?;
    if let Some(draft) = draft(Some(&tracked), None, &Event::Chosen, &[], actor) {
        store::append(database.dialect, &write, &[draft]).await?;
    }
    write.commit().await?;
    Ok(tracked.table_name)
}
