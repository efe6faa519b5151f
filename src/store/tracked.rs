//! Which tables are tracked, and how.

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
    /// Since when. The database says so when the table is first saved.
    pub tracked_since: DateTime<Utc>,
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

/// One tracked table.
///
/// # Errors
/// Where the database fails.
pub async fn tracked(dialect: &dyn Dialect, connection: &impl ConnectionTrait, name: &str) -> Result<Option<Tracked>> {
    let select = find(dialect).filter(Column::TableName.eq(name));
    select.one(connection).await.map_err(failed)?.map(of_row).transpose()
}

/// Stores how a table is tracked; since when is kept where it was tracked before.
///
/// # Errors
/// Where the database fails.
pub async fn save_tracked(dialect: &dyn Dialect, connection: &impl ConnectionTrait, tracked: &Tracked) -> Result<()> {
    let json = |list: &[String]| dialect.json(Some(serde_json::Value::from(list).to_string()));
    let changeable =
        [Column::Relation, Column::PrimaryKey, Column::Columns, Column::RedactedColumns, Column::IgnoredColumns];
    let insert = Query::insert()
        .into_table(table(dialect))
        .columns([Column::TableName].into_iter().chain(changeable))
        .values([
            tracked.table_name.clone().into(),
            tracked.relation.into(),
            json(&tracked.primary_key),
            json(&tracked.columns),
            json(&tracked.redacted_columns),
            json(&tracked.ignored_columns),
        ])
        .map_err(Error::internal)?
        .on_conflict(OnConflict::column(Column::TableName).update_columns(changeable).to_owned())
        .take();
    let statement = connection.get_database_backend().build(&insert);
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
        tracked_since: row.tracked_since,
    })
}
