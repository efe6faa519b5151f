//! The figures of a run, as tables for people and as JSON for programs.

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
    /// Whether people find it in the list of figures. The others stand in a grid.
    #[serde(skip)]
    listed: bool,
}

/// Figures that are read across and down: systems by workloads.
#[derive(Serialize)]
struct Grid {
    title: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
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
    grids: Vec<Grid>,
    figures: Vec<Figure>,
}

impl Report {
    /// A report without figures.
    pub fn begin(part: &str) -> Report {
        println!("== {part}");
        Report {
            part: part.to_owned(),
            machine: machine::describe(),
            commit: machine::commit(),
            load_at_start: machine::load(),
            notes: Vec::new(),
            grids: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Takes the rounds of one measurement, and prints them.
    pub fn add(&mut self, what: impl Into<String>, unit: &'static str, goal: Option<&'static str>, rounds: Vec<f64>) {
        let figure = Figure::new(what.into(), unit, goal, rounds, true);
        let wanted = goal.map(|goal| format!(", wanted: {goal}")).unwrap_or_default();
        println!("  {}: {} {unit}{wanted}", figure.what, figure.spread());
        self.figures.push(figure);
    }

    /// Takes the rounds of one measurement that stands in a grid; what to put there.
    pub fn cell(&mut self, what: impl Into<String>, unit: &'static str, rounds: Vec<f64>) -> String {
        let figure = Figure::new(what.into(), unit, None, rounds, false);
        let cell = figure.spread();
        self.figures.push(figure);
        cell
    }

    /// Takes a grid, and prints it.
    pub fn grid(&mut self, title: impl Into<String>, head: &[&str], rows: Vec<Vec<String>>) {
        let head = head.iter().map(|&text| text.to_owned()).collect();
        let grid = Grid { title: title.into(), head, rows };
        println!("{}", grid.markdown());
        self.grids.push(grid);
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
        for grid in &self.grids {
            text += "\n";
            text += &grid.markdown();
        }
        if self.figures.iter().any(|figure| figure.listed) {
            text += "\n| what | median | least to most | unit | wanted |\n|---|---|---|---|---|\n";
        }
        for figure in self.figures.iter().filter(|figure| figure.listed) {
            let Figure { what, unit, goal, median, least, most, .. } = figure;
            let (median, least, most) = (brief(*median), brief(*least), brief(*most));
            text += &format!("| {what} | {median} | {least} to {most} | {unit} | {} |\n", goal.unwrap_or(""));
        }
        text
    }
}

impl Figure {
    fn new(what: String, unit: &'static str, goal: Option<&'static str>, rounds: Vec<f64>, listed: bool) -> Figure {
        let mut sorted = rounds.clone();
        let median = stats::median(&mut sorted);
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        Figure { what, unit, goal, median, least, most, rounds, listed }
    }

    /// The median, and between what the rounds lie where there are several.
    fn spread(&self) -> String {
        let median = brief(self.median);
        if self.rounds.len() < 2 {
            return median;
        }
        format!("{median} ({} to {})", brief(self.least), brief(self.most))
    }
}

impl Grid {
    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("**{}**\n\n{}", self.title, line(&self.head));
        text += &format!("|{}\n", "---|".repeat(self.head.len()));
        self.rows.iter().for_each(|row| text += &line(row));
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
pub fn brief(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A whole number as people write it.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let first = (digits.len() + 2) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    rest.as_bytes().chunks(3).fold(head.to_owned(), |text, three| text + "," + &String::from_utf8_lossy(three))
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn whole_numbers_are_parted_by_thousands() {
        assert_eq!([0, 999, 1_000, 100_000, 10_000_000].map(count), ["0", "999", "1,000", "100,000", "10,000,000"]);
    }
}
