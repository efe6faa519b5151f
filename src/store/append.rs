//! Recording entries that the server itself writes.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, QueryFilter, QueryResult, Statement};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::connect::Database;
use super::dialect::Dialect;
use super::error::failed;
use super::log::{entries, find};
use super::row::{COLUMN_COUNT, COLUMNS, entry_of_result};
use super::write::Write;
use crate::audit::{Draft, Entry, Error, Json, Result};

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
        let recorded = insert(dialect, connection, &drafts.iter().collect::<Vec<_>>()).await?;
        return Ok(recorded.into_iter().map(|recorded| recorded.entry).collect());
    }
    let mut known = Known::default();
    // SQLite's log refuses what would replace an entry before it can be told that nothing is to be done then.
    if drafts.len() > 1 || !dialect.numbers_transactions() {
        known.look_up(dialect, connection, drafts).await?;
    }
    let new = known.unknown_among(drafts)?;
    let mut keyless = Vec::with_capacity(new.len());
    for recorded in insert(dialect, connection, &new).await? {
        match &recorded.key {
            Some(_) => known.add(recorded),
            None => keyless.push(recorded.entry),
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

/// An entry with the key that it came with, and the digest of what came with that.
struct Recorded {
    entry: Entry,
    key: Option<String>,
    digest: Option<String>,
}

/// What is read beside an entry's own columns, and after them.
const KEY_COLUMNS: &str = "log.idempotency_key, log.idempotency_hash";

impl Recorded {
    fn of(row: &QueryResult) -> Result<Recorded> {
        let text = |place| row.try_get_by_index(COLUMN_COUNT + place).map_err(failed);
        Ok(Recorded { entry: entry_of_result(row)?, key: text(0)?, digest: text(1)? })
    }
}

/// The entries of keys, all of the one caller who records.
#[derive(Default)]
struct Known {
    recorded: HashMap<String, Recorded>,
}

impl Known {
    fn add(&mut self, recorded: Recorded) {
        if let Some(key) = recorded.key.clone() {
            self.recorded.insert(key, recorded);
        }
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
            self.add(Recorded::of(&row)?);
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

/// Inserts in one statement: the drafts travel as one value, whose images are text in it and stay so. What was inserted,
/// in the order of the ids, which is that of the drafts.
async fn insert(dialect: &dyn Dialect, connection: &impl ConnectionTrait, drafts: &[&Draft]) -> Result<Vec<Recorded>> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let keyed = drafts.iter().any(|draft| draft.idempotency_key.is_some());
    let insert = if keyed { dialect.insert_keyed_entries() } else { dialect.insert_entries() };
    // What an INSERT returns has no alias.
    let returned = format!("{COLUMNS}, {KEY_COLUMNS}").replace("log.", "");
    let sql = format!("{insert} RETURNING {returned}");
    let values = Value::Array(drafts.iter().map(|draft| values(draft)).collect()).to_string();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [values.into()]);
    let rows = connection.query_all_raw(statement).await.map_err(failed)?;
    let mut recorded: Vec<Recorded> = rows.iter().map(Recorded::of).collect::<Result<_>>()?;
    recorded.sort_unstable_by_key(|recorded| recorded.entry.id);
    Ok(recorded)
}

fn values(draft: &Draft) -> Value {
    let json = |json: &Option<Json>| json.as_ref().map(|json| json.as_str().to_owned());
    let texts = [
        ("action", Some(draft.action.as_str().to_owned())),
        ("table_name", Some(draft.table_name.clone())),
        ("record_id", draft.record_id.clone()),
        ("user_id", draft.user_id.clone()),
        ("username", draft.username.clone()),
        ("old_values", json(&draft.old_values)),
        ("new_values", json(&draft.new_values)),
        ("description", draft.description.clone()),
        ("ip_address", draft.ip_address.clone()),
        ("correlation_id", draft.correlation_id.clone()),
        ("metadata", json(&draft.metadata)),
        ("recorded_by", draft.recorded_by.clone()),
        ("idempotency_key", draft.idempotency_key.clone()),
        ("idempotency_hash", draft.idempotency_key.as_ref().map(|_| digest(draft))),
    ];
    let mut object: Map<String, Value> =
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))).collect();
    object.insert("trusted".to_owned(), draft.trusted.into());
    Value::Object(object)
}

/// What a draft says, in a few bytes. Each part is preceded by its length, so that no two drafts read the same.
fn digest(draft: &Draft) -> String {
    let json = |json: &Option<crate::audit::Json>| json.as_ref().map(|json| json.as_str().to_owned());
    let parts = [
        Some(draft.action.as_str().to_owned()),
        Some(draft.table_name.clone()),
        draft.record_id.clone(),
        draft.user_id.clone(),
        draft.username.clone(),
        json(&draft.old_values),
        json(&draft.new_values),
        draft.description.clone(),
        draft.ip_address.clone(),
        draft.correlation_id.clone(),
        json(&draft.metadata),
    ];
    let mut hash = Sha256::new();
    for part in parts {
        match part {
            Some(text) => {
                hash.update((text.len() as u64 + 1).to_be_bytes());
                hash.update(text);
            }
            None => hash.update(0u64.to_be_bytes()),
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
