use std::process::ExitCode;

use clap::Args;

use crate::audit::Result;

/// Placeholder.
#[derive(Args, Debug)]
pub struct Demo {}

impl Demo {
    pub(super) async fn run(self) -> Result<ExitCode> {
        Ok(ExitCode::SUCCESS)
    }
}
