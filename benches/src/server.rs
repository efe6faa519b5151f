//! The server as it ships, in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

const SECRET: &str = "a secret of the benchmarks, 32 bytes or more";

/// A running server. Dropping it kills it.
pub struct Server {
    process: Child,
    /// Where it listens: `127.0.0.1:PORT`.
    pub address: String,
    /// An administrator's token.
    pub token: String,
}

impl Server {
    /// Starts the server over a database, and waits until it serves.
    pub fn start(database_url: &str) -> Server {
        Server::start_with(database_url, token(database_url))
    }

    /// The same with a token that is there already, for whoever counts the time.
    pub fn start_with(database_url: &str, token: String) -> Server {
        let mut process = command(database_url)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let output = process.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("the server says where it listens");
        let address = line.trim().rsplit_once("http://").expect("an address").1.to_owned();
        Server { process, address, token }
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What the server answers to a query; errors end the benchmark.
    pub async fn ask(&self, query: &str) -> Value {
        let body = json!({"query": query}).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        );
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(&self.address).await.expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the server answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whether it had ended by itself makes no difference now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A token for an administrator.
pub fn token(database_url: &str) -> String {
    run(database_url, &["token", "--role", "admin", "--ttl", "12h"]).trim().to_owned()
}

/// Runs a command of the binary to its end; what it printed.
pub fn run(database_url: &str, arguments: &[&str]) -> String {
    let output = command(database_url).args(arguments).output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn command(database_url: &str) -> Command {
    let mut command = Command::new(binary());
    command.env("AFTERIMAGE_DATABASE_URL", database_url).env("AFTERIMAGE_JWT_SECRET", SECRET);
    command
}

/// The release binary, which `make bench` has built.
pub fn binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let binary = Path::new(&target).join("release/afterimage");
    assert!(binary.exists(), "{} is missing: `make bench` builds it", binary.display());
    binary
}
