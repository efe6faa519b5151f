//! The sample workshop: machines, and the programs that run on them.

pub mod machines;
pub mod programs;
