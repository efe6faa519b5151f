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
    QueryResult, RuntimeErr, Statement, TransactionOptions, TransactionTrait as _, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor, IntoArguments, Pool};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::begin::begin_within;
use super::error::is_away;
use super::limit::Limit;

/// Reads. Statements that would write, and transactions, go to the pool itself.
#[derive(Clone)]
pub struct Reader {
    pool: DatabaseConnection,
    /// None where the pool has a single connection, which cannot be kept from others.
    shelf: Option<Arc<dyn Rows>>,
    /// How long a statement may take.
    statement_timeout: Duration,
}

impl Reader {
    /// Reads through the pool alone.
    pub(super) fn through(pool: DatabaseConnection, statement_timeout: Duration) -> Reader {
        Reader { pool, shelf: None, statement_timeout }
    }

    /// Keeps some of the pool's connections at hand.
    pub(super) fn keeping(pool: DatabaseConnection, shelf: impl Rows + 'static, statement_timeout: Duration) -> Reader {
        Reader { pool, shelf: Some(Arc::new(shelf)), statement_timeout }
    }

    /// A transaction.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn begin_with_options(&self, options: TransactionOptions) -> Result<ReadTransaction, DbErr> {
        let limit = Limit::new(self.statement_timeout);
        let transaction = begin_within(&limit, &self.pool, options).await?;
        Ok(ReadTransaction { transaction, limit })
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
            None => {
                let limit = Limit::new(self.statement_timeout);
                limit.over(self.pool.query_all_raw(statement)).await
            }
        }
    }
}

/// A transaction for what only reads. Dropped, it ends, whatever it was about.
pub struct ReadTransaction {
    transaction: DatabaseTransaction,
    limit: Limit,
}

impl ReadTransaction {
    /// A part of it, which may fail and be rolled back without an end to the whole.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn attempt(&self) -> Result<DatabaseTransaction, DbErr> {
        self.limit.begin();
        self.transaction.begin().await
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.transaction.commit().await
    }

    /// Ends it after a failure.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for ReadTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.limit.begin();
        self.transaction.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.limit.begin();
        self.transaction.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.limit.begin();
        self.transaction.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.limit.begin();
        self.transaction.query_all_raw(statement).await
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
    /// Those that are not in use, the one that was used last at the end.
    spare: Mutex<Vec<Kept<DB>>>,
    /// When one proved dead.
    doubted: Mutex<Option<Instant>>,
    times: Times,
}

/// How long a shelf waits for what.
pub(super) struct Times {
    /// How long a connection is waited for.
    pub patience: Duration,
    /// A connection that was used within this time is believed to be alive.
    pub fresh: Duration,
    /// How long a statement may take.
    pub statement: Duration,
}

/// A connection, under a limit of its own.
struct Kept<DB: sqlx::Database> {
    // Before the connection: what is dropped in the middle of a statement is to end first, and then given back.
    limit: Limit,
    connection: PoolConnection<DB>,
    used: Instant,
}

impl<DB: sqlx::Database> Shelf<DB> {
    /// An empty one, for so many connections, which must be fewer than the pool has.
    pub(super) fn new(pool: &Pool<DB>, connections: usize, times: Times) -> Shelf<DB> {
        Shelf {
            pool: pool.clone(),
            permits: Semaphore::new(connections),
            spare: Mutex::default(),
            doubted: Mutex::default(),
            times,
        }
    }

    /// Waits until one more may be in use.
    async fn permit(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let waited = Box::pin(timeout(self.times.patience, self.permits.acquire())).await;
        let permit = waited.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        permit.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    async fn take(&self) -> Result<Kept<DB>, DbErr> {
        if let Some(kept) = self.spare() {
            kept.limit.begin();
            return Ok(kept);
        }
        let limit = Limit::new(self.times.statement);
        // As many as the pool may have had before may be dead; after those it is the database that does not answer.
        let mut doubtful = if self.in_doubt() { self.pool.size() } else { 0 };
        let connection = loop {
            // It asks for a sign of life where that is due. In a box, for each query to carry no 13 kB that it seldom needs.
            let connection = Box::pin(limit.over(self.pool.acquire())).await;
            let mut connection = connection.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))?;
            if doubtful == 0 || Box::pin(limit.over(connection.ping())).await.is_ok() {
                break connection;
            }
            doubtful -= 1;
        };
        limit.begin();
        Ok(Kept { limit, connection, used: Instant::now() })
    }

    /// The one that was used last. Those that nobody needed for long go back to the pool.
    fn spare(&self) -> Option<Kept<DB>> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = spare.iter().take_while(|kept| kept.used.elapsed() > self.times.fresh).count();
        spare.drain(..stale);
        spare.pop()
    }

    /// One has proved dead, and as a rule they all are: those that are kept here go back to the pool, and whichever comes
    /// from there is asked for a sign of life, however lately it was used.
    fn doubt(&self) {
        *self.doubted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn in_doubt(&self) -> bool {
        let doubted = *self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        doubted.is_some_and(|doubted| doubted.elapsed() < self.times.fresh)
    }

    fn put_back(&self, kept: Kept<DB>) {
        let kept = Kept { used: Instant::now(), ..kept };
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
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
            let mut kept = self.take().await?;
            let values = SqlxValues(values.unwrap_or(Values(Vec::new())));
            let query = sqlx::query_with(AssertSqlSafe(sql), values);
            // Where this fails, or nobody waits for it any more, the pool has it back and looks after it.
            let rows = query.fetch_all(&mut *kept.connection).await.map_err(|error| {
                if is_away(&error) {
                    self.doubt();
                }
                DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
            })?;
            self.put_back(kept);
            Ok(rows.into_iter().map(QueryResult::from).collect())
        })
    }
}
