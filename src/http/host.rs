//! The Host header: a page elsewhere whose name was made to point at this machine must not reach the server.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::audit::Error;

use super::answer;
use super::negotiate::MediaType;
use super::problem::Problem;

/// The hosts that the server answers for.
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// Loopback, and these.
    pub(super) fn new(allowed: &[String]) -> Self {
        Hosts(allowed.iter().map(|host| name_of(host)).collect())
    }

    fn admit(&self, host: &str) -> bool {
        let name = name_of(host);
        is_loopback(&name) || self.0.contains(&name)
    }
}

/// Lets a request through whose host is one of ours.
pub(super) async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let mut headers = request.headers().get_all(HOST).iter();
    // HTTP/2 has the host in the URI, and there it goes before the header (RFC 9112, 3.2.2).
    let host = match (request.uri().authority(), headers.next(), headers.next()) {
        (_, Some(_), Some(_)) => None,
        (Some(authority), ..) => Some(authority.as_str()),
        (None, value, None) => value.and_then(|value| value.to_str().ok()),
        (None, None, Some(_)) => None,
    };
    if host.is_some_and(|host| hosts.admit(host)) {
        return next.run(request).await;
    }
    let shown: String = host.unwrap_or("(none)").chars().take(100).collect();
    let error = Error::bad_input(format!(
        "this server does not answer for the host {shown:?}; start it with `--allowed-host NAME` to allow a name"
    ));
    if request.uri().path().starts_with("/api/") {
        return Problem::with_status(StatusCode::MISDIRECTED_REQUEST, &error).into_response();
    }
    answer::refusal(StatusCode::MISDIRECTED_REQUEST, MediaType::Json, &error)
}

/// A host without its port, in lower case. An IPv6 address keeps its brackets.
fn name_of(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        // In an IPv6 address without a port the last colon stands inside the brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_loopback(name: &str) -> bool {
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_always_admitted() {
        let hosts = Hosts::new(&[]);
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "app.localhost:80",
            "localhost.",
            "127.0.0.1",
            "127.8.9.10:8080",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(hosts.admit(host), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_not() {
        let hosts = Hosts::new(&[]);
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil-localhost",
            "10.0.0.1",
            "0.0.0.0:8080",
            "[::2]",
            "[::1].evil.example]",
            "[::1]evil.example:80",
            "localhost:80evil.example",
            "[::1",
            "",
        ] {
            assert!(!hosts.admit(host), "{host}");
        }
    }

    #[test]
    fn configured_hosts_are_admitted_on_any_port_and_in_any_case() {
        let hosts = Hosts::new(&["Audit.Example.com:443".to_owned(), "[2001:db8::1]".to_owned()]);
        for host in ["audit.example.com", "AUDIT.example.com:8080", "[2001:db8::1]:443"] {
            assert!(hosts.admit(host), "{host}");
        }
        assert!(!hosts.admit("example.com"));
        assert!(!hosts.admit("x.audit.example.com"));
    }
}
