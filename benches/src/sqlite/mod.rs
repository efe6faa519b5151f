//! What it costs a writer of SQLite to have its changes recorded: ours, triggers by hand, and the bare table.

mod systems;

use std::fs;
use std::path::Path;
use std::time::Instant;

use sqlx::AssertSqlSafe;

use crate::process::processor_time;
use crate::report::Report;
use crate::size::{self, scaled};
use crate::{keeper, stats};
use systems::{BARE, COLUMNS, HAND, OURS, OURS_AND_WHO, System};

const ROUNDS: usize = 3;
/// Changes of one row each.
const SINGLE: usize = 10_000;
/// How many of these in a transaction of their own.
const APART: usize = 2_000;

/// What is done to the table.
struct Workload {
    name: &'static str,
    /// How many rows change.
    changes: usize,
    /// A statement for each number.
    statements: Vec<String>,
    /// Whether each statement is a transaction of its own.
    apart: bool,
}

/// Runs all of it.
pub async fn run(report: &mut Report) {
    let folder = keeper::folder();
    println!("  making the files");
    systems::make(folder.path()).await;
    report.notes.push(String::from(
        "In this process, by the SQLite that sqlx brings; WAL, synchronous = normal, foreign_keys on. The table has 8 \
         columns and 100,000 rows; each trial has a fresh copy of its file. The triggers by hand record both whole rows \
         with `json_object`, and their log has the indexes that ours has; they know no context.",
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
    let update =
        |n: usize| format!("update products set price = {n} / 100.0, updated_at = '2026-11-23T10:{n}' where id = {n};");
    let insert =
        |n: usize| format!("insert into products ({COLUMNS}) select {} from (select {n} as n);", systems::VALUES);
    let delete = |n: usize| format!("delete from products where id = {n};");
    let each = |name, count: usize, apart, statement: &dyn Fn(usize) -> String| Workload {
        name,
        changes: count,
        // Spread over the table.
        statements: (1..=count).map(|n| statement(n * 7 % systems::ROWS + 1)).collect(),
        apart,
    };
    let many =
        |name, changes: usize, statement: String| Workload { name, changes, statements: vec![statement], apart: true };
    let rows = systems::ROWS;
    vec![
        each("UPDATE, a transaction each", apart, true, &update),
        each("INSERT, a transaction each", apart, true, &insert),
        each("DELETE, a transaction each", apart, true, &delete),
        each("10,000 times UPDATE, one transaction", single, false, &update),
        each("10,000 times INSERT, one transaction", single, false, &insert),
        each("10,000 times DELETE, one transaction", single, false, &delete),
        many("UPDATE of 100,000", rows, String::from("update products set price = price + 1, updated_at = 'now';")),
        many(
            "INSERT … SELECT of 100,000",
            rows,
            format!("insert into products ({COLUMNS}) select {COLUMNS} from products;"),
        ),
        many("DELETE of 100,000", rows, String::from("delete from products;")),
    ]
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
    let surrounded =
        |statements: &str| format!("begin immediate; {}\n{statements}\n{} commit;", system.first, system.last);
    let script: String = if workload.apart {
        workload.statements.iter().map(|statement| surrounded(statement)).collect()
    } else {
        surrounded(&workload.statements.join("\n"))
    };
    // The whole table once, so that nothing comes from the disk.
    systems::run(&mut connection, "select sum(length(description)) from products").await;
    let pid = std::process::id();
    let (begin, cpu) = (Instant::now(), processor_time(pid));
    systems::run(&mut connection, &script).await;
    let time = begin.elapsed().as_secs_f64();
    let cpu = (processor_time(pid) - cpu).as_secs_f64();
    if let Some(log) = system.log {
        let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(format!("select count(*) from {log}")));
        let logged = count.fetch_one(&mut connection).await.expect("it is counted");
        assert!(logged as usize >= workload.changes, "{}: {logged} of {}", system.name, workload.changes);
    }
    (time * 1e6 / workload.changes as f64, cpu * 1e6 / workload.changes as f64)
}
