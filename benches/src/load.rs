//! A load generator for HTTP/1.1: so many connections, each of which asks again once it has its answer. It is in the
//! benchmark and not `wrk`, so that each request can ask for something else, and each answer is looked at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::stats::percentile;

/// Makes requests, whole, of what chance says.
pub type Maker = Arc<dyn Fn(&mut Dice) -> Vec<u8> + Send + Sync>;

/// What a run came to.
pub struct Answers {
    /// Answers a second.
    pub rate: f64,
    /// How many, also those before the time that counts.
    pub count: usize,
    /// From asking to the whole answer, in milliseconds.
    pub p50: f64,
    pub p99: f64,
}

/// A kept connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: &str) -> Client {
        let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        stream.set_nodelay(true).expect("a socket");
        Client { stream, buffer: Vec::with_capacity(1 << 17) }
    }

    /// Asks, and takes the whole answer. What is no success ends the benchmark.
    pub async fn ask(&mut self, request: &[u8]) {
        let head = self.exchange(request).await;
        let beginning = String::from_utf8_lossy(&self.buffer[..self.buffer.len().min(head + 200)]);
        let good = beginning.starts_with("HTTP/1.1 200") && !beginning.contains("\"errors\"");
        assert!(good, "{}\n{beginning}", String::from_utf8_lossy(request));
    }

    /// Asks, and takes whatever answer comes; its body.
    pub async fn try_ask(&mut self, request: &[u8]) -> String {
        let head = self.exchange(request).await;
        String::from_utf8_lossy(&self.buffer[head..]).into_owned()
    }

    /// Asks, and takes the whole answer; where its body begins.
    async fn exchange(&mut self, request: &[u8]) -> usize {
        self.stream.write_all(request).await.expect("the server reads");
        self.buffer.clear();
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        match length.map(|text| text.trim().parse::<usize>().expect("a length")) {
            Some(length) => {
                while self.buffer.len() < head + length {
                    self.more().await;
                }
            }
            // In chunks: the last one is empty.
            None => {
                while !self.buffer.ends_with(b"\r\n0\r\n\r\n") {
                    self.more().await;
                }
            }
        }
        head
    }

    async fn more(&mut self) {
        let count = self.stream.read_buf(&mut self.buffer).await.expect("the server answers");
        assert!(count > 0, "the server closed the connection");
    }
}

/// A POST of JSON, with these further headers.
pub fn post(address: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n\
         {body}",
        body.len()
    )
    .into_bytes()
}

/// A GET.
pub fn get(address: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n").into_bytes()
}

/// Asks for this long, after a warm-up that is not counted.
pub async fn run(address: &str, maker: &Maker, connections: usize, warm_up: Duration, time: Duration) -> Answers {
    let begin = Instant::now();
    let (counted_from, end) = (begin + warm_up, begin + warm_up + time);
    let mut clients = JoinSet::new();
    for number in 0..connections {
        let (address, maker) = (address.to_owned(), Arc::clone(maker));
        clients.spawn(async move {
            let mut dice = Dice::new(number as u64 + 1);
            let mut client = Client::connect(&address).await;
            let (mut times, mut count) = (Vec::new(), 0);
            while Instant::now() < end {
                let request = maker(&mut dice);
                let asked = Instant::now();
                client.ask(&request).await;
                count += 1;
                // By when it was answered: what takes longer than all of the time counts too.
                if Instant::now() >= counted_from {
                    times.push(asked.elapsed().as_secs_f64() * 1_000.0);
                }
            }
            (times, count)
        });
    }
    let parts = clients.join_all().await;
    let count = parts.iter().map(|(_, count)| count).sum();
    let mut times: Vec<f64> = parts.into_iter().flat_map(|(times, _)| times).collect();
    let rate = times.len() as f64 / counted_from.elapsed().as_secs_f64();
    Answers { rate, count, p50: percentile(&mut times, 0.5), p99: percentile(&mut times, 0.99) }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
