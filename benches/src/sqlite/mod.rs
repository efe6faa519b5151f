//! What it costs a writer of SQLite to have its changes recorded: ours, triggers by hand, and the bare table.

mod systems;

use std::fs;
use std::path::Path;
use std::time::Instant;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use crate::process::Threads;
use crate::report::Report;
use crate::size::{self, scaled};
use crate::{keeper, stats};
use systems::{BARE, COLUMNS, HAND, OURS, OURS_AND_WHO, System};

const ROUNDS: usize = 3;
/// Changes of one row each.
const SINGLE: usize = 10_000;
/// How many of these in a transaction of their own.
const APART: usize = 2_000;

/// How many rows one statement changes.
const MANY: usize = 30_000;

/// What is done to the table.
struct Workload {
    name: &'static str,
    /// With `?1` for a number.
    statement: String,
    /// How often it is run, with a number of its own each time.
    times: usize,
    /// How many rows change each time.
    rows: usize,
    /// Whether each time is a transaction of its own.
    apart: bool,
    /// Whether the statement is kept, as drivers do that know it again, or compiled each time.
    kept: bool,
}

/// Runs all of it.
pub async fn run(report: &mut Report) {
    let folder = keeper::folder();
    println!("  making the files");
    systems::make(folder.path()).await;
    report.notes.push(String::from(
        "In this process, by the SQLite that sqlx brings; WAL, synchronous = normal, foreign_keys on. The table has 8 \
         columns and 100,000 rows; each trial has a fresh copy of its file. The triggers by hand record both whole rows \
         with `json_object`, and their log has the indexes that ours has; they know no context. \
         Statements are prepared once and kept, as sqlx and most drivers do, except where it is said.",
    ));
    let rounds = size::rounds(ROUNDS);
    let workloads = workloads();
    let mut costs: Vec<Vec<(Vec<f64>, Vec<f64>)>> =
        vec![vec![(Vec::new(), Vec::new()); systems::ALL.len()]; workloads.len()];
    for round in 1..=rounds {
        for (workload, costs) in workloads.iter().zip(&mut costs) {
            println!("  round {round} of {rounds}: {}", workload.name);
            for (system, (times, cpus)) in systems::ALL.iter().zip(costs) {
                let (time, cpu) = trial(folder.path(), system, workload).await;
                times.push(time);
                cpus.push(cpu);
            }
        }
    }
    let names: Vec<&str> = workloads.iter().map(|workload| workload.name).collect();
    let head = [&["system"][..], &names].concat();
    for (title, is_cpu) in [("Time of one change, µs", false), ("CPU of one change, µs", true)] {
        let mut rows = Vec::new();
        for (index, system) in systems::ALL.iter().enumerate() {
            let mut row = vec![system.name.to_owned()];
            for (workload, costs) in workloads.iter().zip(&costs) {
                let (times, cpus) = costs[index].clone();
                let what = format!("{title}: {}, {}", system.name, workload.name);
                row.push(report.cell(what, "µs", if is_cpu { cpus } else { times }));
            }
            rows.push(row);
        }
        report.grid(title, &head, rows);
    }
    let place = |system: System| systems::ALL.iter().position(|other| *other == system).expect("one of them");
    for (workload, costs) in workloads.iter().zip(&costs) {
        for (ours, goal) in [(OURS, Some("at most 1")), (OURS_AND_WHO, None)] {
            let pairs = costs[place(ours)].1.iter().zip(&costs[place(HAND)].1);
            let ratios = pairs.map(|(ours, hand)| ours / hand).collect();
            report.add(format!("CPU, {} of triggers by hand: {}", ours.name, workload.name), "×", goal, ratios);
        }
        let mut bare = costs[place(BARE)].1.clone();
        let mut ours = costs[place(OURS)].1.clone();
        let times = stats::median(&mut ours) / stats::median(&mut bare);
        report.add(format!("CPU, ours of the bare table: {}", workload.name), "×", None, vec![times]);
    }
}

