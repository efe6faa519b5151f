//! A PostgreSQL of the benchmarks' own, set as one in production is.

use std::path::PathBuf;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::cluster::Cluster;
use crate::process::processor_time_of_family;
use crate::server;

/// What the tests' clusters leave out to be fast, and a production server does not.
const SETTINGS: [&str; 7] = [
    "fsync = on",
    "synchronous_commit = on",
    "full_page_writes = on",
    "shared_buffers = '1GB'",
    "max_wal_size = '4GB'",
    "max_connections = 100",
    "autovacuum = on",
];

/// What makes a lot of data quickly.
const HURRY: [&str; 5] = [
    "fsync = off",
    "full_page_writes = off",
    "autovacuum = off",
    "max_wal_size = '20GB'",
    "checkpoint_timeout = '30min'",
];

/// The cluster and one database in it.
pub struct World {
    /// Kept, since it ends with this.
    cluster: Cluster,
    settings: Vec<&'static str>,
    postmaster: u32,
    /// The database's address.
    pub url: String,
}

impl World {
    /// A new cluster with these settings besides the usual ones, and an empty database.
    pub async fn start(more: &[&'static str]) -> World {
        let cluster = Cluster::start();
        let name = |setting: &'static str| setting.split(' ').next();
        let is_replaced = |setting: &&'static str| more.iter().any(|other| name(other) == name(setting));
        let usual = SETTINGS.iter().copied().filter(|setting| !is_replaced(setting));
        let settings: Vec<&'static str> = usual.chain(more.iter().copied()).collect();
        let mut connection = connect(&cluster.url("postgres")).await;
        for setting in &settings {
            run(&mut connection, &format!("alter system set {setting}")).await;
        }
        connection.close().await.expect("a goodbye");
        cluster.stop();
        cluster.restart();
        let url = cluster.database().await;
        let postmaster = postmaster(&mut connect(&url).await).await;
        World { cluster, settings, postmaster, url }
    }

    /// A new cluster whose database holds this table, which is tracked.
    pub async fn with_table(create: &str, table: &str) -> World {
        let world = World::start(&[]).await;
        run(&mut world.connect().await, create).await;
        server::run(&world.url, &["migrate"]);
        server::run(&world.url, &["track", table]);
        world
    }

    /// Whether data that is only being made may be lost in a crash. What is measured runs after that, with the settings
    /// of a production server.
    pub async fn hurry(&self, hurries: bool) {
        let mut connection = connect(&self.url_of("postgres")).await;
        for setting in HURRY {
            let name = setting.split(' ').next().expect("a name");
            let usual = self.settings.iter().find(|usual| usual.split(' ').next() == Some(name));
            let wanted = if hurries { Some(&setting) } else { usual };
            let statement = wanted.map_or(format!("reset {name}"), |wanted| format!("set {wanted}"));
            run(&mut connection, &format!("alter system {statement}")).await;
        }
        run(&mut connection, "select pg_reload_conf()").await;
        if !hurries {
            run(&mut connection, "checkpoint").await;
        }
    }

    /// A connection of its own.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url).await
    }

    /// A connection to another of the cluster's databases.
    pub async fn connect_to(&self, database: &str) -> PgConnection {
        connect(&self.url_of(database)).await
    }

    /// The address of another of the cluster's databases.
    pub fn url_of(&self, database: &str) -> String {
        self.cluster.url(database)
    }

    /// A new database, empty or a copy of another, in the place of one that has the name.
    pub async fn make(&self, database: &str, template: &str) {
        let mut connection = connect(&self.url_of("postgres")).await;
        run(&mut connection, &format!("drop database if exists {database} (force)")).await;
        let version: i32 = scalar(&mut connection, "select current_setting('server_version_num')::int").await;
        // The files as they are; before this could be chosen it was so always.
        let strategy = if version >= 150_000 { "strategy file_copy" } else { "" };
        run(&mut connection, &format!("create database {database} template {template} {strategy}")).await;
    }

    /// One of PostgreSQL's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.cluster.program(name)
    }

    /// Version and settings, in a line.
    pub async fn describe(&self) -> String {
        let version: String = scalar(&mut self.connect().await, "select current_setting('server_version')").await;
        format!("PostgreSQL {version}, {}", self.settings.join(", "))
    }

    /// The number of PostgreSQL's first process.
    pub async fn postmaster(&self) -> u32 {
        self.postmaster
    }

    /// Processor time of all of PostgreSQL's processes so far, in seconds, those included that have ended.
    pub fn processor_seconds(&self) -> f64 {
        processor_time_of_family(self.postmaster).as_secs_f64()
    }
}

async fn postmaster(connection: &mut PgConnection) -> u32 {
    let folder: String = scalar(connection, "select current_setting('data_directory')").await;
    let file = std::fs::read_to_string(format!("{folder}/postmaster.pid")).expect("PostgreSQL runs");
    file.lines().next().and_then(|line| line.parse().ok()).expect("a number")
}

/// A connection to this address.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Runs one or more statements.
pub async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
}

/// The one value that a statement returns.
pub async fn scalar<T>(connection: &mut PgConnection, sql: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let value = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await;
    value.unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
}
