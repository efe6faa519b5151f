//! A table whose changes are captured. The table's real name differs between the databases, as that of the log does.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tracked_table")]
pub struct Model {
    /// The name under which its entries are filed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub table_name: String,
    /// PostgreSQL's object identifier of the table; none on SQLite.
    pub relation: Option<i64>,
    /// The key's columns in key order, as a JSON array.
    #[sea_orm(select_as = "text")]
    pub primary_key: String,
    /// The columns in table order when capture was installed, as a JSON array.
    #[sea_orm(select_as = "text")]
    pub columns: String,
    /// Columns whose values are never recorded, as a JSON array.
    #[sea_orm(select_as = "text")]
    pub redacted_columns: String,
    /// Columns that are not captured at all, as a JSON array.
    #[sea_orm(select_as = "text")]
    pub ignored_columns: String,
    /// PostgreSQL's numbers of those two lists' columns by their names, as a JSON object; empty on SQLite.
    #[sea_orm(select_as = "text")]
    pub hidden_numbers: String,
    /// Since when.
    pub tracked_since: DateTimeUtc,
    /// Whether writes that carry no user are refused.
    pub requires_user: bool,
    /// Since when its triggers are taken off; none while they are on.
    pub paused_since: Option<DateTimeUtc>,
    /// When its triggers were last known to be what they should be.
    pub whole_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
