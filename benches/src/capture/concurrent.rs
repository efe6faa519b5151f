//! Many writers at once: what is left of the bare table's throughput.

use super::systems::{BASE_AS_PGHISTORY, BASE_AS_WE, OURS, PGHISTORY, System};
use super::trial::{TRIAL, prepare};
use super::workloads::Workload;
use crate::pgbench::{self, Amount, Load};
use crate::report::Report;
use crate::size::{self, scaled};
use crate::world::{World, run};

const CLIENTS: usize = 16;
/// Transactions of each client.
const TRANSACTIONS: usize = 2_500;
const ROUNDS: usize = 3;

pub async fn measure(report: &mut Report, world: &World, systems: &[&'static System]) {
    let rounds = size::rounds(ROUNDS);
    let names = [BASE_AS_WE, OURS, BASE_AS_PGHISTORY, PGHISTORY];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    for round in 1..=rounds {
        println!("  round {round} of {rounds}: {CLIENTS} clients");
        for (name, rates) in names.iter().zip(&mut rates) {
            let Some(system) = systems.iter().find(|system| system.name == *name) else { continue };
            let mut connection = prepare(world, system).await;
            run(&mut connection, "checkpoint").await;
            let script = Workload::Update.script(system);
            let amount = Amount::Transactions(scaled(TRANSACTIONS));
            let load = Load { script: &script, clients: CLIENTS, amount, protocol: "simple" };
            rates.push(pgbench::run(world, &world.url_of(TRIAL), &load).rate);
        }
    }
    let shares: Vec<Vec<f64>> = rates.chunks(2).map(|pair| shares(&pair[0], &pair[1])).collect();
    for (name, rates) in names.iter().zip(rates) {
        if !rates.is_empty() {
            report.add(format!("{CLIENTS} clients that update: {name}"), "changes a second", None, rates);
        }
    }
    let goals = [(OURS, Some("at least 45")), (PGHISTORY, None)];
    for ((name, goal), shares) in goals.into_iter().zip(shares) {
        if !shares.is_empty() {
            report.add(format!("{CLIENTS} clients, of the bare table's throughput: {name}"), "%", goal, shares);
        }
    }
}

fn shares(base: &[f64], captured: &[f64]) -> Vec<f64> {
    base.iter().zip(captured).map(|(base, captured)| 100.0 * captured / base).collect()
}
