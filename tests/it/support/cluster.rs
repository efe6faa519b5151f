//! The tests' own PostgreSQL: one cluster for the whole process, a database for each test, and clusters of its own for
//! a test that takes the database away.
//!
//! No server that happens to run is used or disturbed, and nothing is left behind, however the tests end: a cluster
//! belongs to a keeper (`keeper.sh`) that cleans up once the pipe to it closes.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

use super::keeper::Keeper;
use super::postgres_binaries;

/// How often a port that was free is allowed to be taken by someone else before PostgreSQL binds it.
const PORT_ATTEMPTS: usize = 10;

/// A running PostgreSQL cluster. Dropping it stops the server and removes its files.
pub struct Cluster {
    keeper: Mutex<Keeper>,
    root: PathBuf,
    bindir: PathBuf,
    port: u16,
    databases: AtomicUsize,
    templates: Mutex<HashMap<&'static str, Arc<OnceCell<()>>>>,
}

/// The cluster that all tests share, started by the first that asks.
pub fn shared() -> &'static Cluster {
    // A static is never dropped: the pipe to the keeper closes with the process, and not before the last test is done.
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

impl Cluster {
    /// A cluster of the caller's own, which it may stop and start without harm to other tests.
    pub fn start() -> Self {
        let bindir = postgres_binaries::bindir();
        let (mut keeper, root) = Keeper::start(&bindir);
        keeper.order("init").unwrap_or_else(|()| panic!("initdb failed:\n{}", text(&root, "keeper.log")));
        let port = (0..PORT_ATTEMPTS)
            .find_map(|_| start_on_a_free_port(&mut keeper, &root))
            .unwrap_or_else(|| panic!("no port of 127.0.0.1 stayed free long enough:\n{}", text(&root, "server.log")));
        Self {
            keeper: Mutex::new(keeper),
            root,
            bindir,
            port,
            databases: AtomicUsize::new(0),
            templates: Mutex::default(),
        }
    }

    /// Stops the server in good order; its connections are closed.
    pub fn stop(&self) {
        self.order("stop fast");
    }

    /// Stops the server as a crash would: no checkpoint, and the next start recovers from the write-ahead log.
    pub fn crash(&self) {
        self.order("stop immediate");
    }

    /// Starts the server again where it was, so that addresses given out before are good again.
    pub fn restart(&self) {
        self.order(&format!("start {}", self.port));
    }

    /// Keeps a copy of the stopped server's files.
    pub fn save(&self) {
        self.order("save");
    }

    /// Puts the copy in the place of the stopped server's files.
    pub fn put_back(&self) {
        self.order("put-back");
    }

    /// Takes the stopped server's databases over into a new cluster, as `pg_upgrade` does.
    pub fn upgrade(&self) {
        self.order("upgrade");
    }

    /// Makes a standby of the running server. It gets nothing of what is written after.
    pub fn back_up(&self) {
        self.order(&format!("back-up {}", self.port));
    }

    /// Loses the running server, and promotes the standby in its place.
    pub fn fail_over(&self) {
        self.order(&format!("fail-over {}", self.port));
    }

    /// One of PostgreSQL's programs of the same version, `psql` for one. Call it with [`Cluster::url`]: the environment
    /// of the tests may name another server.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bindir.join(name)
    }

    /// The address of the database `name`, for the superuser.
    pub fn url(&self, name: &str) -> String {
        self.url_of("postgres", name)
    }

    /// The address of the database `name` for another role. Every role gets in without a password.
    pub fn url_of(&self, role: &str, name: &str) -> String {
        // The mode is named because PGSSLMODE would decide it otherwise.
        format!("postgres://{role}@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    /// A new empty database; its address. It lives as long as the cluster.
    pub async fn database(&self) -> String {
        self.create("template0").await
    }

    /// A new database like the one that `prepare` made, given its address, when it was first asked for under this name.
    ///
    /// `prepare` must have closed its connections when it returns: PostgreSQL copies no database that is in use.
    pub async fn database_like<F>(&self, template: &'static str, prepare: impl FnOnce(String) -> F) -> String
    where
        F: Future<Output = ()>,
    {
        let templates = || self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = Arc::clone(templates().entry(template).or_default());
        ready
            .get_or_init(async || {
                self.administer(&format!("create database {template} template template0")).await;
                prepare(self.url(template)).await;
                // A latecomer of a pool that is not quite closed would otherwise fail someone else's copy.
                self.administer(&format!("alter database {template} allow_connections false")).await;
            })
            .await;
        self.create(template).await
    }

    async fn create(&self, template: &str) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.administer(&format!("create database {name} template {template}")).await;
        self.url(&name)
    }

    /// Runs one statement as superuser. The connection is not kept, since it would belong to one test's runtime.
    async fn administer(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.expect("the tests' PostgreSQL answers");
        let outcome = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
        outcome.unwrap_or_else(|error| panic!("{statement}: {error}"));
        connection.close().await.expect("the tests' PostgreSQL says goodbye");
    }

    fn order(&self, order: &str) {
        let outcome = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).order(order);
        let log = || text(&self.root, "keeper.log") + &text(&self.root, "server.log");
        outcome.unwrap_or_else(|()| panic!("`{order}` failed:\n{}", log()));
    }
}

/// The port, or none if someone else took it between our look and PostgreSQL's. Any other failure is one.
fn start_on_a_free_port(keeper: &mut Keeper, root: &Path) -> Option<u16> {
    let port = free_port();
    if keeper.order(&format!("start {port}")).is_ok() {
        return Some(port);
    }
    let log = text(root, "keeper.log") + &text(root, "server.log");
    assert!(log.contains("could not create any TCP/IP sockets"), "PostgreSQL did not start:\n{log}");
    None
}

/// A port below those that systems give to outgoing connections: none of these takes it while the server is stopped.
fn free_port() -> u16 {
    loop {
        let random = getrandom::u32().expect("randomness of the system");
        let port = 10_000 + (random % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn text(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap_or_default()
}
