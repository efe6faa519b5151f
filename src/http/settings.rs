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
        }
    }
}
