//! Capture on SQLite, tried on the bundled library: each test opens a file of its own, tracks tables, runs what an
//! application would run, and reads the log.

mod catalogue;
mod context;
mod entries;
mod moving;
mod replace;
mod replay;
mod schema;
mod set;
mod settings;
mod values;
mod ways;

use afterimage_migration::Migrator;
use afterimage_migration::MigratorTrait;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use tempfile::TempDir;

use super::{describe, install};
use crate::capture::{Choice, Hidden};

/// A database with the log in it, and one connection that writes.
struct World {
    conn: DatabaseConnection,
    _directory: TempDir,
}

impl World {
    /// Applies the migrations, and the schema of the user's.
    async fn new(schema: &str) -> World {
        World::first("SELECT 1", schema).await
    }

    /// The same on a file that begins with these statements.
    async fn first(statements: &str, schema: &str) -> World {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", directory.path().join("world.db").display());
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let conn = Database::connect(options).await.unwrap();
        conn.execute_unprepared(statements).await.unwrap();
        Migrator::up(&conn, None).await.unwrap();
        let world = World { conn, _directory: directory };
        world.run("PRAGMA trusted_schema = OFF").await;
        world.run(schema).await;
        world
    }

    /// A world in which these tables are tracked.
    async fn tracking(schema: &str, tables: &[&str]) -> World {
        let world = World::new(schema).await;
        for table in tables {
            world.track(table, &Hidden::default()).await;
        }
        world
    }

    async fn track(&self, table: &str, hidden: &Hidden) {
        let table = describe(&self.conn, table).await.unwrap();
        install(&self.conn, &table, &choice(hidden)).await.unwrap();
    }

    async fn run(&self, sql: &str) {
        self.attempt(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn attempt(&self, sql: &str) -> Result<(), DbErr> {
        self.conn.execute_unprepared(sql).await.map(drop)
    }

    /// One column of text.
    async fn read(&self, sql: &str) -> Vec<String> {
        let rows =
            self.conn.query_all_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql)).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    /// The entries in brief: action, record id, old and new image, and whatever else is set.
    async fn log(&self) -> Vec<String> {
        self.read(
            "SELECT CASE WHEN table_name = 't' THEN '' ELSE table_name || ' ' END || action || ' ' \
                 || coalesce(record_id, 'null') || coalesce(' was ' || old_values, '') || coalesce(' is ' || new_values, '') \
                 || coalesce(' key ' || previous_record_id, '') || coalesce(' redacted ' || redacted, '') \
               FROM afterimage_log ORDER BY id",
        )
        .await
    }

    /// The entries since the last look.
    async fn logged(&self, sql: &str) -> Vec<String> {
        let before = self.log().await.len();
        self.run(sql).await;
        self.log().await.split_off(before)
    }
}

fn choice(hidden: &Hidden) -> Choice {
    Choice { hidden: hidden.clone(), ..Choice::default() }
}

fn redacting(redacted: &[&str], ignored: &[&str]) -> Hidden {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Hidden { redacted: owned(redacted), ignored: owned(ignored) }
}
