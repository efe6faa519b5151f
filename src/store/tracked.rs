//! Which tables are tracked, and how.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, Expr, IntoTableRef, OnConflict, Query, TableRef};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, Select};

use super::dialect::Dialect;
use super::error::failed;
use crate::audit::{Error, Result};
use afterimage_entity::tracked_table::{Column, Entity, Model};

/// A table whose changes are captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The name under which its entries are filed.
    pub table_name: String,
    /// PostgreSQL's object identifier.
    pub relation: Option<i64>,
    /// The key's columns.
    pub primary_key: Vec<String>,
    /// The columns when capture was installed.
    pub columns: Vec<String>,
    /// Columns whose values are never recorded.
    pub redacted_columns: Vec<String>,
    /// Columns that are not captured.
    pub ignored_columns: Vec<String>,
    /// PostgreSQL's numbers of the hidden columns, by the names that they had when capture was installed.
    pub hidden_numbers: BTreeMap<String, i32>,
    /// Since when.
    pub tracked_since: DateTime<Utc>,
    /// Whether writes that carry no user are refused.
    pub requires_user: bool,
    /// Since when capture is paused; none while it is not.
    pub paused_since: Option<DateTime<Utc>>,
    /// When the triggers were last known to be what they should be: a gap can have begun only after it.
    pub whole_at: DateTime<Utc>,
}

fn table(dialect: &dyn Dialect) -> TableRef {
    match dialect.table("tracked_table").split_once('.') {
        Some((schema, table)) => (Alias::new(schema), Alias::new(table)).into_table_ref(),
        None => Alias::new(dialect.table("tracked_table")).into_table_ref(),
    }
}

fn find(dialect: &dyn Dialect) -> Select<Entity> {
    let mut select = Entity::find();
    sea_orm::QuerySelect::query(&mut select).from_clear().from(table(dialect).alias("tracked_table"));
    select
}

/// All tracked tables, by name.
///
/// # Errors
/// Where the database fails.
pub async fn tracked_tables(dialect: &dyn Dialect, connection: &impl ConnectionTrait) -> Result<Vec<Tracked>> {
    let select = find(dialect).order_by(Column::TableName, Order::Asc);
    select.all(connection).await.map_err(failed)?.into_iter().map(of_row).collect()
}

/// A table whose changes are captured now: none where it is not tracked, or where its capture is paused.
///
/// # Errors
/// Where the database fails.
pub async fn tracked(dialect: &dyn Dialect, connection: &impl ConnectionTrait, name: &str) -> Result<Option<Tracked>> {
    Ok(tracked_or_paused(dialect, connection, name).await?.filter(|tracked| tracked.paused_since.is_none()))
}

/// A tracked table, also one whose capture is paused.
///
/// # Errors
/// Where the database fails.
pub async fn tracked_or_paused(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<Tracked>> {
    let select = find(dialect).filter(Column::TableName.eq(name));
    select.one(connection).await.map_err(failed)?.map(of_row).transpose()
}

/// Stores how a table is tracked; since when is kept where it was tracked before.
///
/// # Errors
/// Where the database fails.
pub async fn save_tracked(dialect: &dyn Dialect, connection: &impl ConnectionTrait, tracked: &Tracked) -> Result<()> {
    let json = |list: &[String]| dialect.json(Some(serde_json::Value::from(list).to_string()));
    let numbers = tracked.hidden_numbers.iter().map(|(name, number)| (name.clone(), (*number).into()));
    let numbers = serde_json::Value::Object(numbers.collect());
    let instant = |instant: Option<DateTime<Utc>>| match instant {
        Some(instant) => dialect.instant(instant),
        None => Expr::cust("NULL"),
    };
    let changeable = [
        Column::Relation,
        Column::PrimaryKey,
        Column::Columns,
        Column::RedactedColumns,
        Column::IgnoredColumns,
        Column::HiddenNumbers,
        Column::RequiresUser,
        Column::PausedSince,
        Column::WholeAt,
    ];
    let insert = Query::insert()
        .into_table(table(dialect))
        .columns([Column::TableName, Column::TrackedSince].into_iter().chain(changeable))
        .values([
            tracked.table_name.clone().into(),
            instant(Some(tracked.tracked_since)),
            tracked.relation.into(),
            json(&tracked.primary_key),
            json(&tracked.columns),
            json(&tracked.redacted_columns),
            json(&tracked.ignored_columns),
            dialect.json(Some(numbers.to_string())),
            tracked.requires_user.into(),
            instant(tracked.paused_since),
            instant(Some(tracked.whole_at)),
        ])
        .map_err(Error::internal)?
        .on_conflict(OnConflict::column(Column::TableName).update_columns(changeable).to_owned())
        .take();
    let statement = connection.get_database_backend().build(&insert);
    connection.execute_raw(statement).await.map(drop).map_err(failed)
}

/// The triggers of all tables were seen to be what they should be, but for those of `except` and of those that are
/// paused.
///
/// # Errors
/// Where the database fails.
pub async fn save_whole(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    at: DateTime<Utc>,
    except: &[String],
) -> Result<()> {
    let update = Query::update()
        .table(table(dialect))
        .value(Column::WholeAt, dialect.instant(at))
        .and_where(Expr::col(Column::PausedSince).is_null())
        .and_where(Expr::col(Column::TableName).is_not_in(except))
        .take();
    let statement = connection.get_database_backend().build(&update);
    connection.execute_raw(statement).await.map(drop).map_err(failed)
}

/// Forgets a tracked table.
///
/// # Errors
/// Where the database fails.
pub async fn forget_tracked(dialect: &dyn Dialect, connection: &impl ConnectionTrait, name: &str) -> Result<()> {
    let delete = Query::delete().from_table(table(dialect)).and_where(Expr::col(Column::TableName).eq(name)).take();
    let statement = connection.get_database_backend().build(&delete);
    connection.execute_raw(statement).await.map(drop).map_err(failed)
}

fn of_row(row: Model) -> Result<Tracked> {
    let list = |text: String| serde_json::from_str::<Vec<String>>(&text).map_err(Error::internal);
    Ok(Tracked {
        table_name: row.table_name,
        relation: row.relation,
        primary_key: list(row.primary_key)?,
        columns: list(row.columns)?,
        redacted_columns: list(row.redacted_columns)?,
        ignored_columns: list(row.ignored_columns)?,
        hidden_numbers: serde_json::from_str(&row.hidden_numbers).map_err(Error::internal)?,
        tracked_since: row.tracked_since,
        requires_user: row.requires_user,
        paused_since: row.paused_since,
        whole_at: row.whole_at.unwrap_or(row.tracked_since),
    })
}
