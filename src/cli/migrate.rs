use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::audit::Result;
use crate::config::DatabaseSettings;
use crate::store::{self, Database};

/// Bring the log's own tables up to date. Safe to run again, and from several machines at once.
///
/// `serve` does the same at its start where its role may; run this as the owner's role where it may not.
#[derive(Args, Debug)]
pub struct Migrate {
    #[command(flatten)]
    database: DatabaseSettings,

    /// PostgreSQL: the role that `serve` will use. It is granted what a server needs on the log, and no more.
    #[arg(long, value_name = "ROLE")]
    runtime_role: Option<String>,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = self.database.url();
        let database = Database::connect(&url, Duration::from_secs(3_600)).await?;
        store::migrate(&database, &url).await?;
        store::gather_statistics(&database).await?;
        if let Some(role) = &self.runtime_role {
            store::grant_runtime(&database, role).await?;
            eprintln!("{role} may read and write the log");
        }
        eprintln!("the audit log is up to date");
        Ok(ExitCode::SUCCESS)
    }
}
