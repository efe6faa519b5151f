//! Connecting, and bringing the log's own tables up to date.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use afterimage_migration::{IntoSchemaManagerConnection, Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr, Statement};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::Notify;

use super::begin::begin;
use super::dialect::Dialect;
use super::error::failed;
use super::postgres::Postgres;
use super::postgres::roles::{GRANT_CAPTURE, GRANT_RUNTIME, RUNTIME_ROLES};
use super::reader::{Reader, Shelf, Times};
use super::single::Singles;
use super::sqlite::{Sqlite, interrupt_at_limits};
use crate::audit::{Code, Error, Result};

/// Which database holds the log. Each room that does things differently on the two asks this at one place, and nowhere
/// else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL 14 or later.
    Postgres,
    /// SQLite, embedded.
    Sqlite,
}

/// The user's database, and how its SQL is spoken.
#[derive(Clone)]
pub struct Database {
    /// For what only reads.
    pub reader: Reader,
    /// For what writes. On SQLite, which has one writer at a time, a single connection.
    pub writer: DatabaseConnection,
    /// Which database it is.
    pub kind: Kind,
    /// The SQL of the log.
    pub dialect: &'static dyn Dialect,
    /// Single entries.
    pub(super) singles: Arc<Singles>,
    /// Tells who keeps the counters that much is left to be counted.
    pub(super) folding: Arc<Notify>,
}

/// PostgreSQL connections at the most.
const POSTGRES_CONNECTIONS: u32 = 16;
/// As many of them as read single pages and entries; the others are for transactions.
const POSTGRES_READERS: usize = 10;
/// SQLite connections that read.
const SQLITE_CONNECTIONS: u32 = 6;
/// As many of them as read single pages and entries; the others are for transactions.
const SQLITE_READERS: usize = 4;
/// How long a request waits for a free connection, or SQLite for another writer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection that was used within this time is believed to be alive.
const FRESH: Duration = Duration::from_secs(10);

impl Database {
    /// Connects to the database of a URL: `postgres://…` or `sqlite://…`. A statement that runs longer than
    /// `statement_timeout` is cancelled by the database: any on PostgreSQL, one that reads on SQLite.
    ///
    /// # Errors
    /// BAD_USER_INPUT where the URL is neither; UNAVAILABLE where the database does not answer.
    pub async fn connect(url: &str, statement_timeout: Duration) -> Result<Database> {
        let times = Times { patience: PATIENCE, fresh: FRESH, statement: statement_timeout };
        match Kind::of_url(url)? {
            Kind::Postgres => {
                let mut options = postgres_options(url)?;
                options.max_connections(POSTGRES_CONNECTIONS).statement_timeout(statement_timeout);
                let pool = open(options).await?;
                let shelf = Shelf::new(pool.get_postgres_connection_pool(), POSTGRES_READERS, times);
                let reader = Reader::keeping(pool.clone(), shelf, statement_timeout);
                Ok(Database::over(reader, pool, Kind::Postgres, &Postgres))
            }
            Kind::Sqlite => {
                // The writer first: it makes the file where the URL says so, and sets its journal.
                let mut options = sqlite_options(url, 1)?;
                if in_memory(url) {
                    // It reads, too.
                    interrupt_at_limits(&mut options);
                }
                let writer = open(options).await?;
                let reader = match in_memory(url) {
                    true => Reader::through(writer.clone(), statement_timeout),
                    false => {
                        let mut options = sqlite_options(url, SQLITE_CONNECTIONS)?;
                        interrupt_at_limits(&mut options);
                        let pool = open(options).await?;
                        let shelf = Shelf::new(pool.get_sqlite_connection_pool(), SQLITE_READERS, times);
                        Reader::keeping(pool, shelf, statement_timeout)
                    }
                };
                Ok(Database::over(reader, writer, Kind::Sqlite, &Sqlite))
            }
        }
    }

