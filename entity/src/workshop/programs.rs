//! Programs that a machine can run.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "programs")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// The machine that it belongs to.
    pub machine_id: i32,
    /// Name.
    pub name: String,
    /// What the machine reads.
    pub code: String,
    /// Raised with each change of the code.
    pub revision: i32,
    /// How long it runs.
    pub minutes: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::machines::Entity",
        from = "Column::MachineId",
        to = "super::machines::Column::Id",
        on_delete = "Cascade"
    )]
    Machine,
}

impl ActiveModelBehavior for ActiveModel {}
