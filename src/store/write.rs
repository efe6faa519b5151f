//! A transaction of the server's own that writes.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::sea_query::{Alias, Expr, IntoTableRef, Query, TableRef};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

use super::begin::begin;
use super::connect::Database;
use super::error::{failed, not_begun};
use crate::audit::{Action, Error, Result};

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

/// A change that is to come, and the entry whose change it takes back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reversal {
    /// The table of the row that changes.
    pub table_name: String,
    /// Its key, as the log will tell it.
    pub record_id: String,
    /// How the log will call the change.
    pub action: Action,
    /// The entry that is reversed.
    pub entry: i64,
}

/// How many rows go into one statement.
const AT_ONCE: usize = 500;

fn table_ref(name: &str) -> TableRef {
    match name.split_once('.') {
        Some((schema, table)) => (Alias::new(schema), Alias::new(table)).into_table_ref(),
        None => Alias::new(name).into_table_ref(),
    }
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
        let transaction = begin(&database.writer, options).await.map_err(not_begun)?;
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

    /// The changes that are to come next reverse entries: each names its row, its action, and the entry. No two are of one
    /// row and one action.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn reverses(&self, reversals: &[Reversal]) -> Result<()> {
        for some in reversals.chunks(AT_ONCE) {
            let mut insert = Query::insert();
            insert
                .into_table(table_ref(&self.database.dialect.table("server_undo")))
                .columns(["table_name", "record_id", "action", "undo_of"].map(Alias::new));
            for reversal in some {
                let Reversal { table_name, record_id, action, entry } = reversal;
                let values: [Value; 4] = [table_name.into(), record_id.into(), action.as_str().into(), (*entry).into()];
                insert.values(values.map(Expr::val)).map_err(Error::internal)?;
            }
            let statement = self.transaction.get_database_backend().build(&insert);
            self.transaction.execute_raw(statement).await.map_err(failed)?;
        }
        Ok(())
    }

    /// What changes from here on reverses nothing, until it is said again.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn reverses_no_more(&self) -> Result<()> {
        self.run(self.database.dialect.reverses_no_more(), []).await
    }

    /// Takes all of it back.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn roll_back(self) -> Result<()> {
        self.transaction.rollback().await.map_err(failed)
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
