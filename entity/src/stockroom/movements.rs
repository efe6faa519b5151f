//! One product that moves.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "movements")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The booking that it belongs to.
    pub transaction_id: i32,
    /// The product.
    pub product_id: i32,
    /// Where it left.
    pub from_warehouse_id: Option<i32>,
    /// Where it arrived.
    pub to_warehouse_id: Option<i32>,
    /// Pieces.
    pub quantity: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::transactions::Entity",
        from = "Column::TransactionId",
        to = "super::transactions::Column::Id",
        on_delete = "Cascade"
    )]
    Transaction,
    #[sea_orm(
        belongs_to = "super::products::Entity",
        from = "Column::ProductId",
        to = "super::products::Column::Id",
        on_delete = "Restrict"
    )]
    Product,
    #[sea_orm(
        belongs_to = "super::warehouses::Entity",
        from = "Column::FromWarehouseId",
        to = "super::warehouses::Column::Id",
        on_delete = "SetNull"
    )]
    FromWarehouse,
    #[sea_orm(
        belongs_to = "super::warehouses::Entity",
        from = "Column::ToWarehouseId",
        to = "super::warehouses::Column::Id",
        on_delete = "SetNull"
    )]
    ToWarehouse,
}

impl ActiveModelBehavior for ActiveModel {}
