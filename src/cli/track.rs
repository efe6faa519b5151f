use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::audit::{Code, Error, Result, format_timestamp};
use crate::capture::{self, Actor, Done, Health, Table, Wish};
use crate::config::DatabaseSettings;
use crate::store::{self, Database};

/// Start capturing changes to tables, or change how.
///
/// A table that is tracked already keeps what was chosen for it where nothing is given, columns that were hidden and are
/// renamed among it, and gets its triggers anew: run this after altering a tracked table. One that is paused is resumed.
#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["tables", "all", "schema", "check"])))]
pub struct Track {
    #[command(flatten)]
    database: DatabaseSettings,

    /// Tables, as the database's catalogue spells them; qualified with their schema where that is not the default one.
    #[arg(value_name = "TABLE", conflicts_with_all = ["all", "schema"])]
    tables: Vec<String>,

    /// All tables of the database.
    #[arg(long, conflicts_with = "schema")]
    all: bool,

    /// All tables of one schema.
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,

    /// A column whose values are never recorded, only that they changed: `COLUMN` of every table given that has it, or
    /// `TABLE.COLUMN`. Repeatable. Empty, none is, whatever was chosen before.
    #[arg(long = "redact", value_name = "COL")]
    redacted: Vec<String>,

    /// A column that is not captured at all; as `--redact`. Repeatable.
    #[arg(long = "ignore", value_name = "COL")]
    ignored: Vec<String>,

    /// Refuse writes that carry no user.
    #[arg(long, conflicts_with = "no_require_user")]
    require_user: bool,

    /// Take writes that carry no user again.
    #[arg(long)]
    no_require_user: bool,

    /// Also record the rows that are there already, each as one entry, so that the first change has a past. The table
    /// cannot be written meanwhile. Given again, it records them again.
    #[arg(long)]
    baseline: bool,

    /// Only tell whether the tracked tables are captured as they should be; exits with 1 where one is not, or where one
    /// that is named is not tracked.
    #[arg(long, conflicts_with_all = ["all", "schema", "redacted", "ignored", "require_user", "no_require_user", "baseline"])]
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
        let requires_user = match (self.require_user, self.no_require_user) {
            (false, false) => None,
            (wanted, _) => Some(wanted),
        };
        let count = described.len();
        let mut tracked = 0;
        for (number, (table, (redacted, ignored))) in
            described.iter().zip(redacted.into_iter().zip(ignored)).enumerate()
        {
            let place = format!("[{}/{count}]", number + 1);
            if self.baseline {
                eprintln!("{place} recording the rows of {}", table.name);
            }
            let wish = Wish { redacted, ignored, requires_user, baseline: self.baseline };
            match capture::track(database, &table.name, &wish, &Actor::default()).await {
                Ok(done) => {
                    tracked += 1;
                    eprintln!("{place} tracking {}", told(&done));
                }
                // Another table may be had where this one cannot; not so where the database is away.
                Err(error) if everything && !matches!(error.code(), Code::Unavailable | Code::Internal) => {
                    left_out += 1;
                    eprintln!("left out: {}: {}", table.name, error.message());
                }
                Err(error) => {
                    eprintln!("{tracked} of {count} tracked; {} failed, and what follows was not tried", table.name);
                    return Err(error);
                }
            }
        }
        eprintln!("{tracked} tracked, {left_out} left out");
        Ok(if left_out == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn report(&self, database: &Database) -> Result<ExitCode> {
        let reports = capture::reports(database).await?;
        let known = |name: &String| reports.iter().any(|report| report.tracked.table_name == *name);
        if let Some(unknown) = self.tables.iter().find(|name| !known(name)) {
            return Err(Error::not_found(format!("{unknown:?} is not tracked")));
        }
        let mut sound = true;
        for report in &reports {
            let tracked = &report.tracked;
            if !self.tables.is_empty() && !self.tables.contains(&tracked.table_name) {
                continue;
            }
            sound &= report.health == Health::Ok;
            let paused = tracked.paused_since.map(|since| format!("\tpaused since {}", format_timestamp(since)));
            println!("{}\t{}{}", report.health.as_str(), tracked.table_name, paused.unwrap_or_default());
        }
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What tracking a table did, in a line that begins with its name.
pub(super) fn told(done: &Done) -> String {
    let mut text = done.report.tracked.table_name.clone();
    if let Some(rows) = done.baseline {
        text += &format!(", {rows} rows recorded as they are");
    }
    if let Some(gap) = &done.gap {
        let (since, until) = (format_timestamp(gap.since), format_timestamp(gap.until));
        text += &format!(", changes between {since} and {until} are not in the log");
    }
    for sentence in &done.told {
        text += &format!("\n  {sentence}");
    }
    text
}

/// For each table the columns that are meant for it; none where none is, so that what was chosen before stays.
fn columns_by_table(tables: &[Table], columns: &[String], flag: &str) -> Result<Vec<Option<Vec<String>>>> {
    let mut by_table = vec![None; tables.len()];
    for named in columns {
        if named.is_empty() {
            for columns in &mut by_table {
                columns.get_or_insert_with(Vec::new);
            }
            continue;
        }
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