    fn over(reader: Reader, writer: DatabaseConnection, kind: Kind, dialect: &'static dyn Dialect) -> Database {
        let singles = Singles::new(reader.clone(), &dialect.table("log"));
        Database { reader, writer, kind, dialect, singles, folding: Arc::default() }
    }
}

impl Kind {
    /// The database that a URL is about.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is about neither.
    pub fn of_url(url: &str) -> Result<Kind> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Ok(Kind::Postgres),
            Some("sqlite") => Ok(Kind::Sqlite),
            _ => Err(Error::bad_input("the database URL must begin with `postgres://` or `sqlite://`")),
        }
    }
}

fn in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// Whoever reads the URL later quotes it in the error, and the password with it.
fn postgres_options(url: &str) -> Result<ConnectOptions> {
    PgConnectOptions::from_str(url).map_err(|error| {
        Error::bad_input(
            "the PostgreSQL URL cannot be read; what is special in a password is written as its code: `%23` for `#`, \
             `%2F` for `/`, `%3F` for `?`, `%40` for `@`",
        )
        .caused_by(error)
    })?;
    Ok(ConnectOptions::new(url))
}

fn sqlite_options(url: &str, connections: u32) -> Result<ConnectOptions> {
    SqliteConnectOptions::from_str(url)
        .map_err(|error| Error::bad_input("the SQLite URL cannot be read").caused_by(error))?;
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).min_connections(1).map_sqlx_sqlite_opts(|options| {
        options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
    });
    // A connection that is taken out of a memory database takes the database along.
    options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    Ok(options)
}

async fn open(mut options: ConnectOptions) -> Result<DatabaseConnection> {
    options
        .acquire_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .test_before_acquire_if_idle_for(FRESH)
        .sqlx_logging(false);
    sea_orm::Database::connect(options).await.map_err(|error| match &error {
        DbErr::Conn(RuntimeErr::SqlxError(cause)) if matches!(**cause, sqlx::Error::Configuration(_)) => {
            Error::bad_input("the database URL cannot be read").caused_by(error)
        }
        _ => failed(error),
    })
}

/// Brings the log's own tables to the state that this server knows, and begins a new era where the database has begun a
/// new life. Several servers may start at once: one migrates, the others wait.
///
/// # Errors
/// CONFLICT where a newer server has been here; FORBIDDEN where the role may not create the schema.
pub async fn migrate(database: &Database, url: &str) -> Result<()> {
    match database.kind {
        Kind::Sqlite => migrate_sqlite(database).await?,
        Kind::Postgres => migrate_postgres(url).await?,
    }
    if let Some(statement) = database.dialect.settle_era() {
        database.writer.execute_unprepared(statement).await.map_err(failed)?;
    }
    Ok(())
}

async fn migrate_sqlite(database: &Database) -> Result<()> {
    // Whoever comes first has the one lock that there is; the others wait for it, and find nothing left to do.
    let transaction = begin(&database.writer, database.dialect.write_options()).await.map_err(failed)?;
    up(&transaction).await?;
    transaction.commit().await.map_err(failed)
}

async fn migrate_postgres(url: &str) -> Result<()> {
    // One connection, whose search path finds the migrations' own table in our schema and nowhere else.
    let mut options = postgres_options(url)?;
    options.max_connections(1).set_schema_search_path("afterimage");
    let connection = open(options).await?;
    let outcome = migrate_locked(&connection).await;
    connection.close().await.map_err(failed)?;
    outcome
}

