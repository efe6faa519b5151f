//! Subscriptions come over a WebSocket, so that these tests need a server with a port.

use std::time::Duration;

use afterimage::auth::Role;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{Api, Socket, both};

both! {
    async fn who_may_read_may_subscribe(world: World) {
        let api = Api::start(&world).await;
        let (token, writer) = (api.token(&[Role::Auditor]), api.token(&[Role::Writer]));
        let url = format!("ws://{}/graphql", api.server.address().unwrap());
        tokio::spawn(api.server.serve(std::future::pending()));
        let subscribe = |id: &str| json!({"type": "subscribe", "id": id, "payload": {
            "query": "subscription { auditLogAdded(filter: {recordId: \"x\"}) { auditLog { recordId } } }"}});

        let mut refused = Socket::open(&url, json!({"authorization": format!("Bearer {writer}")})).await;
        assert_eq!(refused.receive().await.unwrap()["type"], "connection_ack");
        refused.send(subscribe("1")).await;
        let answer = refused.receive().await.unwrap();
        assert!(answer.to_string().contains("FORBIDDEN"), "{answer}");

        for payload in [json!({}), json!({"authorization": "Bearer x"})] {
            assert_eq!(Socket::open(&url, payload).await.receive().await, Err(4403));
        }

        let mut socket = Socket::open(&url, json!({"Authorization": format!("Bearer {token}")})).await;
        assert_eq!(socket.receive().await.unwrap()["type"], "connection_ack");
        socket.send(subscribe("1")).await;
        // Nothing tells when the subscription has begun: entries keep coming until it hears of one.
        let heard = loop {
            world.insert("action, table_name, record_id", "('READ', 't', 'x')").await;
            if let Ok(message) = timeout(Duration::from_millis(200), socket.receive()).await {
                break message.unwrap();
            }
        };
        assert_eq!(heard["payload"], json!({"data": {"auditLogAdded": {"auditLog": {"recordId": "x"}}}}));
    }
}
