use std::process::ExitCode;

use clap::Args;

use crate::audit::Result;
use crate::rest;

/// Print the OpenAPI document of the REST API, as the server serves it at `/api/openapi.json`.
#[derive(Args, Debug)]
pub struct OpenApi {}

impl OpenApi {
    pub(super) fn run(self) -> Result<ExitCode> {
        print!("{}", rest::document()?);
        Ok(ExitCode::SUCCESS)
    }
}
