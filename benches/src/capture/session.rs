//! One UPDATE and then ten thousand in the same session: a plan that was made for one row must not be kept for many.

use std::time::Instant;

use super::systems::System;
use super::trial::{TRIAL, prepare};
use super::workloads::Workload;
use crate::report::Report;
use crate::size::scaled;
use crate::world::{World, run};

/// How often both are measured, in turn.
const TURNS: usize = 5;

pub async fn measure(report: &mut Report, world: &World, ours: &System) {
    println!("  one UPDATE, then 10,000 in the same session");
    let _connection = prepare(world, ours).await;
    let rows = scaled(10_000);
    let mut ratios = Vec::new();
    for turn in 0..TURNS {
        let mut times = Vec::new();
        for (used, turn) in [(false, turn), (true, TURNS + turn)] {
            let mut session = world.connect_to(TRIAL).await;
            let single = Workload::UpdateMany.statement(turn * rows, 1);
            if used {
                run(&mut session, &ours.plain_message(&single)).await;
            }
            let begin = Instant::now();
            run(&mut session, &ours.plain_message(&Workload::UpdateMany.statement(turn, rows))).await;
            times.push(begin.elapsed().as_secs_f64());
        }
        ratios.push(times[1] / times[0]);
    }
    let what = "10,000 updates after one in the same session, of the time in a fresh one";
    report.add(what, "", Some("about 1"), ratios);
}
