//! Where PostgreSQL's server programs are on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest release that Afterimage supports.
const OLDEST: u32 = 14;

/// The folder that holds `initdb`, `pg_ctl` and `postgres`.
///
/// `AFTERIMAGE_TEST_PG_BINDIR` chooses one of several installed versions. Nothing found is a failure and never a
/// skipped test: half of what the tests promise would go unchecked without anyone noticing.
pub fn bindir() -> PathBuf {
    if let Some(chosen) = env::var_os("AFTERIMAGE_TEST_PG_BINDIR").map(PathBuf::from) {
        assert!(
            is_usable(&chosen),
            "AFTERIMAGE_TEST_PG_BINDIR holds no PostgreSQL server of version {OLDEST} or later"
        );
        return chosen;
    }
    let candidates = configured().into_iter().chain(on_path()).chain(installed());
    candidates.into_iter().find(|folder| is_usable(folder)).unwrap_or_else(|| {
        panic!(
            "the tests start their own PostgreSQL and found no server programs (initdb, pg_ctl, postgres) of version \
             {OLDEST} or later. `make test` installs them; by hand: `apt-get install postgresql`, `dnf install \
             postgresql-server`, `apk add postgresql`, `pacman -S postgresql` or `brew install postgresql`"
        )
    })
}

/// What PostgreSQL says of itself. The folder may hold a client's programs only.
fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// The folders where `initdb` can be called by name, links followed, since its siblings stand beside the real one.
fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let programs = env::split_paths(&path).filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok());
    programs.filter_map(|program| program.parent().map(Path::to_path_buf)).collect()
}

/// Where distributions put versions side by side, the newest first.
fn installed() -> Vec<PathBuf> {
    let parents = ["/usr/lib/postgresql", "/usr/libexec/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"];
    let children = parents.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten().flatten();
    let mut folders: Vec<PathBuf> = children.map(|child| child.path().join("bin")).collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders
}

fn is_usable(folder: &Path) -> bool {
    let complete = ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).exists());
    complete && version(folder) >= Some(OLDEST)
}

/// The major version: 15 of `postgres (PostgreSQL) 15.4`.
fn version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let digits = text.split_whitespace().nth(2)?;
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}
