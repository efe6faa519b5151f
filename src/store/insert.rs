//! Inserting drafts: how they travel to the database, and what it gives them.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Statement, Value};
use serde_json::{Map, Value as JsonValue};
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
        ([draft], Some(insert)) if !keyed => (insert, single(draft)),
        _ if keyed => (dialect.insert_keyed_entries(), vec![together(drafts)]),
        _ => (dialect.insert_entries(), vec![together(drafts)]),
    };
    let sql = format!("{insert} RETURNING {GIVEN_COLUMNS}");
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let rows = connection.query_all_raw(statement).await.map_err(failed)?;
    let mut given: Vec<Given> = rows.iter().map(Given::of_result).collect::<Result<_>>()?;
    given.sort_unstable_by_key(|given| given.id);
    let (with_key, without): (Vec<_>, Vec<_>) = given.into_iter().partition(|given| given.idempotency_key.is_some());
    let mut with_key: HashMap<_, _> =
        with_key.into_iter().map(|mut given| (given.idempotency_key.take(), given)).collect();
    // In the order of the ids, which is that of the drafts.
    let mut without = without.into_iter();
    let entries: Vec<_> = drafts
        .iter()
        .map(|draft| {
            let given = match &draft.idempotency_key {
                key @ Some(_) => with_key.remove(key),
                None => without.next(),
            };
            given.map(|given| draft.recorded(given.id, given.timestamp, given.transaction_id))
        })
        .collect();
    if without.next().is_some() || !with_key.is_empty() {
        return Err(Error::internal("more was recorded than was asked for"));
    }
    Ok(entries)
}

/// The columns that are text, in the order in which [`Dialect::insert_entry`] has them as parameters.
fn texts(draft: &Draft) -> [(&'static str, Option<String>); 12] {
    let json = |json: &Option<Json>| json.as_ref().map(|json| json.as_str().to_owned());
    [
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
    ]
}

/// One draft without a key: each column is a parameter.
fn single(draft: &Draft) -> Vec<Value> {
    let texts = texts(draft).into_iter().map(|(_, text)| Value::from(text));
    texts.chain([Value::from(draft.trusted)]).collect()
}

/// All of them as one parameter.
fn together(drafts: &[&Draft]) -> Value {
    let objects = drafts.iter().map(|draft| {
        let key = draft.idempotency_key.clone();
        let digest = key.as_ref().map(|_| digest(draft));
        let texts = texts(draft).into_iter().chain([("idempotency_key", key), ("idempotency_hash", digest)]);
        let mut object: Map<String, JsonValue> =
            texts.filter_map(|(name, text)| Some((name.to_owned(), JsonValue::String(text?)))).collect();
        object.insert("trusted".to_owned(), draft.trusted.into());
        JsonValue::Object(object)
    });
    JsonValue::Array(objects.collect()).to_string().into()
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
