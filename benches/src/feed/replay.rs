//! How fast a subscriber that was away catches up, by its cursor.

use std::time::Instant;

use serde_json::json;

use super::ROUNDS;
use crate::process::resident_megabytes;
use crate::report::Report;
use crate::server::Server;
use crate::subscriber::Subscriber;
use crate::world::{World, run};

/// How many entries were missed.
const ENTRIES: usize = 1_000_000;
/// How many rows a transaction changed.
const ROWS: usize = 100;
/// The first key: those of the other measurements lie elsewhere.
const FIRST_KEY: usize = 20_000_000;

pub async fn measure(report: &mut Report, world: &World) {
    println!("a replay of {ENTRIES} entries, from transactions of {ROWS} rows");
    let server = Server::start(&world.url);
    let cursor = server.ask("{ feedCursor }").await["feedCursor"].clone();
    let mut connection = world.connect().await;
    for from in (FIRST_KEY..FIRST_KEY + ENTRIES).step_by(ROWS) {
        let to = from + ROWS - 1;
        run(&mut connection, &format!("insert into items select n, 1, 'a note' from generate_series({from}, {to}) n"))
            .await;
    }
    for statement in ["vacuum analyze afterimage.log", "checkpoint"] {
        run(&mut connection, statement).await;
    }
    let (mut rates, mut firsts, mut memories) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let mut subscriber = Subscriber::open(&server, json!({"after": cursor})).await;
        for index in 0..ENTRIES {
            let key = subscriber.entry().await.expect("the replay goes on");
            assert_eq!(key, FIRST_KEY + index, "each once, and in order");
            if index == 0 {
                firsts.push(begin.elapsed().as_secs_f64() * 1_000.0);
            }
            if index == ENTRIES / 2 {
                memories.push(resident_megabytes(server.pid()));
            }
        }
        rates.push(ENTRIES as f64 / begin.elapsed().as_secs_f64());
    }
    report.add("replay to one client", "entries a second", Some("at least 30,000"), rates);
    report.add("until the first entry of a replay", "ms", None, firsts);
    report.add("memory of the server in the middle of a replay", "MB", None, memories);
}
