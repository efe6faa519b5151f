use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::audit::{Error, Result};
use crate::capture::{self, Actor, Health, Wish};
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

    /// A column whose values are never recorded, only that they changed: `COLUMN`, or `TABLE.COLUMN` where several
    /// tables are given. Repeatable.
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
        let mut left_out = 0;
        for (number, table) in tables.iter().enumerate() {
            let wish =
                Wish { redacted: self.columns(table, &self.redacted), ignored: self.columns(table, &self.ignored) };
            match capture::track(database, table, &wish, &Actor::default()).await {
                Ok(report) => eprintln!("[{}/{}] tracking {}", number + 1, tables.len(), report.tracked.table_name),
                // Of a whole database, what cannot be taken is told, and the rest goes on.
                Err(error) if everything => {
                    left_out += 1;
                    eprintln!("[{}/{}] left out: {}", number + 1, tables.len(), error.message());
                }
                Err(error) => return Err(error),
            }
        }
        if tables.is_empty() {
            return Err(Error::not_found("there are no tables to track"));
        }
        eprintln!("{} tracked, {left_out} left out", tables.len() - left_out);
        Ok(if left_out == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The columns that are meant for this table; none where none is, so that what was chosen before stays.
    fn columns(&self, table: &str, columns: &[String]) -> Option<Vec<String>> {
        let alone = self.tables.len() == 1;
        let of_table = columns.iter().filter_map(|column| match column.strip_prefix(&format!("{table}.")) {
            Some(column) => Some(column.to_owned()),
            None if alone => Some(column.clone()),
            None => None,
        });
        let of_table: Vec<String> = of_table.collect();
        (!of_table.is_empty()).then_some(of_table)
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
