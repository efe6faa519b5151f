//! The command `afterimage`.

use std::process::ExitCode;

use clap::Parser as _;

// Answers are made of many small texts; this allocator serves them a tenth to a third faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    afterimage::cli::run(afterimage::cli::Command::parse())
}