fn workloads() -> Vec<Workload> {
    let (single, apart) = (scaled(SINGLE), scaled(APART));
    let update = "update products set price = ?1 / 100.0, updated_at = '2026-11-23T10:00:' || ?1 where id = ?1";
    let insert = format!("insert into products ({COLUMNS}) select {} from (select ?1 as n)", systems::VALUES);
    let delete = "delete from products where id = ?1";
    let all = ["UPDATE", "INSERT", "DELETE"].into_iter().zip([update, insert.as_str(), delete]);
    let each = |name, statement: &str, times, apart, kept| {
        let statement = statement.to_owned();
        Workload { name, statement, times, rows: 1, apart, kept }
    };
    let names = |word: &str| match word {
        "UPDATE" => ["UPDATE, a transaction each", "UPDATE, many in one transaction"],
        "INSERT" => ["INSERT, a transaction each", "INSERT, many in one transaction"],
        _ => ["DELETE, a transaction each", "DELETE, many in one transaction"],
    };
    let mut workloads = Vec::new();
    for (word, statement) in all {
        workloads.push(each(names(word)[0], statement, apart, true, true));
        workloads.push(each(names(word)[1], statement, single, false, true));
    }
    workloads.push(each("UPDATE, compiled each time", update, apart / 5, false, false));
    let insert = format!("insert into products ({COLUMNS}) select {COLUMNS} from products where id > ?1");
    let many = [
        ("UPDATE of 30,000", "update products set price = price + 1, updated_at = 'now' where id > ?1"),
        ("INSERT … SELECT of 30,000", insert.as_str()),
        ("DELETE of 30,000", "delete from products where id > ?1"),
    ];
    for (name, statement) in many {
        let statement = statement.to_owned();
        workloads.push(Workload { name, statement, times: 1, rows: MANY, apart: true, kept: true });
    }
    workloads
}

/// Time and processor time of one change, in µs.
async fn trial(folder: &Path, system: &System, workload: &Workload) -> (f64, f64) {
    let path = folder.join("trial.db");
    for ending in ["", "-wal", "-shm"] {
        // Where there is none, none has to go.
        let _ = fs::remove_file(folder.join(format!("trial.db{ending}")));
    }
    fs::copy(folder.join(system.file), &path).expect("the file can be copied");
    let mut connection = systems::open(&path).await;
    // The whole table once, so that nothing comes from the disk.
    systems::run(&mut connection, "select sum(length(description)) from products").await;
    let (begin, threads) = (Instant::now(), Threads::now());
    for turn in 0..workload.times {
        if workload.apart || turn == 0 {
            keep(&mut connection, "begin immediate").await;
            keep(&mut connection, system.first).await;
        }
        // Spread over the table; the last rows where there is but one turn.
        let number = if workload.times == 1 { systems::ROWS - MANY } else { turn * 7 % systems::ROWS + 1 };
        let query = sqlx::query(AssertSqlSafe(workload.statement.as_str())).bind(number as i64);
        let query = query.persistent(workload.kept);
        query.execute(&mut connection).await.unwrap_or_else(|error| panic!("{error}\nin: {}", workload.statement));
        if workload.apart || turn + 1 == workload.times {
            keep(&mut connection, system.last).await;
            keep(&mut connection, "commit").await;
        }
    }
    let (time, cpu) = (begin.elapsed().as_secs_f64(), threads.since().as_secs_f64());
    let changes = workload.times * workload.rows;
    if let Some(log) = system.log {
        let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(format!("select count(*) from {log}")));
        let logged = count.fetch_one(&mut connection).await.expect("it is counted");
        assert!(logged as usize >= changes, "{}: {logged} of {changes}", system.name);
    }
    (time * 1e6 / changes as f64, cpu * 1e6 / changes as f64)
}

/// Runs a statement that the connection keeps.
async fn keep(connection: &mut SqliteConnection, statement: &'static str) {
    if !statement.is_empty() {
        sqlx::query(statement).execute(connection).await.unwrap_or_else(|error| panic!("{error}\nin: {statement}"));
    }
}
