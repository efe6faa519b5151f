//! The programs: what runs them, and what they need to be there.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Far longer than any of them takes.
const PATIENCE: Duration = Duration::from_secs(240);

/// A script of `tests/clients` and what runs it.
pub struct Program {
    interpreter: PathBuf,
    script: &'static str,
}

/// Run by Node.
pub fn node(script: &'static str) -> Program {
    assert!(
        folder().join("node_modules/.installed").exists(),
        "the clients are not installed: `make test-tools` does it"
    );
    Program { interpreter: "node".into(), script }
}

/// Run by Python, in the environment that holds its client.
pub fn python(script: &'static str) -> Program {
    let interpreter = root().join("target/clients-venv/bin/python");
    assert!(
        root().join("target/clients-venv/.installed").exists(),
        "Python's client is not installed: `make test-tools` does it"
    );
    Program { interpreter, script }
}

impl Program {
    /// Runs it to its end; where that is not a good one, gives all that it printed.
    pub fn run(&self, environment: &[(&str, String)]) -> Result<(), String> {
        let output = tempfile::NamedTempFile::new().expect("a file");
        let ended = self.ended(environment, output.as_file());
        let told = std::fs::read_to_string(output.path()).expect("text");
        match ended {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("{}: {status}\n{told}", self.script)),
            None => Err(format!("{} was not done in {PATIENCE:?}\n{told}", self.script)),
        }
    }

    /// How it ended; none where it had to be stopped.
    fn ended(&self, environment: &[(&str, String)], output: &File) -> Option<ExitStatus> {
        let stream = || Stdio::from(output.try_clone().expect("the file once more"));
        let mut child = Command::new(&self.interpreter)
            .arg(self.script)
            .current_dir(folder())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} does not start ({error}): `make test-tools` installs it", self.interpreter.display())
            });
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait().expect("its state") {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().expect("it is stopped");
        child.wait().expect("it ends");
        None
    }
}

/// The repository's.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The clients' own.
fn folder() -> PathBuf {
    root().join("tests/clients")
}
