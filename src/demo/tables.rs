//! The tables of the two sample worlds. They exist only where the demo, or a test, puts them.

use afterimage_entity::stockroom::{inventory, movements, products, transactions, users, warehouses};
use afterimage_entity::workshop::{machines, programs};
use sea_orm::{ConnectionTrait, EntityTrait, Schema};

use crate::audit::Result;
use crate::store::{Database, failed};

/// The tables of the stockroom, parents before their children.
pub const STOCKROOM: [&str; 6] = ["users", "warehouses", "products", "inventory", "transactions", "movements"];

/// The tables of the workshop, parents before their children.
pub const WORKSHOP: [&str; 2] = ["machines", "programs"];

/// All sample tables, parents before their children.
pub const TABLES: [&str; 8] =
    ["users", "warehouses", "products", "inventory", "transactions", "movements", "machines", "programs"];

/// Makes the tables of both worlds, with real foreign keys between them.
///
/// # Errors
/// Where the database fails, or one of them is there already.
pub async fn create_tables(database: &Database) -> Result<()> {
    create(database, users::Entity).await?;
    create(database, warehouses::Entity).await?;
    create(database, products::Entity).await?;
    create(database, inventory::Entity).await?;
    create(database, transactions::Entity).await?;
    create(database, movements::Entity).await?;
    create(database, machines::Entity).await?;
    create(database, programs::Entity).await
}

async fn create(database: &Database, entity: impl EntityTrait) -> Result<()> {
    let backend = database.writer.get_database_backend();
    let statement = Schema::new(backend).create_table_from_entity(entity);
    database.writer.execute(&statement).await.map(drop).map_err(failed)
}
