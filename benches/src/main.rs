//! What Afterimage is measured by. `make bench` runs everything, `make bench PART=feed` one part; each prints what it
//! does as it goes, and writes its figures as Markdown and as JSON.
//!
//! Each part starts its own PostgreSQL with the settings of a production server, and the server as it ships. Figures of
//! one machine and one run belong together; from one machine to another only ratios can be compared.

mod by_hand;
mod capture;
mod child;
#[allow(dead_code, reason = "the tests' cluster can do more than is needed here")]
#[path = "../../tests/it/support/cluster.rs"]
mod cluster;
mod dice;
mod feed;
mod footprint;
#[allow(dead_code, reason = "the tests' keeper can do more than is needed here")]
#[path = "../../tests/it/support/keeper.rs"]
mod keeper;
mod load;
mod machine;
mod peers;
mod pgbench;
#[path = "../../tests/it/support/postgres_binaries.rs"]
mod postgres_binaries;
mod process;
mod reading;
mod report;
mod scale;
mod seed;
mod server;
mod size;
mod sqlite;
mod stats;
mod subscriber;
mod world;

use report::Report;

/// The parts, by name.
const PARTS: [&str; 7] = ["capture", "sqlite", "by-hand", "reading", "scale", "process", "feed"];

#[tokio::main]
async fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let [word, url] = &asked[..]
        && word == reading::bare_rows::COMMAND
    {
        return reading::bare_rows::serve(url).await;
    }
    if let Some(unknown) = asked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        eprintln!("there is no part {unknown:?}; there are {PARTS:?}");
        std::process::exit(2);
    }
    if let [part] = &asked[..] {
        measure(part).await;
        return;
    }
    let parts = PARTS.iter().filter(|part| asked.is_empty() || asked.iter().any(|name| name == *part));
    let failed: Vec<&str> = parts.copied().filter(|part| !has_run(part)).collect();
    if !failed.is_empty() {
        eprintln!("these parts failed: {failed:?}");
        std::process::exit(1);
    }
}

/// Runs a part in a process of its own: one that fails leaves the others alone.
fn has_run(part: &str) -> bool {
    let program = std::env::current_exe().expect("this program is a file");
    std::process::Command::new(program).arg(part).status().expect("it starts").success()
}

async fn measure(part: &str) {
    let mut report = Report::begin(part);
    let begin = std::time::Instant::now();
    match part {
        "capture" => capture::run(&mut report).await,
        "sqlite" => sqlite::run(&mut report).await,
        "by-hand" => by_hand::run(&mut report).await,
        "reading" => reading::run(&mut report).await,
        "scale" => scale::run(&mut report).await,
        "process" => footprint::run(&mut report).await,
        "feed" => feed::run(&mut report).await,
        other => unreachable!("{other} is no part"),
    }
    report.notes.push(format!("Measured in {:.0} s.", begin.elapsed().as_secs_f64()));
    report.write();
}
