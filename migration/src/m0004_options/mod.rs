//! What can be chosen for a tracked table beyond its hidden columns; when its capture was paused; and when its triggers
//! were last seen to be what they should be.

use sea_orm_migration::prelude::*;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_options"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
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
