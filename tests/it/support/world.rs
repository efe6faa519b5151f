//! One test's database, and the ways in which an application reaches it.

use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection, TypeInfo, Value, ValueRef};
use std::str::FromStr;
use std::time::Duration;
use tempfile::TempDir;

use super::{cluster, keeper};

/// A row as text, NULL as none.
pub type TextRow = Vec<Option<String>>;

/// The database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file of the test's own.
    Sqlite,
    /// A database of the test's own in the shared cluster.
    Postgres,
}

/// An empty database and a folder, both of this test alone.
pub struct World {
    /// Which of the two databases it is.
    pub kind: Kind,
    /// The address, as `--database-url` takes it.
    pub database_url: String,
    /// A folder for whatever files the test needs; removed at its end.
    pub folder: TempDir,
}

/// What the server logs is told where a test fails, since answers do not name the causes of internal errors. `RUST_LOG`
/// chooses more of it.
fn tell_causes() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    // The tests of one process share it; all but the first come too late.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}

impl World {
    /// A new world, with nothing in it yet.
    pub async fn new(kind: Kind) -> Self {
        tell_causes();
        let folder = keeper::folder();
        let database_url = match kind {
            Kind::Sqlite => format!("sqlite://{}?mode=rwc", folder.path().join("world.db").display()),
            Kind::Postgres => cluster::shared().database().await,
        };
        Self { kind, database_url, folder }
    }

    /// Runs one or more statements on a connection of their own, as a program that knows nothing of us would. Several
    /// statements without `begin` are one transaction on PostgreSQL and one each on SQLite.
    pub async fn sql(&self, sql: &str) {
        self.try_sql(sql).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
    }

    /// As [`World::sql`], for statements that may be refused.
    pub async fn try_sql(&self, sql: &str) -> Result<(), sqlx::Error> {
        self.try_rows(sql).await.map(drop)
    }

    /// All rows, every value as text: on PostgreSQL its own output, on SQLite blobs in hex and reals with all digits.
    pub async fn rows(&self, sql: &str) -> Vec<TextRow> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
    }

    /// The one value of the one row, which is not NULL.
    pub async fn scalar(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        match rows.as_slice() {
            [row] if let [Some(value)] = row.as_slice() => value.clone(),
            _ => panic!("one value was expected, not {rows:?}\nfrom: {sql}"),
        }
    }

    async fn try_rows(&self, sql: &str) -> Result<Vec<TextRow>, sqlx::Error> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql));
        match self.kind {
            Kind::Sqlite => {
                let mut connection = self.sqlite().await?;
                let rows = query.fetch(&mut connection).map_ok(|row| sqlite_text(&row)).try_collect().await;
                connection.close().await?;
                rows
            }
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&self.database_url).await?;
                let rows = query.fetch(&mut connection).map_ok(|row| postgres_text(&row)).try_collect().await;
                connection.close().await?;
                rows
            }
        }
    }

    /// As a well-behaved application connects: foreign keys on, and patient with other writers.
    async fn sqlite(&self) -> Result<SqliteConnection, sqlx::Error> {
        let options = SqliteConnectOptions::from_str(&self.database_url)?;
        options.foreign_keys(true).busy_timeout(Duration::from_secs(30)).connect().await
    }
}

/// Statements without parameters are answered in text, so that PostgreSQL has already written every value out.
fn postgres_text(row: &PgRow) -> TextRow {
    let value = |index| {
        let raw = row.try_get_raw(index).expect("the column is there");
        (!raw.is_null()).then(|| raw.as_str().expect("the value is text").to_owned())
    };
    (0..row.len()).map(value).collect()
}

fn sqlite_text(row: &SqliteRow) -> TextRow {
    let value = |index| {
        let raw = row.try_get_raw(index).expect("the column is there");
        if raw.is_null() {
            return None;
        }
        let raw = raw.to_owned();
        Some(match raw.type_info().name() {
            "INTEGER" => raw.decode::<i64>().to_string(),
            "REAL" => format!("{:?}", raw.decode::<f64>()),
            "BLOB" => raw.decode::<Vec<u8>>().iter().map(|byte| format!("{byte:02x}")).collect(),
            _ => raw.decode::<String>(),
        })
    };
    (0..row.len()).map(value).collect()
}
