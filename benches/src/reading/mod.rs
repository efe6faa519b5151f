//! Reading a log of a million entries: ours, the peers, and the limit, in turn.

pub mod bare_rows;
pub mod ours;
mod peers;
pub mod question;
mod sql;

use std::time::Duration;

use crate::load::{self, Maker};
use crate::pgbench::{self, Amount, Load};
use crate::process::{processor_time, resident_megabytes};
use crate::report::Report;
use crate::seed;
use crate::server::{self, Server};
use crate::size;
use crate::world::World;
use question::{Draw, Question};

const ENTRIES: usize = 1_000_000;
const ROUNDS: usize = 3;
const CONNECTIONS: [usize; 2] = [8, 32];
const WARM_UP: Duration = Duration::from_millis(200);
const TIME: Duration = Duration::from_millis(1_000);

const OURS: &str = "ours";
const CHANGES: &str = "ours, with `changes`";
const LIMIT: &str = "bare rows";
const SQL: &str = "SQL (pgbench, json_agg)";
const POSTGRAPHILE: &str = "PostGraphile, 1 process";
const DIRECTUS: &str = "Directus";

/// What must live as long as the peers are asked.
type Kept = Vec<Box<dyn std::any::Any>>;

/// Someone who answers.
struct System {
    name: &'static str,
    /// Of the process that answers; none where PostgreSQL does.
    pid: Option<u32>,
    address: String,
    maker: Box<dyn Fn(Question) -> Maker>,
    /// In how many of the rounds it takes part.
    rounds: usize,
}

/// What one system did in one round.
struct Outcome {
    rate: f64,
    p50: f64,
    /// Processor time of its process and of PostgreSQL's for one answer, in µs.
    own: f64,
    postgres: f64,
}

/// Runs all of it.
pub async fn run(report: &mut Report) {
    let entries = size::scaled(ENTRIES);
    // Each of them keeps connections of its own.
    let world = World::start(&["max_connections = 300"]).await;
    report.notes.push(world.describe().await);
    server::run(&world.url, &["migrate"]);
    seed::fill(&world.url, entries).await;
    sql::copy(&mut world.connect().await).await;
    let server = Server::start(&world.url);
    server.ask("{ auditLogs(first: 1) { nodes { id } } }").await;
    let (limit, limit_address) = bare_rows::start(&world.url);
    let mut kept = Kept::new();
    let systems = systems(report, &world, &server, (limit.pid(), limit_address), entries, &mut kept);
    notes(report, entries);
    let rounds = size::rounds(ROUNDS);
    let mut outcomes: Vec<Asked<'static>> = Vec::new();
    for round in 1..=rounds {
        for question in Question::ALL {
            for connections in CONNECTIONS {
                println!("  round {round} of {rounds}: {}, {connections} connections", question.name());
                for system in systems.iter().filter(|system| round <= system.rounds) {
                    let outcome = ask(&world, system, question, connections, entries).await;
                    let key = (system.name, question, connections);
                    match outcomes.iter_mut().find(|(other, _)| *other == key) {
                        Some((_, all)) => all.push(outcome),
                        None => outcomes.push((key, vec![outcome])),
                    }
                }
            }
        }
    }
    grids(report, &systems, &outcomes);
    goals(report, &outcomes);
    alone(report, &systems).await;
    for system in &systems {
        if let Some(pid) = system.pid.filter(|_| system.name != CHANGES) {
            report.add(format!("memory after that: {}", system.name), "MB", None, vec![resident_megabytes(pid)]);
        }
    }
}

