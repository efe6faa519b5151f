//! One row of the audit log.
//!
//! The JSON columns are read as text and never as a tree: a tree loses digits and reorders keys. The table's real name
//! differs between the databases (`afterimage.log`, `afterimage_log`); the server puts it into each statement and
//! keeps this entity's name as the alias.

use sea_orm::entity::prelude::*;

use crate::text::Text;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "log")]
pub struct Model {
    /// Ascending; given while the changed row is locked, so that it orders the changes of one object.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The life of the database in which `tx` is unique.
    pub era: i64,
    /// The database's number of the transaction; on SQLite `c…` or `s…`, or none.
    #[sea_orm(select_as = "text")]
    pub tx: Option<String>,
    /// When the change was made, by the database's clock.
    pub timestamp: DateTimeUtc,
    /// `CREATE`, `UPDATE`, `DELETE` or `READ`.
    pub action: String,
    /// The table, qualified with its schema where that is not the default one.
    pub table_name: String,
    /// The primary key as text.
    pub record_id: Option<Text>,
    /// The other key, where the change was one of the key.
    pub previous_record_id: Option<Text>,
    /// Who did it, as the application or the caller said.
    pub user_id: Option<Text>,
    /// Their name.
    pub username: Option<Text>,
    /// The image before, as JSON text.
    #[sea_orm(select_as = "text")]
    pub old_values: Option<Text>,
    /// The image after, as JSON text.
    #[sea_orm(select_as = "text")]
    pub new_values: Option<Text>,
    /// Redacted columns that changed: name to the number of recorded fields that stand before it.
    #[sea_orm(select_as = "text")]
    pub redacted: Option<String>,
    /// What the application or the caller said about it.
    pub description: Option<Text>,
    /// The author's network address.
    pub ip_address: Option<Text>,
    /// What ties entries of one request together.
    pub correlation_id: Option<Text>,
    /// Whatever else the application sent, as JSON text.
    #[sea_orm(select_as = "text")]
    pub metadata: Option<Text>,
    /// `TRIGGER`, `API` or `UNDO`.
    pub source: String,
    /// The database role that made the change.
    pub database_role: Option<String>,
    /// The subject of the token that recorded the entry.
    pub recorded_by: Option<String>,
    /// Whether a trigger, an undo or an administrator wrote it.
    pub trusted: bool,
    /// The entry whose change this one reverses.
    pub undo_of: Option<i64>,
    /// What makes a second create by the same caller return the first one's entry.
    pub idempotency_key: Option<String>,
    /// A digest of what came with the key.
    pub idempotency_hash: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
