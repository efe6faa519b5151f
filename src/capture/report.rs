//! What is tracked, what could be, and how the triggers are.

use sea_orm::ConnectionTrait;

use super::table::{Health, Table};
use super::{choice, dispatch};
use crate::audit::Result;
use crate::store::{self, Database, Tracked};

/// A tracked table, and how its triggers are.
#[derive(Clone, Debug)]
pub struct Report {
    /// The table.
    pub tracked: Tracked,
    /// Whether the triggers are those that this server would install.
    pub health: Health,
}

/// The names of the tables that could be tracked, of one schema or of the whole database.
///
/// # Errors
/// BAD_USER_INPUT where a schema is named and the database knows none; where the database fails.
pub async fn list(database: &Database, schema: Option<&str>) -> Result<Vec<String>> {
    dispatch::list(database.kind, &database.reader, schema).await
}

/// What the catalogue says of a table that could be tracked.
///
/// # Errors
/// NOT_FOUND where there is no such table; BAD_USER_INPUT where it cannot be tracked.
pub async fn describe(database: &Database, name: &str) -> Result<Table> {
    dispatch::describe(database.kind, &database.reader, name).await
}

/// The tracked tables, by name, each with its health.
///
/// # Errors
/// Where the database fails.
pub async fn reports(database: &Database) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for tracked in store::tracked_tables(database.dialect, &database.reader).await? {
        let health = health(database, &database.reader, &tracked).await?;
        reports.push(Report { tracked, health });
    }
    Ok(reports)
}

/// How the triggers of a tracked table are. Those of a paused one are missing.
///
/// # Errors
/// Where the database fails.
pub(crate) async fn health(
    database: &Database,
    connection: &impl ConnectionTrait,
    tracked: &Tracked,
) -> Result<Health> {
    match tracked.paused_since {
        Some(_) => Ok(Health::Missing),
        None => dispatch::health(database.kind, connection, tracked, &choice::of(tracked)).await,
    }
}