fn systems(
    report: &mut Report,
    world: &World,
    server: &Server,
    (limit, limit_address): (u32, String),
    entries: usize,
    kept: &mut Kept,
) -> Vec<System> {
    let all = usize::MAX;
    let ours = |name, more: &'static str, rounds, server: &Server| {
        let makers: Vec<Maker> =
            Question::ALL.iter().map(|&question| ours::maker(server, question, more, entries, Draw::new)).collect();
        let maker =
            Box::new(move |question| makers[Question::ALL.iter().position(|&q| q == question).expect("one")].clone());
        System { name, pid: Some(server.pid()), address: server.address.clone(), maker, rounds }
    };
    let mut systems = vec![ours(OURS, "", all, server)];
    let (address, pid) = (limit_address.clone(), Some(limit));
    let maker = Box::new(move |question| bare_rows::maker(&address, question, entries));
    systems.push(System { name: LIMIT, pid, address: limit_address, maker, rounds: all });
    match peers::postgraphile(&world.url) {
        Ok((process, address)) => {
            let (own, pid) = (address.clone(), Some(process.pid()));
            let maker = Box::new(move |question| peers::postgraphile_maker(&own, question, entries));
            systems.push(System { name: POSTGRAPHILE, pid, address, maker, rounds: all });
            kept.push(Box::new(process));
        }
        Err(why) => report.notes.push(format!("PostGraphile is left out: {why}.")),
    }
    let maker = Box::new(|_| -> Maker { unreachable!("pgbench asks PostgreSQL itself") });
    systems.push(System { name: SQL, pid: None, address: String::new(), maker, rounds: all });
    systems.push(ours(CHANGES, "changes { field oldText newText }", 2, server));
    match peers::directus(&world.url) {
        Ok((process, address, folder)) => {
            let (own, pid) = (address.clone(), Some(process.pid()));
            let maker = Box::new(move |question| peers::directus_maker(&own, question, entries));
            systems.push(System { name: DIRECTUS, pid, address, maker, rounds: 2 });
            kept.push(Box::new((process, folder)));
        }
        Err(why) => report.notes.push(format!("Directus is left out: {why}.")),
    }
    systems
}

async fn ask(world: &World, system: &System, question: Question, connections: usize, entries: usize) -> Outcome {
    let own = || system.pid.map_or(0.0, |pid| processor_time(pid).as_secs_f64());
    let before = (own(), world.processor_seconds());
    let (rate, p50, count) = if system.pid.is_some() {
        let maker = (system.maker)(question);
        let answers = load::run(&system.address, &maker, connections, WARM_UP, TIME).await;
        (answers.rate, answers.p50, answers.count as f64)
    } else {
        let script = sql::script(question, entries);
        let load = Load { script: &script, clients: connections, amount: Amount::Seconds(1), protocol: "prepared" };
        let outcome = pgbench::run(world, &world.url, &load);
        (outcome.rate, connections as f64 * 1_000.0 / outcome.rate, outcome.transactions)
    };
    let micros = |from: f64, to: f64| (to - from) * 1e6 / count;
    Outcome { rate, p50, own: micros(before.0, own()), postgres: micros(before.1, world.processor_seconds()) }
}

fn notes(report: &mut Report, entries: usize) {
    report.notes.push(format!(
        "{entries} entries from a seed: 8 tables, 500 users, skewed, images of about 170 bytes. Database, servers and the \
         load generator share the machine. The load generator is the benchmark's own: closed loop, HTTP/1.1, kept \
         connections; users, dates, objects and ids are drawn anew for each request, the same for all. PostGraphile, \
         Directus, pgbench and the bare handler read the same entries from a table with plain columns and the indexes \
         that the questions want; ours reads its log."
    ));
    report.notes.push(String::from(
        "Bare rows: axum and tokio-postgres, 8 connections, typed rows written as JSON by hand, no GraphQL, no \
         authentication; its page at an offset is a deferred join, as is that of SQL. Directus is asked by REST. \
         PostGraphile and Directus run in one process each with up to 32 connections to the database.",
    ));
}

/// By system, question and number of connections.
type Asked<'a> = ((&'a str, Question, usize), Vec<Outcome>);
type Outcomes<'a> = [Asked<'a>];

