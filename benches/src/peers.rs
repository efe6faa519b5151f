//! Where `scripts/install-bench-peers` has put those whom we are measured against.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Their set-up programs and pinned versions.
pub const FOLDER: &str = "benches/peers";

/// The Python that has the peers of capture; none where they could not be installed.
pub fn python() -> Option<PathBuf> {
    existing(target().join("bench-venv/bin/python"))
}

/// The Node that the peers of reading want; none where they could not be installed.
pub fn node() -> Option<PathBuf> {
    existing(Path::new(FOLDER).join("node_modules/.installed"))?;
    existing(target().join("bench-node/node_modules/.bin/node")).or_else(|| Some(PathBuf::from("node")))
}

/// Runs one of the Python programs to its end, over a database.
pub fn set_up(program: &str, database_url: &str) {
    let python = python().expect("it is installed");
    let output = Command::new(python).arg(Path::new(FOLDER).join(program)).arg(database_url).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where what is built goes.
pub fn target() -> PathBuf {
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    env::current_dir().expect("the folder is there").join(folder)
}

fn existing(path: PathBuf) -> Option<PathBuf> {
    path.exists().then_some(path)
}
