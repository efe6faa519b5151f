//! The schema of the log itself, one migration a file, each with its way back.
//!
//! On PostgreSQL everything lives in the schema `afterimage`; on SQLite in the main database under the prefix
//! `afterimage_`. A migration never imports the entities, so that an old one never changes its meaning; what the two
//! databases do differently stands in the `.sql` files beside it.

use sea_orm_migration::prelude::*;

pub use sea_orm_migration::IntoSchemaManagerConnection;
pub use sea_orm_migration::migrator::{MigrationStatus, MigratorTrait};

mod m0001_log;
mod m0002_fallback;
mod m0003_long_keys;
mod m0004_options;
mod m0005_cheap_capture;
mod m0006_rollup;
mod m0007_cheap_checks;
mod m0008_hidden_columns;
mod m0009_fewer_indexes;
mod m0010_cheap_context;
mod scripted;

/// Runs the migrations of Afterimage's own tables.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_log::MIGRATION),
            Box::new(m0002_fallback::MIGRATION),
            Box::new(m0003_long_keys::MIGRATION),
            Box::new(m0004_options::MIGRATION),
            Box::new(m0005_cheap_capture::MIGRATION),
            Box::new(m0006_rollup::MIGRATION),
            Box::new(m0007_cheap_checks::MIGRATION),
            Box::new(m0008_hidden_columns::MIGRATION),
            Box::new(m0009_fewer_indexes::MIGRATION),
            Box::new(m0010_cheap_context::MIGRATION),
        ]
    }

    /// Not `seaql_migrations`: that name belongs to the user's own application, where it uses SeaORM.
    fn migration_table_name() -> DynIden {
        Alias::new("afterimage_migrations").into_iden()
    }
}
