//! Machines of the workshop.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "machines")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// What it is called.
    #[sea_orm(unique)]
    pub name: String,
    /// `lathe`, `mill` or `printer`.
    pub kind: String,
    /// `idle`, `running` or `service`.
    pub status: String,
    /// Who stands at it.
    pub operator: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