async fn migrate_locked(connection: &DatabaseConnection) -> Result<()> {
    let run = |statement: &'static str| connection.execute_unprepared(statement);
    run("SELECT pg_advisory_lock(hashtext('afterimage migrate'))").await.map_err(failed)?;
    let exists = "SELECT 1 FROM pg_namespace WHERE nspname = 'afterimage'";
    let exists = Statement::from_string(connection.get_database_backend(), exists);
    if connection.query_one_raw(exists).await.map_err(failed)?.is_none() {
        must_be_utf8(connection).await?;
        run("CREATE SCHEMA afterimage").await.map_err(failed)?;
    }
    if up(connection).await? {
        run(GRANT_CAPTURE).await.map_err(failed)?;
        // What is new must be granted to those who had what was there.
        let roles = Statement::from_string(connection.get_database_backend(), RUNTIME_ROLES);
        for row in connection.query_all_raw(roles).await.map_err(failed)? {
            let role: String = row.try_get_by_index(0).map_err(failed)?;
            connection.execute_unprepared(&GRANT_RUNTIME.replace("{role}", &role)).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// What a client cannot be sent as UTF-8 would make every page unreadable that shows it.
async fn must_be_utf8(connection: &DatabaseConnection) -> Result<()> {
    let other = "SELECT setting FROM pg_settings WHERE name = 'server_encoding' AND setting <> 'UTF8'";
    let other = Statement::from_string(connection.get_database_backend(), other);
    let Some(row) = connection.query_one_raw(other).await.map_err(failed)? else { return Ok(()) };
    let encoding: String = row.try_get_by_index(0).map_err(failed)?;
    Err(Error::bad_input(format!(
        "the database is encoded in {encoding}, and a log can be kept in UTF8 alone: `createdb --encoding UTF8`"
    )))
}

/// Grants the role of the server what it needs.
///
/// # Errors
/// BAD_USER_INPUT where the database knows no roles; FORBIDDEN where the present role may not grant.
pub async fn grant_runtime(database: &Database, role: &str) -> Result<()> {
    match database.kind {
        Kind::Sqlite => Err(Error::bad_input("SQLite knows no roles")),
        Kind::Postgres => {
            let role = format!("\"{}\"", role.replace('"', "\"\""));
            let grants = GRANT_RUNTIME.replace("{role}", &role);
            database.writer.execute_unprepared(&grants).await.map(drop).map_err(failed)?;
            database.writer.execute_unprepared(GRANT_CAPTURE).await.map(drop).map_err(failed)
        }
    }
}

/// Makes up for statistics that the log has not got yet, without which the database finds what is rare by reading it all.
///
/// # Errors
/// Where the database fails.
pub async fn gather_statistics(database: &Database) -> Result<()> {
    match database.dialect.gather_statistics() {
        Some(statement) => database.writer.execute_unprepared(statement).await.map(drop).map_err(failed),
        None => Ok(()),
    }
}

/// Sentences about what works and should not be so; and proof that the database answers.
///
/// # Errors
/// UNAVAILABLE where it does not.
pub async fn warnings(database: &Database) -> Result<Vec<String>> {
    let sql = database.dialect.warnings().unwrap_or("SELECT '' WHERE FALSE");
    let statement = Statement::from_string(database.reader.get_database_backend(), sql);
    let rows = database.reader.query_all_raw(statement).await.map_err(failed)?;
    rows.iter().map(|row| row.try_get_by_index(0).map_err(failed)).collect()
}

/// Whether anything was to be done.
async fn up<'c, C>(connection: &'c C) -> Result<bool>
where
    C: ConnectionTrait,
    &'c C: IntoSchemaManagerConnection<'c>,
{
    let pending = Migrator::get_migration_with_status_read_only(connection).await.map_err(newer_or_failed)?;
    if pending.iter().all(|migration| migration.status() == afterimage_migration::MigrationStatus::Applied) {
        return Ok(false);
    }
    Migrator::up(connection, None).await.map_err(newer_or_failed)?;
    Ok(true)
}

fn newer_or_failed(error: DbErr) -> Error {
    match &error {
        DbErr::Custom(text) if text.contains("is missing") => Error::new(
            Code::Conflict,
            "the database was migrated by a newer version of Afterimage; use that version, or a later one",
        )
        .caused_by(error),
        _ => failed(error),
    }
}
