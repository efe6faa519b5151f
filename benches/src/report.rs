//! The figures of a run, as a table for people and as JSON for programs.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::{machine, stats};

/// Where each part's table and JSON go.
const FOLDER: &str = "benches/results";
/// All tables, one after the other.
const ALL: &str = "benches/RESULTS.md";

/// One thing that was measured, in several rounds.
#[derive(Serialize)]
pub struct Figure {
    what: String,
    unit: &'static str,
    goal: Option<&'static str>,
    median: f64,
    least: f64,
    most: f64,
    rounds: Vec<f64>,
}

/// The figures of one part.
#[derive(Serialize)]
pub struct Report {
    part: String,
    machine: String,
    commit: String,
    load_at_start: String,
    /// What else there is to know: versions, sizes, settings.
    pub notes: Vec<String>,
    figures: Vec<Figure>,
}

impl Report {
    /// A report without figures.
    pub fn begin(part: &str) -> Report {
        Report {
            part: part.to_owned(),
            machine: machine::describe(),
            commit: machine::commit(),
            load_at_start: machine::load(),
            notes: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Takes the rounds of one measurement, and prints them.
    pub fn add(&mut self, what: impl Into<String>, unit: &'static str, goal: Option<&'static str>, rounds: Vec<f64>) {
        let what = what.into();
        let mut sorted = rounds.clone();
        let median = stats::median(&mut sorted);
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        let wanted = goal.map(|goal| format!(", wanted: {goal}")).unwrap_or_default();
        println!("  {what}: {} {unit} ({} to {}){wanted}", brief(median), brief(least), brief(most));
        self.figures.push(Figure { what, unit, goal, median, least, most, rounds });
    }

    /// Writes both files, and puts the table among those of the other parts.
    pub fn write(&self) {
        fs::create_dir_all(FOLDER).expect("the folder of the results can be made");
        let path = |ending: &str| Path::new(FOLDER).join(format!("{}.{ending}", self.part));
        fs::write(path("md"), self.markdown()).expect("the table can be written");
        let json = serde_json::to_string_pretty(self).expect("figures are JSON");
        fs::write(path("json"), json + "\n").expect("the JSON can be written");
        gather();
        println!("written: {}, {} and {ALL}", path("md").display(), path("json").display());
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n\nOn {}; commit {}", self.part, self.machine, self.commit);
        text += &format!("; load of the machine at the start {}.\n\n", self.load_at_start);
        for note in &self.notes {
            text += &format!("- {note}\n");
        }
        text += "\n| what | median | least to most | unit | wanted |\n|---|---|---|---|---|\n";
        for figure in &self.figures {
            let Figure { what, unit, goal, median, least, most, .. } = figure;
            let (median, least, most) = (brief(*median), brief(*least), brief(*most));
            text += &format!("| {what} | {median} | {least} to {most} | {unit} | {} |\n", goal.unwrap_or(""));
        }
        text
    }
}

/// Puts the tables of all parts into one file, in the order of their names.
fn gather() {
    let folder = fs::read_dir(FOLDER).expect("the folder of the results is there");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    let tables: Vec<String> = paths.iter().map(|path| fs::read_to_string(path).expect("a table")).collect();
    fs::write(ALL, tables.join("\n")).expect("the tables can be written");
}

/// Three digits say all that such a figure knows.
fn brief(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
