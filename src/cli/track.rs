use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::audit::{Error, Result};
use crate::capture::{self, Actor, Health, Table, Wish};
use crate::config::DatabaseSettings;
use crate::store::{self, Database};

/// Start capturing changes to tables, or change how.
///
/// A table that is tracked already keeps its redacted and ignored columns where none are given, and gets its triggers
/// anew: run this after altering a tracked table.
#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["tables", "all", "schema", "check"])))]
pub struct Track {
    #[command(flatten)]
    database: DatabaseSettings,

    /// Tables, as the database's catalogue spells them; qualified with their schema where that is not the default one.
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,

    /// All tables of the database.
    #[arg(long)]
    all: bool,

    /// All tables of one schema.
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,

    /// A column whose values are never recorded, only that they changed: `COLUMN` of every table given that has it, or
    /// `TABLE.COLUMN`. Repeatable.
    #[arg(long = "redact", value_name = "COL")]
    redacted: Vec<String>,

    /// A column that is not captured at all; as `--redact`. Repeatable.
    #[arg(long = "ignore", value_name = "COL")]
    ignored: Vec<String>,

    /// Only tell whether the tracked tables are captured as they should be; exits with 1 where one is not.
    #[arg(long, conflicts_with_all = ["all", "schema", "redacted", "ignored"])]
    check: bool,
}

impl Track {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = self.database.url();
        let database = Database::connect(&url, Duration::from_secs(3_600)).await?;
        store::migrate(&database, &url).await?;
        if self.check { self.report(&database).await } else { self.track(&database).await }
    }

    async fn track(&self, database: &Database) -> Result<ExitCode> {
        let everything = self.all || self.schema.is_some();
        let tables = match everything {
            true => capture::list(database, self.schema.as_deref()).await?,
            false => self.tables.clone(),
        };
        if tables.is_empty() {
            return Err(Error::not_found("there are no tables to track"));
        }
        let mut described = Vec::with_capacity(tables.len());
        let mut left_out = 0;
        for table in &tables {
            match capture::describe(database, table).await {
                Ok(table) => described.push(table),
                // Of a whole database, what cannot be taken is told, and the rest goes on.
                Err(error) if everything => {
                    left_out += 1;
                    eprintln!("left out: {}", error.message());
                }
                Err(error) => return Err(error),
            }
        }
        // Before anything is tracked: a column that was to be redacted and is not would be in the log for ever.
        let redacted = columns_by_table(&described, &self.redacted, "--redact")?;
        let ignored = columns_by_table(&described, &self.ignored, "--ignore")?;
        for (number, (table, (redacted, ignored))) in
            described.iter().zip(redacted.into_iter().zip(ignored)).enumerate()
        {
            let report = capture::track(database, &table.name, &Wish { redacted, ignored }, &Actor::default()).await?;
            eprintln!("[{}/{}] tracking {}", number + 1, described.len(), report.tracked.table_name);
        }
        eprintln!("{} tracked, {left_out} left out", described.len());
        Ok(if left_out == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn report(&self, database: &Database) -> Result<ExitCode> {
        let mut sound = true;
        for report in capture::reports(database).await? {
            if !self.tables.is_empty() && !self.tables.contains(&report.tracked.table_name) {
                continue;
            }
            sound &= report.health == Health::Ok;
            println!("{}\t{}", report.health.as_str(), report.tracked.table_name);
        }
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// For each table the columns that are meant for it; none where none is, so that what was chosen before stays.
fn columns_by_table(tables: &[Table], columns: &[String], flag: &str) -> Result<Vec<Option<Vec<String>>>> {
    let mut by_table = vec![None; tables.len()];
    for named in columns {
        let mut known = false;
        for (table, columns) in tables.iter().zip(&mut by_table) {
            let column = named.strip_prefix(&format!("{}.", table.name)).unwrap_or(named);
            if table.column(column).is_some() {
                columns.get_or_insert_with(Vec::new).push(column.to_owned());
                known = true;
            }
        }
        if !known {
            return Err(Error::bad_input(format!("`{flag} {named}`: none of the tables has such a column")));
        }
    }
    Ok(by_table)
}
