//! Inserting drafts: how they travel to the database, and what it gives them.

use sea_orm::{ConnectionTrait, Statement, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::dialect::Dialect;
use super::error::failed;
use super::row::{GIVEN_COLUMNS, Given};
use crate::audit::{Draft, Entry, Error, Json, Result};

/// Inserts the drafts in one statement, and gives back the entries that they have become, in their order; none for one
/// whose key another transaction has recorded meanwhile.
///
/// The database stores a draft's texts as they are, images too. So only what it adds comes back.
pub(super) async fn insert(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    drafts: &[&Draft],
) -> Result<Vec<Option<Entry>>> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let keyed = drafts.iter().any(|draft| draft.idempotency_key.is_some());
    let (insert, values) = match (drafts, dialect.insert_entry()) {
        ([draft], Some(insert)) if !keyed => (insert, Columns::of(draft).parameters()),
        _ if keyed => (dialect.insert_keyed_entries(), vec![together(drafts)?]),
        _ => (dialect.insert_entries(), vec![together(drafts)?]),
    };
    let sql = format!("{insert} RETURNING {GIVEN_COLUMNS}");
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let rows = connection.query_all_raw(statement).await.map_err(failed)?;
    let mut given: Vec<Given> = rows.iter().map(Given::of_result).collect::<Result<_>>()?;
    // The order of the ids is that of the drafts, and no key comes twice.
    given.sort_unstable_by_key(|given| given.id);
    let mut given = given.into_iter().peekable();
    let entry = |draft: &&Draft| {
        let given = given.next_if(|given| given.idempotency_key == draft.idempotency_key)?;
        Some(draft.recorded(given.id, given.timestamp, given.transaction_id))
    };
    let entries = drafts.iter().map(entry).collect();
    match given.next() {
        Some(_) => Err(Error::internal("entries were recorded in another order than was asked for")),
        None => Ok(entries),
    }
}

/// The columns of a draft, as [`Dialect::insert_entries`] reads them.
#[derive(Serialize)]
struct Columns<'a> {
    action: &'static str,
    table_name: &'a str,
    record_id: Option<&'a str>,
    user_id: Option<&'a str>,
    username: Option<&'a str>,
    old_values: Option<&'a str>,
    new_values: Option<&'a str>,
    description: Option<&'a str>,
    ip_address: Option<&'a str>,
    correlation_id: Option<&'a str>,
    metadata: Option<&'a str>,
    recorded_by: Option<&'a str>,
    trusted: bool,
    idempotency_key: Option<&'a str>,
    idempotency_hash: Option<String>,
}

impl<'a> Columns<'a> {
    fn of(draft: &'a Draft) -> Self {
        Columns {
            action: draft.action.as_str(),
            table_name: &draft.table_name,
            record_id: draft.record_id.as_deref(),
            user_id: draft.user_id.as_deref(),
            username: draft.username.as_deref(),
            old_values: draft.old_values.as_ref().map(Json::as_str),
            new_values: draft.new_values.as_ref().map(Json::as_str),
            description: draft.description.as_deref(),
            ip_address: draft.ip_address.as_deref(),
            correlation_id: draft.correlation_id.as_deref(),
            metadata: draft.metadata.as_ref().map(Json::as_str),
            recorded_by: draft.recorded_by.as_deref(),
            trusted: draft.trusted,
            idempotency_key: draft.idempotency_key.as_deref(),
            idempotency_hash: draft.idempotency_key.as_ref().map(|_| digest(draft)),
        }
    }

    /// Those of a draft without a key, in the order in which [`Dialect::insert_entry`] has them as parameters.
    fn parameters(&self) -> Vec<Value> {
        let texts = [
            Some(self.action),
            Some(self.table_name),
            self.record_id,
            self.user_id,
            self.username,
            self.old_values,
            self.new_values,
            self.description,
            self.ip_address,
            self.correlation_id,
            self.metadata,
            self.recorded_by,
        ];
        texts.into_iter().map(Value::from).chain([Value::from(self.trusted)]).collect()
    }
}

/// All of them as one parameter, in which images are text, and stay so.
fn together(drafts: &[&Draft]) -> Result<Value> {
    let columns: Vec<_> = drafts.iter().map(|draft| Columns::of(draft)).collect();
    serde_json::to_string(&columns).map(Value::from).map_err(Error::internal)
}

/// What a draft says, in a few bytes. Each part is preceded by its length, so that no two drafts read the same.
pub(super) fn digest(draft: &Draft) -> String {
    let json = |json: &Option<Json>| json.as_ref().map(|json| json.as_str().to_owned());
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
