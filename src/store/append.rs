//! Recording entries that the server itself writes.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, QueryFilter, QueryResult};

use super::connect::Database;
use super::dialect::Dialect;
use super::error::failed;
use super::insert::{digest, insert};
use super::log::{entries, find};
use super::row::{COLUMN_COUNT, entry_of_result};
use super::write::Write;
use crate::audit::{Draft, Entry, Error, Result};

/// Records entries, all of them or none, and gives them back in the order of the drafts. A draft with the key of an entry
/// that the same caller recorded before brings that entry back, and records nothing.
///
/// # Errors
/// CONFLICT where a key came before with other contents.
pub async fn record(database: &Database, drafts: &[Draft]) -> Result<Vec<Entry>> {
    let is_one_statement = drafts.len() == 1 || !has_keys(drafts);
    if is_one_statement && database.dialect.numbers_transactions() {
        return record_on(database.dialect, &database.writer, drafts).await;
    }
    let write = Write::begin(database).await?;
    let recorded = append(database.dialect, &write, drafts).await?;
    write.commit().await?;
    Ok(recorded)
}

/// The same within a transaction.
///
/// # Errors
/// CONFLICT where a key came before with other contents.
pub async fn append(dialect: &dyn Dialect, write: &Write<'_>, drafts: &[Draft]) -> Result<Vec<Entry>> {
    record_on(dialect, &write.transaction, drafts).await
}

fn has_keys(drafts: &[Draft]) -> bool {
    drafts.iter().any(|draft| draft.idempotency_key.is_some())
}

async fn record_on(dialect: &dyn Dialect, connection: &impl ConnectionTrait, drafts: &[Draft]) -> Result<Vec<Entry>> {
    if !has_keys(drafts) {
        let inserted = insert(dialect, connection, &drafts.iter().collect::<Vec<_>>()).await?;
        return inserted.into_iter().map(|entry| entry.ok_or_else(lost)).collect();
    }
    let mut known = Known::default();
    // SQLite's log refuses what would replace an entry before it can be told that nothing is to be done then.
    if drafts.len() > 1 || !dialect.numbers_transactions() {
        known.look_up(dialect, connection, drafts).await?;
    }
    let new = known.unknown_among(drafts)?;
    let mut keyless = Vec::with_capacity(new.len());
    for (draft, entry) in new.iter().zip(insert(dialect, connection, &new).await?) {
        match (&draft.idempotency_key, entry) {
            (Some(key), Some(entry)) => known.add(key, Recorded { entry, digest: Some(digest(draft)) }),
            (Some(_), None) => {}
            (None, entry) => keyless.push(entry.ok_or_else(lost)?),
        }
    }
    // What was not inserted, another transaction has committed in between.
    if new.iter().any(|draft| draft.idempotency_key.as_ref().is_some_and(|key| !known.recorded.contains_key(key))) {
        known.look_up(dialect, connection, drafts).await?;
    }
    let mut keyless = keyless.into_iter();
    let found = drafts.iter().map(|draft| match &draft.idempotency_key {
        Some(_) => known.of(draft)?.cloned().ok_or_else(lost),
        None => keyless.next().ok_or_else(lost),
    });
    found.collect()
}

fn lost() -> Error {
    Error::internal("an entry was neither recorded nor found by its key")
}

/// An entry that came with a key, and the digest of what came with it.
struct Recorded {
    entry: Entry,
    digest: Option<String>,
}

/// What is read beside an entry's own columns, and after them.
const KEY_COLUMNS: &str = "log.idempotency_key, log.idempotency_hash";

/// The entries of keys, all of the one caller who records.
#[derive(Default)]
struct Known {
    recorded: HashMap<String, Recorded>,
}

impl Known {
    fn add(&mut self, key: &str, recorded: Recorded) {
        self.recorded.insert(key.to_owned(), recorded);
    }

    async fn look_up(
        &mut self,
        dialect: &dyn Dialect,
        connection: &impl ConnectionTrait,
        drafts: &[Draft],
    ) -> Result<()> {
        let Some(recorded_by) = drafts.first().and_then(|draft| draft.recorded_by.as_deref()) else { return Ok(()) };
        let keys: Vec<&str> = drafts.iter().filter_map(|draft| draft.idempotency_key.as_deref()).collect();
        let mut select = entries(find(dialect).filter(dialect.has_key(recorded_by, &keys)));
        let statement = connection.get_database_backend().build(select.expr(Expr::cust(KEY_COLUMNS)));
        for row in connection.query_all_raw(statement).await.map_err(failed)? {
            let text = |row: &QueryResult, place| row.try_get_by_index::<Option<String>>(COLUMN_COUNT + place);
            let (key, digest) = (text(&row, 0).map_err(failed)?, text(&row, 1).map_err(failed)?);
            self.add(&key.unwrap_or_default(), Recorded { entry: entry_of_result(&row)?, digest });
        }
        Ok(())
    }

    /// The entry of the draft's key; none where the key is new.
    fn of(&self, draft: &Draft) -> Result<Option<&Entry>> {
        let known = draft.idempotency_key.as_ref().and_then(|key| self.recorded.get(key));
        let Some(Recorded { entry, digest: known, .. }) = known else { return Ok(None) };
        if known.as_deref() == Some(&digest(draft)) { Ok(Some(entry)) } else { Err(conflict(draft, Some(entry))) }
    }

    /// The drafts that are to be recorded: of several with one key, the first.
    fn unknown_among<'a>(&self, drafts: &'a [Draft]) -> Result<Vec<&'a Draft>> {
        let mut firsts: HashMap<&str, &Draft> = HashMap::new();
        let mut new = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let Some(key) = &draft.idempotency_key else {
                new.push(draft);
                continue;
            };
            if self.of(draft)?.is_some() {
                continue;
            }
            match firsts.get(key.as_str()) {
                Some(first) if digest(first) == digest(draft) => {}
                Some(_) => return Err(conflict(draft, None)),
                None => {
                    firsts.insert(key, draft);
                    new.push(draft);
                }
            }
        }
        Ok(new)
    }
}

fn conflict(draft: &Draft, before: Option<&Entry>) -> Error {
    let key = draft.idempotency_key.as_deref().unwrap_or_default();
    Error::conflict(match before {
        Some(entry) => {
            format!("the idempotency key {key:?} came before with other contents; entry {} has them", entry.id)
        }
        None => format!("the idempotency key {key:?} comes twice, with different contents"),
    })
}
