//! Makes cargo build the server again when GraphiQL was built, since its files are embedded.

use std::path::Path;

fn main() {
    let built = "web/graphiql/dist";
    // A path that does not exist would have cargo run this, and compile the server, every time.
    let watched = if Path::new(built).exists() { built } else { "web/graphiql" };
    println!("cargo:rerun-if-changed={watched}");
}