fn of(
    outcomes: &Outcomes<'_>,
    name: &str,
    question: Question,
    connections: usize,
    what: fn(&Outcome) -> f64,
) -> Vec<f64> {
    let found =
        outcomes.iter().find(|((other, asked, many), _)| (*other, *many) == (name, connections) && *asked == question);
    found.map(|(_, all)| all.iter().map(what).collect()).unwrap_or_default()
}

/// How long each question takes where no one else asks.
async fn alone(report: &mut Report, systems: &[System]) {
    let mut rows = Vec::new();
    for system in systems.iter().filter(|system| system.pid.is_some()) {
        let mut row = vec![system.name.to_owned()];
        for question in Question::ALL {
            let maker = (system.maker)(question);
            let mut rounds = Vec::new();
            for _ in 0..size::rounds(ROUNDS) {
                rounds.push(load::run(&system.address, &maker, 1, WARM_UP / 2, TIME / 4).await.p50);
            }
            if system.name == OURS && question == Question::Offset {
                report.add("page at offset 100,000, 1 connection, p50", "ms", Some("at most 10"), rounds.clone());
            }
            row.push(report.cell(format!("latency alone: {}, {}", system.name, question.name()), "ms", rounds));
        }
        rows.push(row);
    }
    let names: Vec<&str> = Question::ALL.iter().map(|question| question.name()).collect();
    report.grid("Half of the answers came within, ms, 1 connection", &[&["system"][..], &names].concat(), rows);
}

fn grids(report: &mut Report, systems: &[System], outcomes: &Outcomes<'_>) {
    type Kind = (&'static str, &'static str, fn(&Outcome) -> f64);
    let kinds: [Kind; 4] = [
        ("Answers a second", "a second", |outcome| outcome.rate),
        ("Half of the answers came within", "ms", |outcome| outcome.p50),
        ("CPU of the answering process for one answer", "µs", |outcome| outcome.own),
        ("CPU of PostgreSQL for one answer", "µs", |outcome| outcome.postgres),
    ];
    let names: Vec<&str> = Question::ALL.iter().map(|question| question.name()).collect();
    for (title, unit, what) in kinds {
        for connections in CONNECTIONS {
            let mut rows = Vec::new();
            for system in systems {
                let mut row = vec![system.name.to_owned()];
                for question in Question::ALL {
                    let values = of(outcomes, system.name, question, connections, what);
                    let what = format!("{title}: {}, {}, {connections}", system.name, question.name());
                    row.push(report.cell(what, unit, values));
                }
                rows.push(row);
            }
            let title = format!("{title}, {unit}, {connections} connections");
            report.grid(title, &[&["system"][..], &names].concat(), rows);
        }
    }
}

fn goals(report: &mut Report, outcomes: &Outcomes<'_>) {
    let ratios = |other, question, connections, what: fn(&Outcome) -> f64| -> Vec<f64> {
        let ours = of(outcomes, OURS, question, connections, what);
        let theirs = of(outcomes, other, question, connections, what);
        ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
    };
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        for (other, goal) in [(POSTGRAPHILE, Some("at least 5")), (LIMIT, Some("at least 0.5")), (DIRECTUS, None)] {
            if of(outcomes, other, Question::Newest, connections, |outcome| outcome.rate).is_empty() {
                continue;
            }
            let mut row = vec![format!("{other}, {connections} connections")];
            for question in Question::ALL {
                let what = format!("ours of {other}: {}, {connections} connections", question.name());
                let rates = ratios(other, question, connections, |outcome| outcome.rate);
                let goal = goal.filter(|_| question != Question::Offset);
                report.add(format!("answers a second, {what}"), "×", goal, rates);
                let cpus = ratios(other, question, connections, |outcome| outcome.own + outcome.postgres);
                row.push(report.cell(format!("CPU of both processes, {what}"), "×", cpus));
            }
            rows.push(row);
        }
    }
    let names: Vec<&str> = Question::ALL.iter().map(|question| question.name()).collect();
    let title = "CPU for one answer, of PostgreSQL and of the answering process: ours as a multiple of theirs";
    report.grid(title, &[&["theirs"][..], &names].concat(), rows);
}
