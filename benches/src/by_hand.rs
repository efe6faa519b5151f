//! Entries made by hand, beside the same rows by plain INSERTs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::load::{self, Client, Maker, post};
use crate::pgbench::{self, Amount, Load};
use crate::process::processor_time;
use crate::report::Report;
use crate::server::{self, Server};
use crate::size::{self, scaled};
use crate::world::{World, run as run_sql};

const ROUNDS: usize = 3;
/// How many entries at once.
const MANY: usize = 1_000;
/// How often.
const TURNS: usize = 40;
const CLIENTS: usize = 8;
/// How long one at a time.
const SECONDS: usize = 4;

/// The columns that an entry made by hand fills.
const COLUMNS: &str = "action, table_name, record_id, user_id, username, old_values, new_values, description, \
    ip_address, correlation_id, metadata, source, recorded_by";

/// Rate, and processor time of the server and of PostgreSQL for one entry, in µs.
#[derive(Default)]
struct Side {
    rates: Vec<f64>,
    server: Vec<f64>,
    postgres: Vec<f64>,
}

/// Runs all of it.
pub async fn run(report: &mut Report) {
    let world = World::start(&[]).await;
    report.notes.push(world.describe().await);
    report.notes.push(String::from(
        "The entries have a user, a name, images, a description, an address, a correlation id and metadata. The INSERTs \
         write the same columns of the same table, with the same indexes; those of 1,000 rows as one statement of \
         literals over one connection, those of one by pgbench, simple protocol.",
    ));
    server::run(&world.url, &["migrate"]);
    let server = Server::start(&world.url);
    let mut sides: [Side; 4] = Default::default();
    let rounds = size::rounds(ROUNDS);
    for round in 1..=rounds {
        println!("  round {round} of {rounds}: {MANY} at once, and one by one with {CLIENTS} connections");
        many_by_api(&world, &server, &mut sides[0]).await;
        many_by_sql(&world, &mut sides[1]).await;
        one_by_api(&world, &server, &mut sides[2]).await;
        one_by_sql(&world, &mut sides[3]);
    }
    let names =
        ["createAuditLogs of 1,000", "INSERT of 1,000 rows", "createAuditLog, 8 connections", "INSERT, pgbench -c 8"];
    let mut rows = Vec::new();
    for (name, side) in names.iter().zip(&sides) {
        let mut cell = |what: &str, unit, values: &[f64]| report.cell(format!("{name}: {what}"), unit, values.to_vec());
        rows.push(vec![
            (*name).to_owned(),
            cell("entries", "a second", &side.rates),
            cell("CPU of the server", "µs", &side.server),
            cell("CPU of PostgreSQL", "µs", &side.postgres),
        ]);
    }
    let head = ["what", "entries a second", "CPU of the server an entry, µs", "CPU of PostgreSQL an entry, µs"];
    report.grid("Entries by hand", &head, rows);
    for (what, pair) in
        ["createAuditLogs of 1,000 of one INSERT", "createAuditLog of INSERT"].iter().zip(sides.chunks(2))
    {
        let ratios = pair[0].rates.iter().zip(&pair[1].rates).map(|(ours, theirs)| ours / theirs).collect();
        report.add(format!("rate, {what}"), "×", Some("at least 0.5"), ratios);
    }
}

/// The input for an entry.
fn input(number: usize) -> Value {
    json!({
        "userId": format!("u{}", number % 500), "username": "Ann", "action": "UPDATE", "tableName": "orders",
        "recordId": number.to_string(), "oldValues": {"status": "open", "total": 12.5, "note": null},
        "newValues": {"status": "paid", "total": 12.75, "note": format!("paid by card {number}")},
        "description": "Paid", "ipAddress": "10.0.0.7", "correlationId": format!("req-{number}"),
        "metadata": {"screen": "till"},
    })
}

