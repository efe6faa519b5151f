//! The process itself: its size on disk and in memory, and how soon it answers.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::dice::Dice;
use crate::load::{self, Maker, post};
use crate::process::{processor_time, resident_megabytes};
use crate::reading::ours;
use crate::reading::question::{Draw, Question};
use crate::report::Report;
use crate::seed;
use crate::server::{self, Server};
use crate::size::{self, scaled};
use crate::world::World;

const ENTRIES: usize = 100_000;
/// How often it is started.
const STARTS: usize = 10;
const READERS: usize = 32;
const WRITERS: usize = 8;
/// How long they go on, and how often memory is looked at.
const TIME: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);
/// How long nothing is asked.
const IDLE: Duration = Duration::from_secs(5);

/// Runs all of it.
pub async fn run(report: &mut Report) {
    let world = World::start(&[]).await;
    report.notes.push(world.describe().await);
    server::run(&world.url, &["migrate"]);
    seed::fill(&world.url, scaled(ENTRIES)).await;
    report.notes.push(format!(
        "A migrated database with {} entries. Memory is the resident set; under load {READERS} connections read (newest \
         50, by user and dates, histories, single entries) and {WRITERS} write.",
        scaled(ENTRIES)
    ));
    let binary = fs::metadata(server::binary()).expect("it is built").len() as f64 / 1e6;
    report.add("the binary", "MB", Some("at most 40"), vec![binary]);
    starts(report, &world).await;
    let server = Server::start(&world.url);
    server.ask("{ auditLogs(first: 1) { nodes { id } } }").await;
    let cpu = processor_time(server.pid());
    tokio::time::sleep(IDLE).await;
    report.add("memory, idle", "MB", Some("at most 40"), vec![resident_megabytes(server.pid())]);
    let cpu = (processor_time(server.pid()) - cpu).as_secs_f64() * 1_000.0 / IDLE.as_secs_f64();
    report.add("processor time, idle", "ms a second", None, vec![cpu]);
    let most = under_load(&server).await;
    report.add("memory under load, the most of it", "MB", Some("at most 150"), vec![most]);
    tokio::time::sleep(IDLE).await;
    report.add("memory, idle after that", "MB", None, vec![resident_megabytes(server.pid())]);
}

/// From the start of the process to its first answer.
async fn starts(report: &mut Report, world: &World) {
    let token = server::token(&world.url);
    let mut times = Vec::new();
    for _ in 0..size::rounds(STARTS) {
        let begin = Instant::now();
        let server = Server::start_with(&world.url, token.clone());
        server.ask("{ auditLogs(first: 1) { nodes { id } } }").await;
        times.push(begin.elapsed().as_secs_f64() * 1_000.0);
    }
    report.add("from start to the first answer", "ms", Some("at most 300"), times);
}

async fn under_load(server: &Server) -> f64 {
    println!("  {READERS} readers and {WRITERS} writers");
    let pages: Vec<Maker> = Question::ALL
        .into_iter()
        .map(|question| ours::maker(server, question, "", scaled(ENTRIES), Draw::new))
        .collect();
    // Pages at an offset are left to the part that measures them.
    let readers: Maker = Arc::new(move |dice: &mut Dice| pages[dice.below(4)](dice));
    let (address, headers) = (server.address.clone(), format!("authorization: Bearer {}\r\n", server.token));
    let writers: Maker = Arc::new(move |dice: &mut Dice| {
        let number = dice.below(1_000_000);
        let query = "mutation ($input: CreateAuditLogInput!) { createAuditLog(input: $input) { auditLog { id } } }";
        let input = json!({"userId": "u1", "action": "UPDATE", "tableName": "orders", "recordId": number.to_string(),
            "oldValues": {"total": 1}, "newValues": {"total": number}});
        post(&address, "/graphql", &headers, &json!({"query": query, "variables": {"input": input}}).to_string())
    });
    let pid = server.pid();
    let looks = tokio::spawn(async move {
        let (begin, mut most) = (Instant::now(), 0.0f64);
        while begin.elapsed() < TIME {
            most = most.max(resident_megabytes(pid));
            tokio::time::sleep(LOOK).await;
        }
        most
    });
    let none = Duration::ZERO;
    let (read, written) = tokio::join!(
        load::run(&server.address, &readers, READERS, none, TIME),
        load::run(&server.address, &writers, WRITERS, none, TIME)
    );
    println!(
        "  {:.0} answers and {:.0} entries a second, p99 {:.1} and {:.1} ms",
        read.rate, written.rate, read.p99, written.p99
    );
    looks.await.expect("the looks go on")
}
