//! A PostgreSQL of the benchmarks' own, set as one in production is, with a tracked table.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::cluster::Cluster;
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

/// The cluster and one database in it.
pub struct World {
    /// Kept, since it ends with this.
    cluster: Cluster,
    /// The database's address.
    pub url: String,
}

impl World {
    /// A new cluster whose database holds this table, which is tracked.
    pub async fn with_table(create: &str, table: &str) -> World {
        let cluster = Cluster::start();
        let mut connection = connect(&cluster.url("postgres")).await;
        for setting in SETTINGS {
            run(&mut connection, &format!("alter system set {setting}")).await;
        }
        connection.close().await.expect("a goodbye");
        cluster.stop();
        cluster.restart();
        let url = cluster.database().await;
        run(&mut connect(&url).await, create).await;
        server::run(&url, &["migrate"]);
        server::run(&url, &["track", table]);
        World { cluster, url }
    }

    /// A connection of its own.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url).await
    }

    /// Version and settings, in a line.
    pub async fn describe(&self) -> String {
        let version: String = self.scalar("select current_setting('server_version')").await;
        format!("PostgreSQL {version}, {}", SETTINGS.join(", "))
    }

    /// The number of PostgreSQL's first process.
    pub async fn postmaster(&self) -> u32 {
        let folder: String = self.scalar("select current_setting('data_directory')").await;
        let file = std::fs::read_to_string(format!("{folder}/postmaster.pid")).expect("PostgreSQL runs");
        file.lines().next().and_then(|line| line.parse().ok()).expect("a number")
    }

    async fn scalar(&self, sql: &'static str) -> String {
        let url = self.cluster.url("postgres");
        sqlx::query_scalar(sql).fetch_one(&mut connect(&url).await).await.expect("PostgreSQL answers")
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("PostgreSQL answers")
}

/// Runs one or more statements.
pub async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
}