/// The same entry as a row of SQL; `number` is SQL too.
fn row(number: &str) -> String {
    format!(
        "('UPDATE', 'orders', '{number}', 'u42', 'Ann', '{{\"status\":\"open\",\"total\":12.5,\"note\":null}}', \
         '{{\"status\":\"paid\",\"total\":12.75,\"note\":\"paid by card {number}\"}}', 'Paid', '10.0.0.7', \
         'req-{number}', '{{\"screen\":\"till\"}}', 'API', 'admin')"
    )
}

async fn many_by_api(world: &World, server: &Server, side: &mut Side) {
    let query = "mutation ($inputs: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $inputs) { auditLogs { id } } }";
    let headers = format!("authorization: Bearer {}\r\n", server.token);
    let inputs: Vec<Value> = (0..MANY).map(input).collect();
    let body = json!({"query": query, "variables": {"inputs": inputs}}).to_string();
    let request = post(&server.address, "/graphql", &headers, &body);
    let mut client = Client::connect(&server.address).await;
    client.ask(&request).await;
    let before = (processor_time(server.pid()).as_secs_f64(), world.processor_seconds(), Instant::now());
    for _ in 0..scaled(TURNS) {
        client.ask(&request).await;
    }
    let entries = (MANY * scaled(TURNS)) as f64;
    side.rates.push(entries / before.2.elapsed().as_secs_f64());
    side.server.push((processor_time(server.pid()).as_secs_f64() - before.0) * 1e6 / entries);
    side.postgres.push((world.processor_seconds() - before.1) * 1e6 / entries);
}

async fn many_by_sql(world: &World, side: &mut Side) {
    let rows: Vec<String> = (0..MANY).map(|number| row(&number.to_string())).collect();
    let statement = format!("insert into afterimage.log ({COLUMNS}) values {} returning id", rows.join(", "));
    let mut connection = world.connect().await;
    run_sql(&mut connection, &statement).await;
    let before = (world.processor_seconds(), Instant::now());
    for _ in 0..scaled(TURNS) {
        run_sql(&mut connection, &statement).await;
    }
    let entries = (MANY * scaled(TURNS)) as f64;
    side.rates.push(entries / before.1.elapsed().as_secs_f64());
    side.server.push(0.0);
    side.postgres.push((world.processor_seconds() - before.0) * 1e6 / entries);
}

async fn one_by_api(world: &World, server: &Server, side: &mut Side) {
    let query = "mutation ($input: CreateAuditLogInput!) { createAuditLog(input: $input) { auditLog { id } } }";
    let headers = format!("authorization: Bearer {}\r\n", server.token);
    let address = server.address.clone();
    let maker: Maker = Arc::new(move |dice: &mut Dice| {
        let body = json!({"query": query, "variables": {"input": input(dice.below(1_000_000))}}).to_string();
        post(&address, "/graphql", &headers, &body)
    });
    let before = (processor_time(server.pid()).as_secs_f64(), world.processor_seconds());
    let time = Duration::from_secs(scaled(10 * SECONDS) as u64 / 10);
    let answers =
        load::run(&server.address, &maker, CLIENTS, Duration::from_millis(300), time.max(Duration::from_secs(1))).await;
    let entries = answers.count as f64;
    side.rates.push(answers.rate);
    side.server.push((processor_time(server.pid()).as_secs_f64() - before.0) * 1e6 / entries);
    side.postgres.push((world.processor_seconds() - before.1) * 1e6 / entries);
}

fn one_by_sql(world: &World, side: &mut Side) {
    let script = format!(
        "\\set n random(1, 1000000)\ninsert into afterimage.log ({COLUMNS}) values {} returning id;\n",
        row(":n")
    );
    let amount = Amount::Seconds(if size::is_full() { SECONDS } else { 1 });
    let before = world.processor_seconds();
    let outcome =
        pgbench::run(world, &world.url, &Load { script: &script, clients: CLIENTS, amount, protocol: "simple" });
    side.rates.push(outcome.rate);
    side.server.push(0.0);
    side.postgres.push((world.processor_seconds() - before) * 1e6 / outcome.transactions);
}
