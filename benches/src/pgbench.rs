//! PostgreSQL's own load generator.

use std::fs;
use std::process::Command;

use crate::keeper;
use crate::world::World;

/// What to run, and how much of it.
pub struct Load<'a> {
    /// The script, in pgbench's words.
    pub script: &'a str,
    /// How many clients at once.
    pub clients: usize,
    /// How the run ends.
    pub amount: Amount,
    /// `simple` or `prepared`.
    pub protocol: &'a str,
}

/// Where a run ends.
pub enum Amount {
    /// After so many transactions of each client.
    Transactions(usize),
    /// After so many seconds.
    Seconds(usize),
}

/// What a run came to.
pub struct Outcome {
    /// Transactions a second, without the time of connecting.
    pub rate: f64,
    /// How many there were.
    pub transactions: f64,
}

/// Runs the load to its end in a database of the world.
pub fn run(world: &World, url: &str, load: &Load<'_>) -> Outcome {
    let folder = keeper::folder();
    let script = folder.path().join("load.sql");
    fs::write(&script, load.script).expect("the script can be written");
    let mut command = Command::new(world.program("pgbench"));
    let threads = load.clients.min(2);
    command.args(["--no-vacuum", "--random-seed", "42", "--define", "n=0"]);
    command.args(["--client", &load.clients.to_string(), "--jobs", &threads.to_string()]);
    command.args(["--protocol", load.protocol]).arg("--file").arg(&script);
    match load.amount {
        Amount::Transactions(count) => command.args(["--transactions", &count.to_string()]),
        Amount::Seconds(count) => command.args(["--time", &count.to_string()]),
    };
    let output = command.arg(url).output().expect("pgbench starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !errors.contains("aborted"), "pgbench failed:\n{text}{errors}");
    let number = |label: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(label));
        let line = line.unwrap_or_else(|| panic!("pgbench says nothing of {label:?}:\n{text}"));
        let digits: String = line.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        digits.parse().expect("a number")
    };
    let transactions = number("number of transactions actually processed: ");
    Outcome { rate: number("tps = "), transactions }
}
