use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::audit::Result;
use crate::capture::{self, Actor};
use crate::config::DatabaseSettings;
use crate::store::{self, Database};

/// Stop capturing changes to tables. Their entries stay.
#[derive(Args, Debug)]
pub struct Untrack {
    #[command(flatten)]
    database: DatabaseSettings,

    /// Tables, as `afterimage track --check` lists them.
    #[arg(value_name = "TABLE", required = true)]
    tables: Vec<String>,
}

impl Untrack {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = self.database.url();
        let database = Database::connect(&url, Duration::from_secs(3_600)).await?;
        store::migrate(&database, &url).await?;
        for table in &self.tables {
            let name = capture::untrack(&database, table, &Actor::default()).await?;
            eprintln!("{name} is tracked no more");
        }
        Ok(ExitCode::SUCCESS)
    }
}
