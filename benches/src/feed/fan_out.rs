//! Ten thousand subscribers who want everything: what they hold of memory, what they cost while nothing happens, and how
//! long it takes until the last of them has one entry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::ROUNDS;
use crate::machine;
use crate::process::{processor_time, resident_megabytes};
use crate::report::Report;
use crate::server::Server;
use crate::subscriber::Subscriber;
use crate::world::{World, run};

const SUBSCRIBERS: usize = 10_000;
/// How many connect at the same time.
const AT_ONCE: usize = 100;
/// How long nothing happens.
const QUIET: Duration = Duration::from_secs(10);
/// How many entries are sent, one after the other.
const ENTRIES: usize = 3 * ROUNDS;
/// The first key: those of the other measurements lie elsewhere.
const FIRST_KEY: usize = 10_000_000;

pub async fn measure(report: &mut Report, world: &World) {
    println!("{SUBSCRIBERS} subscribers that want everything");
    let files = machine::open_files();
    assert!(files > SUBSCRIBERS + 200, "only {files} files may be open: `ulimit -n 20000` first");
    let server = Arc::new(Server::start(&world.url));
    server.ask("{ viewer { userId } }").await;
    let alone = resident_megabytes(server.pid());
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let mut opening = JoinSet::new();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    for _ in 0..SUBSCRIBERS {
        let (server, places) = (Arc::clone(&server), Arc::clone(&places));
        opening.spawn(async move {
            let _place = places.acquire().await.expect("never closed");
            let mut subscriber = Subscriber::open(&server, json!({"positions": true})).await;
            subscriber.ready().await;
            subscriber
        });
    }
    let mut listening = JoinSet::new();
    while let Some(subscriber) = opening.join_next().await {
        let (mut subscriber, arrived) = (subscriber.expect("it connects"), arrived.clone());
        listening.spawn(async move {
            while let Some(key) = subscriber.entry().await {
                if arrived.send((key, Instant::now())).is_err() {
                    return;
                }
            }
            panic!("the server closed a subscriber's socket");
        });
    }
    let before = processor_time(server.pid());
    tokio::time::sleep(QUIET).await;
    let idle = processor_time(server.pid()) - before;
    let memory = resident_megabytes(server.pid());
    report.add(format!("memory of the server with {SUBSCRIBERS} idle"), "MB", Some("under 600"), vec![memory]);
    report.add("memory of the server without any", "MB", None, vec![alone]);
    let idle = idle.as_secs_f64() * 1_000.0 / QUIET.as_secs_f64();
    report.add("processor time of the server while nothing happens", "ms a second", None, vec![idle]);
    let mut connection = world.connect().await;
    let mut times = Vec::new();
    for key in FIRST_KEY..FIRST_KEY + ENTRIES {
        let begin = Instant::now();
        run(&mut connection, &format!("insert into items values ({key}, 1, 'a note')")).await;
        let mut last = begin;
        for _ in 0..SUBSCRIBERS {
            let (told, when) = arrivals.recv().await.expect("all listen");
            assert_eq!(told, key, "each once, and in order");
            last = last.max(when);
        }
        times.push((last - begin).as_secs_f64() * 1_000.0);
    }
    report.add(format!("one entry until the last of {SUBSCRIBERS} has it"), "ms", Some("at most 1,000"), times);
    report.add("memory of the server after that", "MB", None, vec![resident_megabytes(server.pid())]);
    listening.abort_all();
}
