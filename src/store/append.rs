//! Recording entries that the server itself writes.

use sea_orm::sea_query::{Alias, Expr, IntoIden, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};
use sha2::{Digest, Sha256};

use super::dialect::Dialect;
use super::error::failed;
use super::log::{by_ids, find};
use super::write::Write;
use crate::audit::{Draft, Entry, Error, Result, Source};
use afterimage_entity::log::Column;

const COLUMNS: [Column; 16] = [
    Column::Action,
    Column::TableName,
    Column::RecordId,
    Column::UserId,
    Column::Username,
    Column::OldValues,
    Column::NewValues,
    Column::Description,
    Column::IpAddress,
    Column::CorrelationId,
    Column::Metadata,
    Column::Source,
    Column::RecordedBy,
    Column::Trusted,
    Column::IdempotencyKey,
    Column::IdempotencyHash,
];

/// Records entries, all in the one transaction, and gives them back in the order of the drafts. A draft with the key of an entry that the same caller recorded before
/// brings that entry back, and records nothing.
///
/// # Errors
/// CONFLICT where a key came before with other contents.
pub async fn append(dialect: &dyn Dialect, write: &Write<'_>, drafts: &[Draft]) -> Result<Vec<Entry>> {
    if drafts.iter().all(|draft| draft.idempotency_key.is_none()) {
        let ids = insert(dialect, write, drafts).await?;
        return in_order(dialect, write, ids).await;
    }
    // One by one: which of several was there before cannot be told from what one statement returns.
    let mut ids = Vec::with_capacity(drafts.len());
    for draft in drafts {
        ids.push(append_once(dialect, write, draft).await?);
    }
    in_order(dialect, write, ids).await
}

async fn append_once(dialect: &dyn Dialect, write: &Write<'_>, draft: &Draft) -> Result<i64> {
    if let Some(id) = recorded_before(dialect, write, draft).await? {
        return Ok(id);
    }
    if let Some(id) = insert(dialect, write, std::slice::from_ref(draft)).await?.first() {
        return Ok(*id);
    }
    // Nothing was inserted: another transaction committed the same key in between.
    recorded_before(dialect, write, draft)
        .await?
        .ok_or_else(|| Error::internal("an entry was neither recorded nor found by its key"))
}

async fn recorded_before(dialect: &dyn Dialect, write: &Write<'_>, draft: &Draft) -> Result<Option<i64>> {
    let Some(key) = &draft.idempotency_key else { return Ok(None) };
    let select =
        find(dialect).filter(Column::RecordedBy.eq(draft.recorded_by.clone())).filter(Column::IdempotencyKey.eq(key));
    let Some(row) = select.one(&write.transaction).await.map_err(failed)? else { return Ok(None) };
    if row.idempotency_hash.as_deref() != Some(&digest(draft)) {
        return Err(Error::conflict(format!(
            "the idempotency key {key:?} came before with other contents; entry {} has them",
            row.id
        )));
    }
    Ok(Some(row.id))
}

/// The ids of the new rows, ascending, which is the order of the drafts.
async fn insert(dialect: &dyn Dialect, write: &Write<'_>, drafts: &[Draft]) -> Result<Vec<i64>> {
    let mut insert = Query::insert();
    match dialect.table("log").split_once('.') {
        Some((schema, table)) => insert.into_table((Alias::new(schema), Alias::new(table))),
        None => insert.into_table(Alias::new(dialect.table("log"))),
    };
    let number = dialect.transaction_number();
    let mut columns: Vec<_> = COLUMNS.iter().map(|column| column.into_iden()).collect();
    columns.extend(number.iter().map(|_| Column::Tx.into_iden()));
    insert.columns(columns);
    for draft in drafts {
        let json = |json: &Option<crate::audit::Json>| dialect.json(json.as_ref().map(|json| json.as_str().to_owned()));
        let mut values: Vec<Expr> = vec![
            draft.action.as_str().into(),
            draft.table_name.clone().into(),
            draft.record_id.clone().into(),
            draft.user_id.clone().into(),
            draft.username.clone().into(),
            json(&draft.old_values),
            json(&draft.new_values),
            draft.description.clone().into(),
            draft.ip_address.clone().into(),
            draft.correlation_id.clone().into(),
            json(&draft.metadata),
            Source::Api.as_str().into(),
            draft.recorded_by.clone().into(),
            draft.trusted.into(),
            draft.idempotency_key.clone().into(),
            draft.idempotency_key.as_ref().map(|_| digest(draft)).into(),
        ];
        values.extend(number.clone());
        insert.values(values).map_err(Error::internal)?;
    }
    insert.on_conflict(sea_orm::sea_query::OnConflict::new().do_nothing().to_owned());
    insert.returning_col(Column::Id);
    let statement = write.transaction.get_database_backend().build(&insert);
    let rows = write.transaction.query_all_raw(statement).await.map_err(failed)?;
    let mut ids: Vec<i64> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>().map_err(failed)?;
    ids.sort_unstable();
    Ok(ids)
}

async fn in_order(dialect: &dyn Dialect, write: &Write<'_>, ids: Vec<i64>) -> Result<Vec<Entry>> {
    let entries = by_ids(dialect, &write.transaction, ids.iter().copied()).await?;
    ids.iter()
        .map(|id| {
            let found = entries.iter().find(|entry| entry.id == *id).cloned();
            found.ok_or_else(|| Error::internal(format!("entry {id} was recorded and is not there")))
        })
        .collect()
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
