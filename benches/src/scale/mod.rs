//! The same queries at 100,000 and at 10,000,000 entries, and those that must not count ten million rows each time.

mod arrivals;
mod queries;

use std::time::{Duration, Instant};

use crate::load::{Client, post};
use crate::report::{Report, brief, count};
use crate::seed;
use crate::server::{self, Server};
use crate::size::{self, scaled};
use crate::stats::percentile;
use crate::world::{World, connect, run as run_sql, scalar};
use arrivals::Arrivals;
use queries::Query;

const SMALL: usize = 100_000;
const LARGE: usize = 10_000_000;
const ROUNDS: usize = 3;
/// At most so many requests a query and round, and for so long.
const REQUESTS: usize = 200;
const SECONDS: f64 = 1.0;
/// How soon a summary must answer to be at its steady speed, and how long that is waited for.
const STEADY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(600);

/// The times of a query, round by round.
struct Times {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// Runs all of it.
pub async fn run(report: &mut Report) {
    let (small, large) = (scaled(SMALL), scaled(LARGE));
    let world = World::start(&[]).await;
    world.hurry(true).await;
    report.notes.push(world.describe().await);
    world.make("small", "template0").await;
    let urls = [world.url_of("small"), world.url.clone()];
    for (url, entries) in urls.iter().zip([small, large]) {
        let begin = Instant::now();
        run_sql(&mut connect(url).await, arrivals::TABLE).await;
        server::run(url, &["migrate"]);
        server::run(url, &["track", "arrivals"]);
        seed::fill(url, entries).await;
        report.add(format!("making a log of {}", count(entries)), "s", None, vec![begin.elapsed().as_secs_f64()]);
    }
    world.hurry(false).await;
    notes(report, &world, large).await;
    let servers = urls.each_ref().map(|url| Server::start(url));
    steady(report, &servers[1]).await;
    // What the counters come to has to be right, or their speed is worth nothing.
    exact(&servers[1], &urls[1]).await;
    let [_, server] = &servers;
    both(report, &servers, [small, large]).await;
    let alone = format!("at {}", count(large));
    one(report, &alone, server, &queries::pages(server, large).await).await;
    one(report, &alone, server, &queries::summaries(server)).await;
    let arrivals = Arrivals::begin(&urls[1]).await;
    let begin = Instant::now();
    let beside = format!("{alone} while {} entries a second arrive", count(arrivals::RATE));
    one(report, &beside, server, &queries::summaries(server)).await;
    let plain = queries::plain(server, large);
    one(report, &beside, server, &plain[..1]).await;
    let seconds = begin.elapsed().as_secs_f64();
    let written = arrivals.end().await;
    report.add("entries that arrived meanwhile", "a second", None, vec![written as f64 / seconds]);
    exact(server, &urls[1]).await;
    one(report, &alone, server, &queries::filters(server)).await;
    everything(report, server, &urls[1]).await;
}

async fn notes(report: &mut Report, world: &World, large: usize) {
    let mut connection = world.connect().await;
    let bytes = |what: &str| format!("select {what}('afterimage.log')");
    let table: i64 = scalar(&mut connection, &bytes("pg_table_size")).await;
    let indexes: i64 = scalar(&mut connection, &bytes("pg_indexes_size")).await;
    report.notes.push(format!(
        "{} entries from the seed of `reading`: {:.2} GB of log, {:.2} GB of indexes. A tenth of the entries are \
         deletions, 99 % of which were undone right after; one object has a hundredth of all entries. Users, tables and \
         objects are drawn for each entry anew, so that hardly two entries of an hour fall together: the counters are \
         as many as they can be.",
        count(large),
        table as f64 / 1e9,
        indexes as f64 / 1e9
    ));
    report.notes.push(String::from(
        "Latency over one kept connection, one request after the other, each with arguments of its own. The first \
         request of a query is not counted. What is compared between both sizes is drawn so that each page is full at \
         either: of users and objects with long histories.",
    ));
}

/// Waits until a summary of everything answers at its steady speed, and tells how long that took.
async fn steady(report: &mut Report, server: &Server) {
    println!("  waiting until the summary is steady");
    let (begin, mut quick) = (Instant::now(), 0);
    while quick < 5 && begin.elapsed() < PATIENCE {
        let asked = Instant::now();
        server.ask("{ summary { total } }").await;
        quick = if asked.elapsed() < STEADY { quick + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let what = if quick < 5 { "the summary was not steady after" } else { "until the summary was steady" };
    report.add(what, "s", None, vec![begin.elapsed().as_secs_f64()]);
}

/// Holds the summary to a plain count.
async fn exact(server: &Server, url: &str) {
    let answer = server.ask("{ summary { total byAction { action count } } }").await;
    let total: i64 = scalar(&mut connect(url).await, "select count(*) from afterimage.log").await;
    let told = &answer["summary"]["total"];
    let told = told.as_i64().or_else(|| told.as_str().and_then(|text| text.parse().ok()));
    assert_eq!(told, Some(total), "the summary differs from a plain count");
}

/// The plain queries in turn at both sizes.
async fn both(report: &mut Report, servers: &[Server; 2], entries: [usize; 2]) {
    let asked = [queries::plain(&servers[0], entries[0]), queries::plain(&servers[1], entries[1])];
    let mut rows = Vec::new();
    for (small, large) in asked[0].iter().zip(&asked[1]) {
        let mut times = [Times { p50: Vec::new(), p99: Vec::new() }, Times { p50: Vec::new(), p99: Vec::new() }];
        for _ in 0..size::rounds(ROUNDS) {
            for ((server, query), times) in servers.iter().zip([small, large]).zip(&mut times) {
                round(report, server, query, times).await;
            }
        }
        let ratios: Vec<f64> = times[1].p50.iter().zip(&times[0].p50).map(|(large, small)| large / small).collect();
        let [small_times, large_times] = times;
        let mut cell = |what: &str, values: Vec<f64>| report.cell(format!("{}: {what}", small.name), "ms", values);
        rows.push(vec![
            small.name.clone(),
            cell("p50, small", small_times.p50),
            cell("p50, large", large_times.p50),
            cell("p99, small", small_times.p99),
            cell("p99, large", large_times.p99),
        ]);
        if small.compared {
            report.add(format!("p50, large of small: {}", small.name), "×", Some("at most 1.5"), ratios);
        }
    }
    let title = format!("Latency at {} and at {} entries, ms", count(entries[0]), count(entries[1]));
    report.grid(title, &["query", "p50, small", "p50, large", "p99, small", "p99, large"], rows);
}

/// Queries at one size.
async fn one(report: &mut Report, what: &str, server: &Server, queries: &[Query]) {
    let mut rows = Vec::new();
    for query in queries {
        let mut times = Times { p50: Vec::new(), p99: Vec::new() };
        for _ in 0..size::rounds(ROUNDS) {
            round(report, server, query, &mut times).await;
        }
        let p50 = report.cell(format!("{} {what}: p50", query.name), "ms", times.p50);
        let p99 = report.cell(format!("{} {what}: p99", query.name), "ms", times.p99);
        println!("  {}: {p50}", query.name);
        rows.push(vec![query.name.clone(), p50, p99, query.goal.unwrap_or("").to_owned()]);
    }
    report.grid(format!("Latency {what}, ms"), &["query", "p50", "p99", "wanted"], rows);
}

async fn round(report: &mut Report, server: &Server, query: &Query, times: &mut Times) {
    let (mut all, refused) = queries::time(server, query, REQUESTS, SECONDS).await;
    if let Some(answer) = refused {
        let took = brief(all[all.len() - 1]);
        report.notes.push(format!("{}: refused after {took} ms: {answer}", query.name));
    }
    times.p50.push(percentile(&mut all, 0.5));
    times.p99.push(percentile(&mut all, 0.99));
}

/// What looks into all entries and finds nothing: it may run out of time, and must be gone from the database then.
async fn everything(report: &mut Report, server: &Server, url: &str) {
    for (name, query) in queries::EVERYTHING {
        println!("  {name}");
        let body = serde_json::json!({"query": query}).to_string();
        let headers = format!("authorization: Bearer {}\r\n", server.token);
        let request = post(&server.address, "/graphql", &headers, &body);
        let begin = Instant::now();
        let answer = Client::connect(&server.address).await.try_ask(&request).await;
        let took = begin.elapsed().as_secs_f64() * 1_000.0;
        report.add(name, "ms", Some("at most 300, or what it costs is told"), vec![took]);
        if answer.contains("\"errors\"") {
            report.notes.push(format!("{name}: refused after {} ms: {answer}", brief(took)));
        }
    }
    // The database's own timer begins with the statement, a little after that of the request.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let running = "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' \
                   and pid <> pg_backend_pid() and now() - query_start > interval '1 second'";
    let running: i64 = scalar(&mut connect(url).await, running).await;
    report.add("statements that still run a second after those", "", Some("none"), vec![running as f64]);
}
