//! Counts over the entries that a filter means.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, NullOrdering};
use sea_orm::{Order, QueryFilter, QueryOrder, QuerySelect, Select};

use super::connect::Database;
use super::dialect::TimeBucket;
use super::error::failed;
use super::filter::Prepared;
use super::log::{Selection, count, find};
use crate::audit::{Action, Error, Filter, Result};
use afterimage_entity::log::{Column, Entity};

async fn select(database: &Database, filter: &Filter) -> Result<Select<Entity>> {
    let prepared = Prepared::of(database.dialect, &database.reader, filter).await?;
    Ok(find(database.dialect).filter(prepared.condition(database.dialect)).select_only())
}

/// How many in all.
///
/// # Errors
/// Where the database fails.
pub async fn total(database: &Database, filter: &Filter) -> Result<i64> {
    count(database, &Selection::of(filter.clone())).await
}

/// How many of each table, the largest first, then by name.
///
/// # Errors
/// Where the database fails.
pub async fn by_table(database: &Database, filter: &Filter, first: u64) -> Result<Vec<(String, i64)>> {
    let counts = select(database, filter)
        .await?
        .column(Column::TableName)
        .column_as(Expr::cust("count(*)"), "count")
        .group_by(Column::TableName)
        .order_by(Expr::cust("count(*)"), Order::Desc)
        .order_by(database.dialect.by_bytes(Column::TableName), Order::Asc)
        .limit(first);
    counts.into_tuple().all(&database.reader).await.map_err(failed)
}

/// How many of each user with the latest name that the user had, the largest first, then by id, nobody last.
///
/// # Errors
/// Where the database fails.
pub async fn by_user(
    database: &Database,
    filter: &Filter,
    first: u64,
) -> Result<Vec<(Option<String>, Option<String>, i64)>> {
    // The user's most recent entry that has a name: a step or two in the index of users.
    let name = format!(
        "(SELECT named.username FROM {} AS named WHERE named.user_id = log.user_id AND named.username IS NOT NULL \
         ORDER BY named.timestamp DESC, named.id DESC LIMIT 1)",
        database.dialect.table("log")
    );
    let counts = select(database, filter)
        .await?
        .column(Column::UserId)
        .column_as(Expr::cust(name), "username")
        .column_as(Expr::cust("count(*)"), "count")
        .group_by(Column::UserId)
        .order_by(Expr::cust("count(*)"), Order::Desc)
        .order_by_with_nulls(database.dialect.by_bytes(Column::UserId), Order::Asc, NullOrdering::Last)
        .limit(first);
    counts.into_tuple().all(&database.reader).await.map_err(failed)
}

/// How many of each action, also of those with no entry.
///
/// # Errors
/// Where the database fails.
pub async fn by_action(database: &Database, filter: &Filter) -> Result<Vec<(Action, i64)>> {
    let counts = select(database, filter)
        .await?
        .column(Column::Action)
        .column_as(Expr::cust("count(*)"), "count")
        .group_by(Column::Action);
    let counts: Vec<(String, i64)> = counts.into_tuple().all(&database.reader).await.map_err(failed)?;
    let of = |action: Action| counts.iter().find(|(name, _)| name == action.as_str()).map_or(0, |(_, count)| *count);
    Ok(Action::ALL.into_iter().map(|action| (action, of(action))).collect())
}

/// How many in each bucket of time, the earliest first, without empty ones.
///
/// # Errors
/// Where the database fails.
pub async fn timeline(database: &Database, filter: &Filter, bucket: TimeBucket) -> Result<Vec<(DateTime<Utc>, i64)>> {
    let start = database.dialect.bucket(bucket);
    let counts = select(database, filter)
        .await?
        .column_as(start.clone(), "start")
        .column_as(Expr::cust("count(*)"), "count")
        .group_by(Expr::cust("1"))
        .order_by(Expr::cust("1"), Order::Asc);
    let counts: Vec<(String, i64)> = counts.into_tuple().all(&database.reader).await.map_err(failed)?;
    counts
        .into_iter()
        .map(|(start, count)| {
            let start = DateTime::parse_from_rfc3339(&start).map_err(Error::internal)?;
            Ok((start.to_utc(), count))
        })
        .collect()
}
