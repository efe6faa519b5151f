//! How PostgreSQL records the changes of a table that was altered since it was tracked, and rows that move between
//! partitions. SQLite needs none of it.

use sea_orm_migration::prelude::*;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_fallback"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All of it or nothing.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = concat!(
            include_str!("shape.sql"),
            include_str!("recording.sql"),
            include_str!("moves.sql"),
            include_str!("mended.sql"),
        );
        crate::run(manager, postgres, "").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, include_str!("postgres.down.sql"), "").await
    }
}
