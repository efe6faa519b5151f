use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::track::told;
use crate::audit::Result;
use crate::capture::{self, Actor, Wish};
use crate::config::DatabaseSettings;
use crate::store::{self, Database};

/// Put the triggers of paused tables back, as the tables are now, and record the gap.
#[derive(Args, Debug)]
pub struct Resume {
    #[command(flatten)]
    database: DatabaseSettings,

    /// Tables, as `afterimage track --check` lists them.
    #[arg(value_name = "TABLE", required = true)]
    tables: Vec<String>,

    /// Also record the rows as they are now, each as one entry.
    #[arg(long)]
    baseline: bool,
}

impl Resume {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = self.database.url();
        let database = Database::connect(&url, Duration::from_secs(3_600)).await?;
        store::migrate(&database, &url).await?;
        let wish = Wish { baseline: self.baseline, ..Wish::default() };
        for table in &self.tables {
            let done = capture::resume(&database, table, &wish, &Actor::default()).await?;
            eprintln!("tracking {}", told(&done));
        }
        Ok(ExitCode::SUCCESS)
    }
}
