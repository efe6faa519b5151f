//! The process that outlives the tests by a moment, to remove what they made (`keeper.sh`).

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

/// A new folder. It goes with the returned guard, and at the latest with the process.
pub fn folder() -> TempDir {
    static SCRATCH: OnceLock<(Mutex<Keeper>, PathBuf)> = OnceLock::new();
    let (_, root) = SCRATCH.get_or_init(|| {
        let (keeper, root) = Keeper::start(Path::new(""));
        (Mutex::new(keeper), root)
    });
    tempfile::Builder::new().prefix("world-").tempdir_in(root).expect("a folder in the keeper's")
}

/// The shell that stops the cluster and removes its files when it is dropped or the tests are gone.
pub struct Keeper {
    // An option so that the destructor can close it before it waits.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    shell: Child,
}

impl Keeper {
    /// A keeper with a new folder. `bindir` is where it finds PostgreSQL, should it be ordered to start one.
    pub fn start(bindir: &Path) -> (Self, PathBuf) {
        let mut command = Command::new("sh");
        command.arg("-c").arg(include_str!("keeper.sh")).arg("keeper").arg(bindir);
        // Settings for PostgreSQL's own programs are about some other server.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        // A group of its own, so that what kills the tests' group leaves the keeper to do its work.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = command.spawn().expect("sh starts");
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("standard output is piped"));
        let mut keeper = Self { orders, answers, shell };
        // The folder is made by whoever removes it: there is no moment at which a kill would leave it behind.
        let root = PathBuf::from(keeper.answer());
        assert!(root.is_dir(), "no folder could be made in the temporary one");
        (keeper, root)
    }

    /// Gives one order and waits until it is carried out.
    pub fn order(&mut self, order: &str) -> Result<(), ()> {
        let orders = self.orders.as_mut().expect("open until dropped");
        writeln!(orders, "{order}").expect("the keeper listens");
        if self.answer() == "done" { Ok(()) } else { Err(()) }
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the keeper answers");
        answer.trim_end().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders.take();
        // Nothing to be done about a failure here; the folder is a temporary one.
        let _ = self.shell.wait();
    }
}
