//! The command line: one file a command.

mod demo;
mod migrate;
mod openapi;
mod pause;
mod resume;
mod schema;
mod serve;
mod token;
mod track;
mod untrack;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::audit::{Error, Result};

/// An audit log server: triggers record every change to the tables that you name, with its before- and after-image,
/// its author and its context; a GraphQL API shows the log, live and back in time, and undoes it.
#[derive(Parser, Debug)]
#[command(name = "afterimage", version, propagate_version = true, max_term_width = 100)]
pub enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Migrate(migrate::Migrate),
    Track(track::Track),
    Untrack(untrack::Untrack),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Token(token::Token),
    Schema(schema::Schema),
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
}

/// Runs a command, and says what went wrong.
pub fn run(command: Command) -> ExitCode {
    logging();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome: Result<ExitCode> = runtime.block_on(async {
        match command {
            Command::Serve(command) => command.run().await,
            Command::Demo(command) => command.run().await,
            Command::Migrate(command) => command.run().await,
            Command::Track(command) => command.run().await,
            Command::Untrack(command) => command.run().await,
            Command::Pause(command) => command.run().await,
            Command::Resume(command) => command.run().await,
            Command::Token(command) => command.run(),
            Command::Schema(command) => command.run(),
            Command::OpenApi(command) => command.run(),
        }
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {}", error.message());
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            eprintln!("  because: {error}");
            cause = error.source();
        }
        ExitCode::FAILURE
    })
}

/// Logs go to standard error: standard output holds what scripts read. `RUST_LOG` chooses what is logged.
fn logging() {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Done when the process is asked to end, by Ctrl+C or by SIGTERM. It listens from the call on: a server that has said
/// that it is ready ends in good order whenever it is asked to.
fn asked_to_end() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
