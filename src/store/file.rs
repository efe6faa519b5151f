//! The file of an SQLite database, and whether it is still the one that was opened: whoever puts another in its place
//! leaves the server with one that no name leads to, and what is written there is lost.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::connect::{Database, Kind};

/// The file that a database was opened from.
pub struct DatabaseFile {
    path: PathBuf,
    /// What the system calls it, by device and number.
    identity: (u64, u64),
}

impl DatabaseFile {
    /// The file at the database's path now; none where it has no file of its own.
    pub fn of(database: &Database) -> Option<DatabaseFile> {
        if database.kind != Kind::Sqlite {
            return None;
        }
        let options = database.writer.get_sqlite_connection_pool().connect_options();
        let path = options.get_filename().to_owned();
        Some(DatabaseFile { identity: identity(&path)?, path })
    }

    /// Whether another file stands at its path. A path that leads nowhere is an outage, which may end.
    pub fn is_replaced(&self) -> bool {
        identity(&self.path).is_some_and(|now| now != self.identity)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
