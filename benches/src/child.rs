//! A server that is measured, in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running process. Dropping it kills it.
pub struct Process(Child);

impl Process {
    /// Starts it, and waits for a line that says where it listens; the rest of that line, without the scheme.
    pub fn start(command: &mut Command) -> Result<(Process, String), String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = Process(child.map_err(|error| error.to_string())?);
        let output = process.0.stdout.take().expect("standard output is piped");
        let mut lines = BufReader::new(output).lines();
        let mut said = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, address)) = line.split_once("http://") {
                let address = address.trim().trim_end_matches('/').to_owned();
                // Whoever writes on must not be stopped by a full pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok((process, address));
            }
            said.push(line);
        }
        Err(format!("it ended before it listened: {}", said.join(" ")))
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whether it had ended by itself makes no difference now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
