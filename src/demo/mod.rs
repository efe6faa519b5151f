//! The two sample worlds: a stockroom and a workshop, which `afterimage demo` shows the product with, and the tests.

mod tables;

pub use tables::{STOCKROOM, TABLES, WORKSHOP, create_tables};
