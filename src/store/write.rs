//! A transaction of the server's own that writes.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, TransactionTrait, Value};

use super::connect::Database;
use super::error::failed;
use crate::audit::{Action, Result};

/// What the server says of the changes that it makes: who asked for them, and why. The entries that the triggers write
/// carry it, with the source UNDO.
#[derive(Clone, Debug, Default)]
pub struct ServerContext {
    /// The caller.
    pub user_id: Option<String>,
    /// The caller's name.
    pub username: Option<String>,
    /// The reason given.
    pub description: Option<String>,
    /// The caller's address.
    pub ip_address: Option<String>,
    /// What ties it to other entries.
    pub correlation_id: Option<String>,
    /// Whatever else, as JSON.
    pub metadata: Option<String>,
    /// The subject of the token.
    pub recorded_by: Option<String>,
}

/// A transaction that writes; dropped, it leaves nothing behind.
pub struct Write<'a> {
    /// The transaction, for statements.
    pub transaction: DatabaseTransaction,
    database: &'a Database,
    /// Whether there is a context to leave: most transactions record entries and have none.
    acted: AtomicBool,
}

impl<'a> Write<'a> {
    /// Begins.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn begin(database: &'a Database) -> Result<Write<'a>> {
        let options = database.dialect.write_options();
        let transaction = database.writer.begin_with_options(options).await.map_err(failed)?;
        for statement in database.dialect.open_write() {
            transaction.execute_unprepared(statement).await.map_err(failed)?;
        }
        Ok(Write { transaction, database, acted: AtomicBool::new(false) })
    }

    /// From here on the triggers record the changes as the server's own.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn act_as(&self, context: &ServerContext) -> Result<()> {
        let values = [
            &context.user_id,
            &context.username,
            &context.description,
            &context.ip_address,
            &context.correlation_id,
            &context.metadata,
            &context.recorded_by,
        ];
        self.acted.store(true, Ordering::Relaxed);
        self.run(self.database.dialect.enter_context(), values.map(|value| value.clone().into())).await
    }

    /// A change that is to come, of this row and by this action, reverses that of the entry.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn reverses(&self, table: &str, record_id: &str, action: Action, entry: i64) -> Result<()> {
        let values: [Value; 4] = [table.into(), record_id.into(), action.as_str().into(), entry.into()];
        self.run(self.database.dialect.reverses(), values).await
    }

    /// Commits.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn commit(self) -> Result<()> {
        let dialect = self.database.dialect;
        let leave = if self.acted.load(Ordering::Relaxed) { dialect.leave_context() } else { &[] };
        for statement in leave.iter().chain(dialect.close_write()) {
            self.transaction.execute_unprepared(statement).await.map_err(failed)?;
        }
        self.transaction.commit().await.map_err(failed)
    }

    async fn run(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<()> {
        let statement = Statement::from_sql_and_values(self.transaction.get_database_backend(), sql, values);
        self.transaction.execute_raw(statement).await.map(drop).map_err(failed)
    }
}

/// Removes a context that a writer left behind, so that no one else's changes are recorded under its user; whether there
/// was one.
///
/// # Errors
/// Where the database fails.
pub async fn remove_left_behind(database: &Database) -> Result<bool> {
    let Some(sql) = database.dialect.left_behind() else { return Ok(false) };
    let look = Statement::from_string(database.reader.get_database_backend(), sql);
    let found = database.reader.query_one_raw(look).await.map_err(failed)?.is_some();
    if found {
        // A writing transaction begins by removing what was left behind.
        Write::begin(database).await?.commit().await?;
    }
    Ok(found)
}
