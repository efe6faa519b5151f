//! Taking the triggers off for a while: for a migration that they would stand in the way of.

use super::dispatch;
use super::record::{Event, draft};
use super::track::{Actor, patiently};
use crate::audit::{Error, Result};
use crate::store::{self, Database, Tracked, Write};

/// Takes a table's triggers off, and keeps what was chosen for it. Nothing is recorded of the table, and nothing of it is
/// undone, until it is resumed or tracked again, which records the gap. One that is paused stays so.
///
/// # Errors
/// NOT_FOUND where it is not tracked; FORBIDDEN where the database role may not; CONFLICT where other transactions do not
/// let go of the table.
pub async fn pause(database: &Database, name: &str, actor: &Actor) -> Result<Tracked> {
    patiently(name, || pause_once(database, name, actor)).await
}

async fn pause_once(database: &Database, name: &str, actor: &Actor) -> Result<Tracked> {
    let write = Write::begin(database).await?;
    dispatch::be_brief(database.kind, &write.transaction).await?;
    let name = dispatch::filed(database.kind, name);
    let before = store::tracked_or_paused(database.dialect, &write.transaction, &name)
        .await?
        .ok_or_else(|| Error::not_found(format!("{name:?} is not tracked")))?;
    if before.paused_since.is_some() {
        return Ok(before);
    }
    dispatch::remove(database.kind, &write.transaction, &before).await?;
    let now = dispatch::now(database.kind, &write.transaction).await?;
    let tracked = Tracked { paused_since: Some(now), whole_at: now, ..before.clone() };
    store::save_tracked(database.dialect, &write.transaction, &tracked).await?;
    if let Some(draft) = draft(Some(&before), Some(&tracked), &Event::Paused, &[], actor) {
        store::append(database.dialect, &write, &[draft]).await?;
    }
    write.commit().await?;
    Ok(tracked)
}
