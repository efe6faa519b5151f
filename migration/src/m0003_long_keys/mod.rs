//! Keys of any length: what looks an object up no longer holds the whole of its key.

use sea_orm_migration::prelude::*;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_long_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A log without this index would be too slow to use.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, include_str!("postgres.up.sql"), include_str!("sqlite.up.sql")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, include_str!("postgres.down.sql"), include_str!("sqlite.down.sql")).await
    }
}
