use std::process::ExitCode;

use clap::Args;

use crate::audit::Result;
use crate::graphql;

/// Print the API's GraphQL schema, with the descriptions that are its reference.
#[derive(Args, Debug)]
pub struct Schema {}

impl Schema {
    pub(super) fn run(self) -> Result<ExitCode> {
        print!("{}", graphql::sdl());
        Ok(ExitCode::SUCCESS)
    }
}
