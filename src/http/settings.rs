//! The limits of the HTTP server.

use std::time::Duration;

use ipnet::IpNet;

use crate::config::Origin;

/// Limits, and whom the server answers and believes.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The largest body of a request, and the largest message on a WebSocket, in bytes.
    pub body_limit: usize,
    /// How long a query or mutation may take, with the reading of its body.
    pub request_timeout: Duration,
    /// Host names, besides those of loopback, under which the server may be called; without port.
    pub allowed_hosts: Vec<String>,
    /// The origins whose pages may read answers.
    pub cors_origins: Vec<Origin>,
    /// The proxies that are believed about the client's address.
    pub trusted_proxies: Vec<IpNet>,
    /// How many operations may run on one WebSocket at a time.
    pub max_operations_per_socket: usize,
    /// How long a WebSocket may stay open without a `connection_init`.
    pub init_timeout: Duration,
    /// How often the server pings a WebSocket, and sends a sign of life in an answer that stays open. On a WebSocket, a
    /// peer from which nothing came in between is taken for dead.
    pub ping_interval: Duration,
    /// What connections may cost.
    pub connections: ConnectionLimits,
}

/// What connections may cost.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How many may be open at a time; more have to wait.
    pub most: u32,
    /// How long one may be open without a request: so long the head of the next may take, with the rest before it.
    pub idle: Duration,
    /// How long a client may take no byte at all of what waits for it. Over HTTP/2, where answers share a connection, it
    /// is so long that one may stand still.
    pub unread: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        ConnectionLimits {
            most: 20_000,
            // Longer than proxies keep their connections, by default, so that it is they who close them.
            idle: Duration::from_secs(75),
            unread: Duration::from_secs(5 * 60),
        }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings {
            body_limit: 2 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_operations_per_socket: 100,
            init_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(12),
            connections: ConnectionLimits::default(),
        }
    }
}
