//! Putting a table's triggers in, and recording it: for whoever asks, and for the server that mends them itself.

use std::collections::BTreeMap;

use sea_orm::Value;

use super::choice::Chosen;
use super::record::{Event, Gap, draft};
use super::table::{Choice, Health, Table};
use super::track::Actor;
use super::{choice, dispatch};
use crate::audit::{Error, Result};
use crate::store::{self, Database, Tracked, Write};

/// What is said of each row that is recorded as it is.
const BASELINE: &str = "Baseline: the row as it was when it was recorded, not a change.";
const BASELINE_METADATA: &str = r#"{"baseline":true}"#;

/// A table whose triggers are to be put in, and what is known of them.
pub(super) struct Installation<'a> {
    pub(super) database: &'a Database,
    pub(super) write: &'a Write<'a>,
    pub(super) table: &'a Table,
    pub(super) before: Option<&'a Tracked>,
    pub(super) chosen: Chosen,
    /// The latest instant at which the triggers were known to be what they should be.
    pub(super) whole_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl Installation<'_> {
    /// Puts them in, and records what that changed.
    pub(super) async fn run(self, actor: &Actor) -> Result<(Tracked, Event)> {
        let Installation { database, write, table, before, .. } = &self;
        let choice = &self.chosen.choice;
        let health = match before {
            Some(before) if before.paused_since.is_none() => {
                dispatch::health(database.kind, &write.transaction, before, &choice::of(before)).await?
            }
            _ => Health::Ok,
        };
        if let Some(former) = before.filter(|before| before.relation != table.relation) {
            let tracked = store::tracked_tables(database.dialect, &write.transaction).await?;
            let names: Vec<String> = tracked.into_iter().map(|tracked| tracked.table_name).collect();
            dispatch::leave(database.kind, &write.transaction, former, &names).await?;
        }
        dispatch::install(database.kind, &write.transaction, table, choice).await?;
        // Now that nobody else can write to the table.
        let now = dispatch::now(database.kind, &write.transaction).await?;
        let event = self.event(health, now);
        let tracked = Tracked {
            table_name: table.name.clone(),
            relation: table.relation,
            primary_key: table.primary_key.clone(),
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            redacted_columns: choice.hidden.redacted.clone(),
            ignored_columns: choice.hidden.ignored.clone(),
            hidden_numbers: self.hidden_numbers(),
            tracked_since: before.map_or(now, |before| before.tracked_since),
            requires_user: choice.requires_user,
            paused_since: None,
            whole_at: now,
        };
        store::save_tracked(database.dialect, &write.transaction, &tracked).await?;
        if let Some(draft) = draft(*before, Some(&tracked), &event, &self.chosen.told, actor) {
            store::append(database.dialect, write, &[draft]).await?;
        }
        let saved = store::tracked(database.dialect, &write.transaction, &table.name).await?;
        let tracked = saved.ok_or_else(|| Error::internal("a tracked table was saved and is not there"))?;
        Ok((tracked, event))
    }

    /// The numbers of the hidden columns, where the database keeps them.
    fn hidden_numbers(&self) -> BTreeMap<String, i32> {
        let hidden = &self.chosen.choice.hidden;
        let columns = self.table.columns.iter().filter(|_| self.table.relation.is_some());
        let columns = columns.filter(|column| hidden.is_redacted(&column.name) || hidden.is_ignored(&column.name));
        columns.map(|column| (column.name.clone(), column.number)).collect()
    }

    fn event(&self, health: Health, until: chrono::DateTime<chrono::Utc>) -> Event {
        let Some(before) = self.before else { return Event::Chosen };
        if let Some(since) = before.paused_since {
            return Event::Resumed(Gap { since, until });
        }
        match health {
            Health::Ok => Event::Chosen,
            Health::Outdated => Event::Renewed,
            Health::Missing | Health::Disabled => {
                let since = self.whole_at.map_or(before.whole_at, |seen| seen.max(before.whole_at));
                Event::Restored(Gap { since, until })
            }
        }
    }
}

/// Records the rows that are there, each as one entry; how many.
pub(super) async fn baseline(
    database: &Database,
    write: &Write<'_>,
    table: &Table,
    choice: &Choice,
    actor: &Actor,
) -> Result<u64> {
    let values: [Value; 6] = [
        actor.user_id.clone().into(),
        actor.username.clone().into(),
        actor.ip_address.clone().into(),
        actor.recorded_by.clone().into(),
        BASELINE.into(),
        BASELINE_METADATA.into(),
    ];
    dispatch::baseline(database.kind, &write.transaction, table, choice, values).await
}
