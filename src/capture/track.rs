//! Choosing what is captured. Every choice is itself an entry of the log, written in the same transaction.

use std::time::Duration;

use serde_json::Value;

use super::dispatch;
use super::table::{Health, Hidden, Table};
use crate::audit::{Action, Draft, Error, Json, Result};
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

/// What shall be left out. A list that is not given stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Columns whose values are never recorded.
    pub redacted: Option<Vec<String>>,
    /// Columns that are not captured.
    pub ignored: Option<Vec<String>>,
}

/// A tracked table, and how its triggers are.
#[derive(Clone, Debug)]
pub struct Report {
    /// The table.
    pub tracked: Tracked,
    /// Whether the triggers are those that this server would install.
    pub health: Health,
}

/// How often a busy table is asked for its lock; each time the database waits a little itself.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);
/// The table under which these entries are filed.
pub(crate) const TRACKED_TABLE: &str = "afterimage.tracked_table";

/// Starts capturing a table's changes, or changes how.
///
/// # Errors
/// NOT_FOUND where there is no such table; BAD_USER_INPUT where it cannot be tracked; FORBIDDEN where the database role
/// may not; CONFLICT where other transactions do not let go of the table.
pub async fn track(database: &Database, name: &str, wish: &Wish, actor: &Actor) -> Result<Report> {
    let mut attempt = 1;
    loop {
        match track_once(database, name, wish, actor).await {
            Err(error) if error.is_busy() && attempt < ATTEMPTS => {
                tracing::info!(table = name, attempt, "waiting for the lock on the table");
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn track_once(database: &Database, name: &str, wish: &Wish, actor: &Actor) -> Result<Report> {
    let write = Write::begin(database).await?;
    dispatch::be_brief(database.kind, &write.transaction).await?;
    let table = dispatch::describe(database.kind, &write.transaction, name).await?;
    let before = store::tracked(database.dialect, &write.transaction, &table.name).await?;
    let hidden = hidden(wish, before.as_ref());
    check(&table, &hidden)?;
    dispatch::install(database.kind, &write.transaction, &table, &hidden).await?;
    let tracked = Tracked {
        table_name: table.name.clone(),
        relation: table.relation,
        primary_key: table.primary_key.clone(),
        columns: table.columns.iter().map(|column| column.name.clone()).collect(),
        redacted_columns: hidden.redacted,
        ignored_columns: hidden.ignored,
        tracked_since: before.as_ref().map_or_else(chrono::Utc::now, |before| before.tracked_since),
    };
    store::save_tracked(database.dialect, &write.transaction, &tracked).await?;
    if let Some(draft) = draft_of(before.as_ref(), Some(&tracked), actor) {
        store::append(database.dialect, &write, &[draft]).await?;
    }
    let saved = store::tracked(database.dialect, &write.transaction, &table.name).await?;
    let tracked = saved.ok_or_else(|| Error::internal("a tracked table was saved and is not there"))?;
    write.commit().await?;
    Ok(Report { tracked, health: Health::Ok })
}

/// Stops capturing a table's changes, and says under which name they were filed.
///
/// # Errors
/// NOT_FOUND where it is not tracked; FORBIDDEN where the database role may not.
pub async fn untrack(database: &Database, name: &str, actor: &Actor) -> Result<String> {
    let write = Write::begin(database).await?;
    dispatch::be_brief(database.kind, &write.transaction).await?;
    let name = dispatch::filed(database.kind, name);
    let tracked = store::tracked(database.dialect, &write.transaction, &name)
        .await?
        .ok_or_else(|| Error::not_found(format!("{name:?} is not tracked")))?;
    // A table that was renamed and tracked again has the triggers under both names.
    let all = store::tracked_tables(database.dialect, &write.transaction).await?;
    let shared = |other: &Tracked| other.relation == tracked.relation && other.table_name != tracked.table_name;
    if tracked.relation.is_none() || !all.iter().any(shared) {
        dispatch::remove(database.kind, &write.transaction, &tracked).await?;
    }
    store::forget_tracked(database.dialect, &write.transaction, &tracked.table_name).await?;
    if let Some(draft) = draft_of(Some(&tracked), None, actor) {
        store::append(database.dialect, &write, &[draft]).await?;
    }
    write.commit().await?;
    Ok(tracked.table_name)
}

/// The names of the tables that could be tracked, of one schema or of the whole database.
///
/// # Errors
/// BAD_USER_INPUT where a schema is named and the database knows none; where the database fails.
pub async fn list(database: &Database, schema: Option<&str>) -> Result<Vec<String>> {
    dispatch::list(database.kind, &database.reader, schema).await
}

/// What the catalogue says of a table that could be tracked.
///
/// # Errors
/// NOT_FOUND where there is no such table; BAD_USER_INPUT where it cannot be tracked.
pub async fn describe(database: &Database, name: &str) -> Result<Table> {
    dispatch::describe(database.kind, &database.reader, name).await
}

/// The tracked tables, by name, each with its health.
///
/// # Errors
/// Where the database fails.
pub async fn reports(database: &Database) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for tracked in store::tracked_tables(database.dialect, &database.reader).await? {
        let hidden = hidden(&Wish::default(), Some(&tracked));
        let health = dispatch::health(database.kind, &database.reader, &tracked, &hidden).await?;
        reports.push(Report { tracked, health });
    }
    Ok(reports)
}

fn hidden(wish: &Wish, before: Option<&Tracked>) -> Hidden {
    let present = |list: fn(&Tracked) -> &Vec<String>| before.map(|before| list(before).clone()).unwrap_or_default();
    Hidden {
        redacted: wish.redacted.clone().unwrap_or_else(|| present(|before| &before.redacted_columns)),
        ignored: wish.ignored.clone().unwrap_or_else(|| present(|before| &before.ignored_columns)),
    }
}

fn check(table: &Table, hidden: &Hidden) -> Result<()> {
    for column in hidden.redacted.iter().chain(&hidden.ignored) {
        if table.column(column).is_none() {
            return Err(Error::bad_input(format!("{:?} has no column {column:?}", table.name)));
        }
        if table.is_key(column) {
            return Err(Error::bad_input(format!(
                "{column:?} is part of the key of {:?}; without it the log could not tell the rows apart",
                table.name
            )));
        }
        if hidden.is_redacted(column) && hidden.is_ignored(column) {
            return Err(Error::bad_input(format!("{column:?} can be redacted or ignored, not both")));
        }
    }
    Ok(())
}

/// The entry about a choice; none where nothing was chosen anew.
fn draft_of(before: Option<&Tracked>, after: Option<&Tracked>, actor: &Actor) -> Option<Draft> {
    let fields = |tracked: &Tracked, other: Option<&Tracked>| {
        let all = [
            ("columns", &tracked.columns, other.map(|other| &other.columns)),
            ("redactedColumns", &tracked.redacted_columns, other.map(|other| &other.redacted_columns)),
            ("ignoredColumns", &tracked.ignored_columns, other.map(|other| &other.ignored_columns)),
        ];
        let differing = all.into_iter().filter(|(_, list, other)| Some(*list) != *other);
        let texts: Vec<(&str, String)> =
            differing.map(|(name, list, _)| (name, Value::from(list.as_slice()).to_string())).collect();
        Json::of_fields(texts.iter().map(|(name, text)| (*name, text.as_str())))
    };
    let (action, tracked) = match (before, after) {
        (None, Some(after)) => (Action::Create, after),
        (Some(before), None) => (Action::Delete, before),
        (Some(before), Some(after)) => {
            let same = before.columns == after.columns
                && before.redacted_columns == after.redacted_columns
                && before.ignored_columns == after.ignored_columns;
            if same {
                return None;
            }
            (Action::Update, after)
        }
        (None, None) => return None,
    };
    Some(Draft {
        action,
        table_name: TRACKED_TABLE.to_owned(),
        record_id: Some(tracked.table_name.clone()),
        user_id: actor.user_id.clone(),
        username: actor.username.clone(),
        old_values: before.map(|before| fields(before, after)),
        new_values: after.map(|after| fields(after, before)),
        description: None,
        ip_address: actor.ip_address.clone(),
        correlation_id: None,
        metadata: None,
        recorded_by: actor.recorded_by.clone(),
        trusted: true,
        idempotency_key: None,
    })
}
