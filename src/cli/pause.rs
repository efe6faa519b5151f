use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::audit::Result;
use crate::capture::{self, Actor};
use crate::config::DatabaseSettings;
use crate::store::{self, Database};

/// Take the triggers off tables for a migration, and keep what was chosen for them.
///
/// Until `resume`, or `track`, nothing is recorded of them; the log keeps an entry about that time.
#[derive(Args, Debug)]
pub struct Pause {
    #[command(flatten)]
    database: DatabaseSettings,

    /// Tables, as `afterimage track --check` lists them.
    #[arg(value_name = "TABLE", required = true)]
    tables: Vec<String>,
}

impl Pause {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = self.database.url();
        let database = Database::connect(&url, Duration::from_secs(3_600)).await?;
        store::migrate(&database, &url).await?;
        for table in &self.tables {
            let tracked = capture::pause(&database, table, &Actor::default()).await?;
            eprintln!("{} is paused: changes are not recorded until `afterimage resume`", tracked.table_name);
        }
        Ok(ExitCode::SUCCESS)
    }
}
