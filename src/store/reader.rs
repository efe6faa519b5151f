//! The connection for what only reads.
//!
//! A pool of sqlx's asks the database for a sign of life each time a connection is given back, which for a short query
//! costs as much again as the query itself. So a few connections are kept at hand between queries; the pool has them
//! back when they were not needed for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, Statement, TransactionOptions, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor, IntoArguments, Pool};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::begin::begin;

/// Reads. Statements that would write, and transactions, go to the pool itself.
#[derive(Clone)]
pub struct Reader {
    pool: DatabaseConnection,
    /// None where the pool has a single connection, which cannot be kept from others.
    shelf: Option<Arc<dyn Rows>>,
}

impl Reader {
    /// Reads through the pool alone.
    pub(super) fn through(pool: DatabaseConnection) -> Reader {
        Reader { pool, shelf: None }
    }

    /// Keeps some of the pool's connections at hand.
    pub(super) fn keeping(pool: DatabaseConnection, shelf: impl Rows + 'static) -> Reader {
        Reader { pool, shelf: Some(Arc::new(shelf)) }
    }

    /// A transaction.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn begin_with_options(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        begin(&self.pool, options).await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.shelf {
            Some(shelf) => shelf.rows(statement).await,
            None => self.pool.query_all_raw(statement).await,
        }
    }
}

/// Whatever answers a query with rows.
pub(super) trait Rows: Send + Sync {
    /// The rows that a statement returns.
    fn rows(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<QueryResult>, DbErr>>;
}

/// Connections of a pool that are kept at hand.
pub(super) struct Shelf<DB: sqlx::Database> {
    pool: Pool<DB>,
    /// As many as may be in use at a time. Whoever finds none waits here, in turn.
    permits: Semaphore,
    /// Those that are not in use, the one that was used last at the end, each with when that was.
    spare: Mutex<Vec<(PoolConnection<DB>, Instant)>>,
    /// How long one is waited for.
    patience: Duration,
    /// A connection that was used within this time is believed to be alive.
    fresh: Duration,
}

impl<DB: sqlx::Database> Shelf<DB> {
    /// An empty one, for so many connections, which must be fewer than the pool has.
    pub(super) fn new(pool: &Pool<DB>, connections: usize, patience: Duration, fresh: Duration) -> Shelf<DB> {
        let (permits, spare) = (Semaphore::new(connections), Mutex::new(Vec::new()));
        Shelf { pool: pool.clone(), permits, spare, patience, fresh }
    }

    /// Waits until one more may be in use.
    async fn permit(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let waited = Box::pin(timeout(self.patience, self.permits.acquire())).await;
        let permit = waited.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        permit.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    async fn take(&self) -> Result<PoolConnection<DB>, DbErr> {
        if let Some(connection) = self.spare() {
            return Ok(connection);
        }
        // It asks for a sign of life where that is due. In a box, for each query to carry no 13 kB that it seldom needs.
        let taken = Box::pin(self.pool.acquire()).await;
        taken.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
    }

    /// The one that was used last. Those that nobody needed for long go back to the pool.
    fn spare(&self) -> Option<PoolConnection<DB>> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = spare.iter().take_while(|(_, used)| used.elapsed() > self.fresh).count();
        spare.drain(..stale);
        spare.pop().map(|(connection, _)| connection)
    }

    fn put_back(&self, connection: PoolConnection<DB>) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
    }
}

impl<DB: sqlx::Database> Rows for Shelf<DB>
where
    SqlxValues: IntoArguments<DB>,
    QueryResult: From<DB::Row>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    fn rows(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<QueryResult>, DbErr>> {
        Box::pin(async move {
            let Statement { sql, values, .. } = statement;
            let _permit = self.permit().await?;
            let mut connection = self.take().await?;
            let values = SqlxValues(values.unwrap_or(Values(Vec::new())));
            let query = sqlx::query_with(AssertSqlSafe(sql), values);
            // Where this fails, or nobody waits for it any more, the pool has it back and looks after it.
            let rows = query.fetch_all(&mut *connection).await;
            let rows = rows.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))?;
            self.put_back(connection);
            Ok(rows.into_iter().map(QueryResult::from).collect())
        })
    }
}
