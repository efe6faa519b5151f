//! How many of a product lie in a warehouse.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inventory")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: i32,
    /// The warehouse.
    #[sea_orm(primary_key, auto_increment = false)]
    pub warehouse_id: i32,
    /// Pieces.
    pub quantity: i32,
    /// Where in the warehouse.
    pub shelf: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::products::Entity",
        from = "Column::ProductId",
        to = "super::products::Column::Id",
        on_delete = "Cascade"
    )]
    Product,
    #[sea_orm(
        belongs_to = "super::warehouses::Entity",
        from = "Column::WarehouseId",
        to = "super::warehouses::Column::Id",
        on_delete = "Restrict"
    )]
    Warehouse,
}

impl ActiveModelBehavior for ActiveModel {}
