use std::process::ExitCode;

use clap::Args;

use super::asked_to_end;
use super::serve::announce;
use crate::audit::Result;
use crate::config::{AuthSettings, ServeSettings};
use crate::demo;

/// Show everything on made-up data: a stockroom and a workshop with half a year behind them, and live traffic.
///
/// The first start makes tables and their past in a database of its own; later ones go on from there. A database that
/// holds anything else is refused. Announces itself as `serve` does.
#[derive(Args, Debug)]
#[command(mut_arg("owner_database_url", |arg| arg.hide(true)))]
pub struct Demo {
    /// The database that the demo makes its tables in: `postgres://…` or `sqlite://…`. The demo reads neither
    /// `AFTERIMAGE_DATABASE_URL` nor `DATABASE_URL`.
    #[arg(long, value_name = "URL", default_value = "sqlite://afterimage-demo.db?mode=rwc")]
    database_url: String,

    /// Leave the worlds as they are: nobody changes anything but you.
    #[arg(long)]
    no_traffic: bool,

    #[command(flatten)]
    auth: AuthSettings,
    #[command(flatten)]
    serve: ServeSettings,
}

impl Demo {
    pub(super) async fn run(self) -> Result<ExitCode> {
        // One for both: a signal that comes between the two must not be lost.
        let mut end = Box::pin(asked_to_end()?);
        let server = tokio::select! {
            server = demo::start(&self.database_url, &self.auth, &self.serve, &|line| eprintln!("{line}")) => server?,
            () = &mut end => {
                eprintln!("interrupted: if the past was under way, the next start refuses it, and it can be deleted");
                return Ok(ExitCode::FAILURE);
            }
        };
        announce(&server)?;
        suggest(!self.no_traffic);
        let database = server.services.database.clone();
        let serving = server.serve(end);
        if self.no_traffic {
            serving.await?;
        } else {
            tokio::select! {
                served = serving => served?,
                never = demo::traffic(&database, &self.database_url) => match never? {},
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Three things to begin with.
fn suggest(traffic: bool) {
    let now = if traffic { "What happens right now" } else { "What happens once you change something" };
    eprintln!(
        "  Deleted, and could come back:  {{ trash(first: 5) {{ nodes {{ id tableName recordId description }} }} }}"
    );
    eprintln!("  Who has done how much:  {{ summary {{ total byUser {{ username count }} }} }}");
    eprintln!(
        "  {now}:  subscription {{ auditLogAdded {{ auditLog {{ action tableName username description }} }} }}\n"
    );
}
