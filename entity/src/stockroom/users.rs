//! People who work in the stockroom.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Login name.
    #[sea_orm(unique)]
    pub username: String,
    /// Name in full.
    pub full_name: String,
    /// Address.
    pub email: String,
    /// What the demo redacts.
    pub password_hash: String,
    /// `clerk`, `manager` or `driver`.
    pub role: String,
    /// Whether they may log in.
    pub active: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
