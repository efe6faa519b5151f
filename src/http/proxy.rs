//! Which address a request came from, where proxies stand before the server.
//!
//! What a header says of the client is believed only as far as proxies that are named have written it: from the peer
//! on, hop by hop, until one that is not named. That one is the client, whatever it claims of others.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{FORWARDED, HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use crate::auth::ClientAddress;

use super::forwarded::{self, Hop};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word counts.
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Those within these networks.
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Proxies(networks.to_vec())
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind the peer.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trust(peer) {
            return peer;
        }
        let told = |name, read: fn(&str) -> Vec<Hop>| {
            let hops = hops(headers, name, read);
            (!hops.is_empty()).then(|| self.walk(peer, &hops))
        };
        match (told(FORWARDED, forwarded::standard), told(X_FORWARDED_FOR, forwarded::customary)) {
            // A proxy that writes the one may hand on the other as the client forged it.
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        }
    }

    /// Goes from the peer towards the client as long as the hop reached is a named proxy, and says who came before it.
    fn walk(&self, peer: IpAddr, hops: &[Hop]) -> IpAddr {
        let mut client = peer;
        for hop in hops.iter().rev() {
            match hop {
                Some(address) if self.trust(client) => client = *address,
                _ => break,
            }
        }
        client
    }
}

/// What all lines of the header tell, the hop nearest to us last.
fn hops(headers: &HeaderMap, name: HeaderName, read: fn(&str) -> Vec<Hop>) -> Vec<Hop> {
    headers.get_all(name).iter().flat_map(|line| line.to_str().map_or_else(|_| vec![None], read)).collect()
}

/// Finds the client's address and leaves it with the request.
pub(super) async fn find_client(State(proxies): State<Arc<Proxies>>, mut request: Request, next: Next) -> Response {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // A socket for both protocols reports an IPv4 client as `::ffff:10.0.0.7`.
    let peer = info.map(|ConnectInfo(address)| address.ip().to_canonical());
    let address = ClientAddress(peer.map(|peer| proxies.client(peer, request.headers())));
    request.extensions_mut().insert(address);
    next.run(request).await
}

/// The address that the request came from.
pub(crate) fn client_address(request: &Request) -> ClientAddress {
    request.extensions().get().copied().unwrap_or(ClientAddress(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client of a peer, where 10.0.0.0/8 and fd00::/8 are proxies.
    fn client(peer: &str, lines: &[(&str, &str)]) -> String {
        let proxies = Proxies::new(&["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        for header in [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "1.1.1.1")] {
            assert_eq!(client("9.9.9.9", &[header]), "9.9.9.9");
            assert_eq!(client("10.0.0.1", &[header]), "1.1.1.1");
            assert_eq!(client("fd00::1", &[header]), "1.1.1.1");
        }
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn hops_are_followed_as_long_as_they_are_named_proxies() {
        for (chain, expected) in [
            ("6.6.6.6, 1.1.1.1", "1.1.1.1"),
            ("6.6.6.6, 1.1.1.1, 10.0.0.3, 10.0.0.2", "1.1.1.1"),
            ("10.0.0.4, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("1.1.1.1, garbage", "10.0.0.1"),
            ("garbage, 1.1.1.1", "1.1.1.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[("x-forwarded-for", chain)]), expected, "{chain}");
            let standard: Vec<String> = chain.split(", ").map(|hop| format!("for={hop}")).collect();
            assert_eq!(client("10.0.0.1", &[("forwarded", &standard.join(", "))]), expected, "{chain}");
        }
    }

    #[test]
    fn lines_of_a_header_are_one_list() {
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.1.1.1,10.0.0.2")];
        assert_eq!(client("10.0.0.1", &lines), "1.1.1.1");
    }

    #[test]
    fn of_two_headers_that_disagree_neither_is_believed() {
        let agreeing = [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "6.6.6.6, 1.1.1.1")];
        assert_eq!(client("10.0.0.1", &agreeing), "1.1.1.1");
        for forged in ["for=6.6.6.6", "for=unknown", "for=\"", "x"] {
            let lines = [("forwarded", forged), ("x-forwarded-for", "1.1.1.1")];
            assert_eq!(client("10.0.0.1", &lines), "10.0.0.1", "{forged}");
        }
    }
}
