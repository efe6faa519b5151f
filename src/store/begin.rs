//! Beginning a transaction, whatever becomes of who asked for it.

use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, TransactionOptions, TransactionTrait};

use super::limit::Limit;

/// Begins a transaction on a connection of the pool.
///
/// In a task of its own: a request may be dropped at any moment, and sqlx (0.9) forgets a BEGIN that was sent and not
/// waited for. The connection would go back to the pool within a transaction that nobody knows of and nobody commits,
/// and what the next one records on it by a single statement would be lost. The task goes on to the end, and what it has
/// begun is rolled back where nobody takes it.
///
/// # Errors
/// Where the database fails.
pub async fn begin(pool: &DatabaseConnection, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
    let pool = pool.clone();
    to_the_end(async move { pool.begin_with_options(options).await }).await
}

/// The same, under a limit.
///
/// # Errors
/// Where the database fails.
pub(super) async fn begin_within(
    limit: &Limit,
    pool: &DatabaseConnection,
    options: TransactionOptions,
) -> Result<DatabaseTransaction, DbErr> {
    let pool = pool.clone();
    to_the_end(limit.over(async move { pool.begin_with_options(options).await })).await
}

async fn to_the_end(
    beginning: impl Future<Output = Result<DatabaseTransaction, DbErr>> + Send + 'static,
) -> Result<DatabaseTransaction, DbErr> {
    let begun = tokio::spawn(beginning).await;
    begun.unwrap_or_else(|error| Err(DbErr::Conn(RuntimeErr::Internal(error.to_string()))))
}
