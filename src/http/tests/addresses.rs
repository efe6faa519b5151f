//! The client's address, as resolvers learn it.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;

use super::world::World;

/// What a resolver learns of a request from this peer with these headers, where 10.0.0.0/8 and ::1 are proxies.
async fn address(peer: &str, headers: &[(&'static str, &str)]) -> String {
    let networks = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
    let world = World::with(|settings| settings.trusted_proxies = networks.to_vec());
    let mut request = world.request("POST", "/graphql").body(Body::from(r#"{"query":"{ caller }"}"#)).unwrap();
    request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let text = world.send(request).await.text;
    text.trim_start_matches(r#"{"data":{"caller":"42 from Some("#).trim_end_matches(r#")"}}"#).to_owned()
}

#[tokio::test]
async fn the_peer_is_the_client_unless_it_is_a_named_proxy() {
    let forwarded = [("x-forwarded-for", "203.0.113.7")];
    assert_eq!(address("198.51.100.1:4711", &forwarded).await, "198.51.100.1");
    assert_eq!(address("10.1.2.3:4711", &forwarded).await, "203.0.113.7");
    // A socket for both protocols reports IPv4 so.
    assert_eq!(address("[::ffff:10.1.2.3]:4711", &forwarded).await, "203.0.113.7");
    assert_eq!(address("[::1]:4711", &[("forwarded", "for=\"[2001:db8::7]:80\";proto=https")]).await, "2001:db8::7");
}

#[tokio::test]
async fn what_the_client_itself_claims_is_not_believed() {
    assert_eq!(address("10.1.2.3:1", &[("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.9.9.9")]).await, "203.0.113.7");
    let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.7")];
    assert_eq!(address("10.1.2.3:1", &lines).await, "203.0.113.7");
    let both = [("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "203.0.113.7")];
    assert_eq!(address("10.1.2.3:1", &both).await, "10.1.2.3");
    for unclear in ["for=unknown", "for=_hidden", "for=6.6.6.6, for=\"x", "\u{1}"] {
        if let Ok(line) = axum::http::HeaderValue::from_str(unclear) {
            assert_eq!(address("10.1.2.3:1", &[("forwarded", line.to_str().unwrap())]).await, "10.1.2.3", "{unclear}");
        }
    }
}
