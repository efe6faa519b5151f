//! Beginning a transaction, whatever becomes of who asked for it.

use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, TransactionOptions, TransactionTrait};

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
    let begun = tokio::spawn(async move { pool.begin_with_options(options).await }).await;
    begun.unwrap_or_else(|error| Err(DbErr::Conn(RuntimeErr::Internal(error.to_string()))))
}
