//! A migration that is a script for each database, and one for the way back.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// The scripts of one direction; an empty one where a database needs none.
pub struct Scripts {
    pub postgres: &'static str,
    pub sqlite: &'static str,
}

/// The migration.
pub struct Scripted {
    /// What it is remembered by.
    pub name: &'static str,
    pub up: Scripts,
    pub down: Scripts,
}

impl MigrationName for Scripted {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Scripted {
    /// A half-made log is worse than none: all of it or nothing.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.up.run(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.down.run(manager).await
    }
}

impl Scripts {
    /// Runs the one that belongs to the database at hand.
    async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let script = match manager.get_database_backend() {
            DbBackend::Postgres => self.postgres,
            _ => self.sqlite,
        };
        manager.get_connection().execute_unprepared(script).await.map(drop)
    }
}
