//! What is stored.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Stock-keeping unit.
    #[sea_orm(unique)]
    pub sku: String,
    /// Name.
    pub name: String,
    /// Price in cents.
    pub price_cents: i64,
    /// Weight, where it was taken.
    pub weight_grams: Option<i32>,
    /// Whether it is still sold.
    pub discontinued: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
