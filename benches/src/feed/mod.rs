//! The live feed: how long an entry is under way, how many can listen, how fast a subscriber catches up, and what it all
//! costs the writers.

mod fan_out;
mod latency;
mod replay;
mod writers;

use crate::report::Report;
use crate::world::World;

/// How often each is measured.
const ROUNDS: usize = 3;

/// The table that is written.
const TABLE: &str = "create table items (id bigint primary key, owner int not null, note text)";

/// Runs all of it.
pub async fn run(report: &mut Report) {
    let world = World::with_table(TABLE, "items").await;
    report.notes.push(world.describe().await);
    report.notes.push(String::from(
        "Database, server, writers and all subscribers share the machine. A subscriber asks for the cursor and seven \
         fields with the image, over a WebSocket of its own.",
    ));
    latency::measure(report, &world).await;
    fan_out::measure(report, &world).await;
    replay::measure(report, &world).await;
}
