use std::process::ExitCode;

use clap::Args;

use super::asked_to_end;
use crate::audit::Result;
use crate::config::{AuthSettings, DatabaseSettings, ServeSettings};
use crate::server::Server;
use crate::store;

/// Serve the API. Without any option: a SQLite file in the working directory, on loopback, with a token printed.
///
/// Once it serves, one line on standard output says so: `listening on http://127.0.0.1:8080`. Logs, tokens and links go
/// to standard error.
#[derive(Args, Debug)]
pub struct Serve {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    auth: AuthSettings,
    #[command(flatten)]
    serve: ServeSettings,
}

impl Serve {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let server = Server::prepare(&self.database.url(), &self.auth, &self.serve).await?;
        for warning in store::warnings(&server.services.database).await? {
            tracing::warn!("{warning}");
        }
        let asked_to_end = asked_to_end()?;
        announce(&server)?;
        server.serve(asked_to_end).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Says that the server is ready, and where; where it made its own secret, with what token.
pub(super) fn announce(server: &Server) -> Result<()> {
    let address = server.address()?;
    println!("listening on http://{address}");
    if server.own_secret {
        let token = server.first_token()?;
        eprintln!("\n  GraphiQL  http://{address}/graphiql#token={token}");
        eprintln!("  token     {token}");
        eprintln!("            (for an administrator, for 12 hours; `afterimage token` makes others)\n");
    }
    Ok(())
}
