//! One system doing one kind of work, on a fresh copy of its database.

use std::time::Instant;

use sqlx::PgConnection;

use super::systems::{COLUMNS, System};
use super::workloads::Workload;
use crate::pgbench::{self, Amount, Load};
use crate::size::scaled;
use crate::world::{World, connect, run, scalar};

/// The database in which a trial runs.
pub const TRIAL: &str = "trial";
/// Transactions of each of two clients.
const TRANSACTIONS: usize = 10_000;
/// How many rows one UPDATE changes, and how many such statements there are, each in a session of its own.
const UPDATED: usize = 10_000;
const UPDATES: usize = 5;
/// How many rows come at once.
const INSERTED: usize = 100_000;

/// What a trial cost.
pub struct Cost {
    /// Processor time of all of PostgreSQL's processes for one change, in µs.
    pub cpu: f64,
    /// Bytes of write-ahead log for one change.
    pub wal: f64,
    /// Changes a second.
    pub rate: f64,
    /// Bytes of the system's own tables and of their indexes, for one change.
    pub heap: f64,
    pub index: f64,
}

/// A fresh copy of the system's database, read once, so that nothing of it comes from the disk.
pub async fn prepare(world: &World, system: &System) -> PgConnection {
    world.make(TRIAL, system.maker.template()).await;
    let mut connection = world.connect_to(TRIAL).await;
    run(&mut connection, "select count(length(t::text)) from products t").await;
    run(&mut connection, "set enable_seqscan = off; select count(*) from products where id > 0").await;
    connection
}

/// Runs the trial.
pub async fn run_trial(world: &World, system: &System, workload: Workload) -> Cost {
    let mut connection = prepare(world, system).await;
    let copied = copied(&mut connection, workload).await;
    // Every page that is written is written whole once after this, for all systems alike.
    run(&mut connection, "checkpoint").await;
    let wal = wal(&mut connection).await;
    let cpu = world.processor_seconds();
    let begin = Instant::now();
    let (changes, rate) = if Workload::SINGLE.contains(&workload) {
        let script = workload.script(system);
        let amount = Amount::Transactions(scaled(TRANSACTIONS));
        let load = Load { script: &script, clients: 2, amount, protocol: "simple" };
        let outcome = pgbench::run(world, &world.url_of(TRIAL), &load);
        (outcome.transactions, outcome.rate)
    } else {
        let changes = many(world, system, workload, &copied).await as f64;
        (changes, changes / begin.elapsed().as_secs_f64())
    };
    alone(&mut connection).await;
    let cpu = (world.processor_seconds() - cpu) * 1e6 / changes;
    let wal = (self::wal(&mut connection).await - wal) / changes;
    let (mut heap, mut index) = (0.0, 0.0);
    for table in system.maker.tables() {
        heap += size(&mut connection, "pg_table_size", table).await / changes;
        index += size(&mut connection, "pg_indexes_size", table).await / changes;
    }
    if let Some(log) = system.maker.log() {
        let logged: i64 = scalar(&mut connection, &format!("select count(*) from {log}")).await;
        // Whoever records less than was done is not faster.
        assert!(logged as f64 >= changes, "{}: {logged} of {changes} changes were recorded", system.name);
    }
    Cost { cpu, wal, rate, heap, index }
}

/// Work of many rows in one statement; how many rows changed.
async fn many(world: &World, system: &System, workload: Workload, copied: &[u8]) -> usize {
    let url = world.url_of(TRIAL);
    match workload {
        Workload::UpdateMany => {
            for turn in 0..UPDATES {
                let statement = workload.statement(turn, scaled(UPDATED));
                run(&mut connect(&url).await, &system.plain_message(&statement)).await;
            }
            UPDATES * scaled(UPDATED)
        }
        Workload::InsertSelect => {
            let statement = workload.statement(0, scaled(INSERTED));
            run(&mut connect(&url).await, &system.plain_message(&statement)).await;
            scaled(INSERTED)
        }
        _ => {
            let mut connection = connect(&url).await;
            run(&mut connection, &format!("begin;\n{}", system.plain_message("select 1"))).await;
            let statement = workload.statement(0, scaled(INSERTED));
            let mut copy = connection.copy_in_raw(&statement).await.expect("COPY begins");
            copy.send(copied).await.expect("COPY goes on");
            copy.finish().await.expect("COPY ends");
            run(&mut connection, "commit").await;
            scaled(INSERTED)
        }
    }
}

/// What COPY is given: the rows that the table has.
async fn copied(connection: &mut PgConnection, workload: Workload) -> Vec<u8> {
    if workload != Workload::Copy {
        return Vec::new();
    }
    use futures_util::TryStreamExt as _;
    let statement = format!("copy (select {COLUMNS} from products where id <= {}) to stdout", scaled(INSERTED));
    let rows = connection.copy_out_raw(&statement).await.expect("COPY begins");
    rows.try_fold(Vec::new(), async |mut all, part| {
        all.extend_from_slice(&part);
        Ok(all)
    })
    .await
    .expect("COPY goes on")
}

/// Waits until the other sessions are gone: only then is all of their time counted.
pub async fn alone(connection: &mut PgConnection) {
    let others = "select count(*) from pg_stat_activity where datname = current_database() \
                  and pid <> pg_backend_pid() and backend_type = 'client backend'";
    while scalar::<i64>(connection, others).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn wal(connection: &mut PgConnection) -> f64 {
    let bytes = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8";
    scalar::<f64>(connection, bytes).await
}

async fn size(connection: &mut PgConnection, function: &str, table: &str) -> f64 {
    scalar::<i64>(connection, &format!("select {function}('{table}')")).await as f64
}
