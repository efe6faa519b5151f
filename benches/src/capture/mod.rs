//! What it costs a writer to have its changes recorded: ours, the peers', and the same table without capture.

mod concurrent;
mod indexes;
mod session;
mod systems;
mod trial;
mod workloads;

use std::collections::HashMap;

use crate::report::Report;
use crate::size;
use crate::world::World;
use systems::{AUDIT, BASE, OURS, PGHISTORY, System};
use trial::Cost;
use workloads::Workload;

/// How often each is measured.
const ROUNDS: usize = 3;

/// The costs of each system for each workload, round by round.
type Costs = HashMap<(&'static str, &'static str), Vec<Cost>>;

/// Runs all of it.
pub async fn run(report: &mut Report) {
    // The changes alone: what autovacuum happens to do in the meantime is not theirs.
    let world = World::start(&["synchronous_commit = off", "autovacuum = off"]).await;
    let systems = systems::make(&world).await;
    notes(report, &world, &systems).await;
    let rounds = size::rounds(ROUNDS);
    let mut costs = Costs::new();
    for round in 1..=rounds {
        for workload in Workload::ALL {
            println!("  round {round} of {rounds}: {}", workload.name());
            for system in systems.iter().filter(|system| workload.concerns(system)) {
                let cost = trial::run_trial(&world, system, workload).await;
                costs.entry((system.name, workload.name())).or_default().push(cost);
            }
        }
    }
    grids(report, &systems, &costs);
    goals(report, &systems, &costs);
    session::measure(report, &world, find(&systems, OURS)).await;
    concurrent::measure(report, &world, &systems).await;
    indexes::measure(report, &world, find(&systems, OURS)).await;
}

fn find(systems: &[&'static System], name: &str) -> &'static System {
    systems.iter().find(|system| system.name == name).expect("it is always there")
}

async fn notes(report: &mut Report, world: &World, systems: &[&System]) {
    report.notes.push(world.describe().await);
    report.notes.push(String::from(
        "Table `products`: 8 columns, one of them jsonb, 100,000 rows of about 390 bytes. Each trial runs in a fresh copy \
         of its system's database, in turn; the log is empty at its start, nothing has to be read from the disk, and a \
         checkpoint comes first, so that each page is written to the WAL in full once, for the bare table too. One-row \
         changes: pgbench, 2 clients, simple protocol, one message a transaction.",
    ));
    report.notes.push(String::from(
        "CPU: user and system time of all of PostgreSQL's processes. \"Added\" is the difference to the bare table whose \
         application sends the very same statements, `set_config` included: what is added is the capture alone. \
         PostgreSQL-Audit's row about the transaction is part of its capture. Each system has all the indexes that it \
         makes itself.",
    ));
    report.notes.push(String::from(
        "supa_audit, pgMemento and audit-trigger are left out: no registry of packages holds them.",
    ));
    if !systems.iter().any(|system| system.name == PGHISTORY) {
        report.notes.push(String::from("The peers could not be installed here: `make bench` said why."));
    }
}

/// Of each round, what the system's cost is over its base's.
fn added(costs: &Costs, system: &System, workload: Workload, of: fn(&Cost) -> f64) -> Vec<f64> {
    let own = &costs[&(system.name, workload.name())];
    let base = workload.base(system).map(|base| &costs[&(base, workload.name())]);
    own.iter().enumerate().map(|(round, cost)| of(cost) - base.map_or(0.0, |base| of(&base[round]))).collect()
}

/// Everything, system by workload.
fn grids(report: &mut Report, systems: &[&System], costs: &Costs) {
    type Row = (&'static str, &'static str, fn(&Cost) -> f64);
    let kinds: [Row; 4] = [
        ("CPU of one change, added over the base (of a bare table: all of it)", "µs", |cost| cost.cpu),
        ("WAL of one change, added over the base (of a bare table: all of it)", "bytes", |cost| cost.wal),
        ("Bytes of log for one change, without indexes", "bytes", |cost| cost.heap),
        ("Bytes of the log's indexes for one change", "bytes", |cost| cost.index),
    ];
    let names: Vec<&str> = Workload::ALL.iter().map(|workload| workload.name()).collect();
    for (title, unit, of) in kinds {
        let storage = title.starts_with("Bytes");
        let mut rows = Vec::new();
        for system in systems.iter().filter(|system| !storage || system.maker.log().is_some()) {
            let mut row = vec![system.name.to_owned()];
            for workload in Workload::ALL {
                if !workload.concerns(system) {
                    row.push(String::new());
                    continue;
                }
                let values = added(costs, system, workload, of);
                row.push(report.cell(format!("{title}: {}, {}", system.name, workload.name()), unit, values));
            }
            rows.push(row);
        }
        report.grid(format!("{title}, {unit}"), &[&["system"][..], &names].concat(), rows);
    }
    let mut rows = Vec::new();
    for system in systems {
        let mut row = vec![system.name.to_owned()];
        for workload in Workload::ALL {
            let values: Vec<f64> = match costs.get(&(system.name, workload.name())) {
                Some(costs) => costs.iter().map(|cost| cost.rate).collect(),
                None => {
                    row.push(String::new());
                    continue;
                }
            };
            row.push(report.cell(format!("rate: {}, {}", system.name, workload.name()), "changes a second", values));
        }
        rows.push(row);
    }
    report.grid("Changes a second", &[&["system"][..], &names].concat(), rows);
}

/// What was set out to be reached.
fn goals(report: &mut Report, systems: &[&'static System], costs: &Costs) {
    let ours = find(systems, OURS);
    for (peer, goal) in [(PGHISTORY, "at most 0.9"), (AUDIT, "below 1")] {
        let Some(peer) = systems.iter().find(|system| system.name == peer) else { continue };
        for workload in Workload::ALL {
            let theirs = added(costs, peer, workload, |cost| cost.cpu);
            let values = added(costs, ours, workload, |cost| cost.cpu);
            let ratios = values.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
            report.add(format!("CPU added, ours of {}: {}", peer.name, workload.name()), "", Some(goal), ratios);
        }
    }
    let wal = added(costs, ours, Workload::Update, |cost| cost.wal);
    report.add("WAL added by an UPDATE, with context", "bytes", Some("at most 700"), wal);
    for workload in [Workload::UpdateMany, Workload::InsertSelect, Workload::Copy] {
        let times = |name| costs[&(name, workload.name())].iter().map(|cost: &Cost| 1.0 / cost.rate);
        let ratios = times(OURS).zip(times(BASE)).map(|(ours, base)| ours / base).collect();
        report.add(format!("time as a multiple of the bare table's: {}", workload.name()), "×", None, ratios);
    }
}
