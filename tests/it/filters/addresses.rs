//! `ipAddress`: addresses and networks.

use serde_json::json;

use crate::support::{Api, Kind, World, both, by_hand};

async fn log(world: &World) -> Api {
    let api = Api::start(world).await;
    api.record(json!([
        by_hand("a", json!({"ipAddress": "10.0.0.7"})),
        by_hand("b", json!({"ipAddress": "10.1.2.3"})),
        by_hand("c", json!({"ipAddress": "192.168.0.1"})),
        by_hand("d", json!({"ipAddress": "2001:DB8:0:0::1"})),
        by_hand("e", json!({"ipAddress": "2001:db8:1::1"})),
        by_hand("f", json!({"ipAddress": "::ffff:10.0.0.7"})),
        by_hand("g", json!({})),
    ]))
    .await;
    api
}

both! {
    async fn an_address_and_a_network_find_their_entries(world: World) {
        let api = log(&world).await;
        for (address, keys) in [
            ("10.0.0.7", "a"), ("10.0.0.7/32", "a"), ("10.0.0.0/24", "a"), ("10.0.0.0/8", "a b"),
            // Bits beyond the prefix do not count.
            ("10.9.9.9/8", "a b"),
            ("0.0.0.0/0", "a b c"), ("10.0.0.8", ""), ("172.16.0.0/12", ""),
            ("2001:db8::1", "d"), ("2001:0DB8:0000::0001", "d"), ("2001:db8::/32", "d e"), ("2001:db8::/48", "d"),
            ("::/0", "d e f"), ("::ffff:10.0.0.0/104", "f"),
        ] {
            assert_eq!(api.keys(json!({"ipAddress": address})).await, keys, "{address}");
        }
        assert_eq!(api.keys(json!({"not": {"ipAddress": "0.0.0.0/0"}})).await, "d e f g");
    }

    async fn an_address_is_stored_in_its_canonical_spelling(world: World) {
        let api = log(&world).await;
        let data = api.ask("{ auditLogs(filter: {recordId: [\"d\"]}) { nodes { ipAddress } } }", json!({})).await;
        assert_eq!(data["auditLogs"]["nodes"][0]["ipAddress"], "2001:db8::1");
    }

    /// SQLite's triggers take the context as it is: there the spelling is the application's.
    async fn the_spelling_of_an_application_does_not_matter(world: World) {
        let api = Api::with_worlds(&world).await;
        let insert = "insert into machines (id, name, kind, status) values (1, 'Lathe', 'lathe', 'idle')";
        match world.kind {
            Kind::Sqlite => world.sql(&format!(
                "begin; insert into afterimage_context (ip_address) values ('2001:DB8:0:0:0::0001'); {insert}; \
                 delete from afterimage_context; commit")).await,
            Kind::Postgres => world.sql(&format!(
                "begin; select set_config('afterimage.context', '{{\"ipAddress\": \"2001:DB8:0:0:0::0001\"}}', true); \
                 {insert}; commit")).await,
        }
        for address in ["2001:db8::1", "2001:db8::/32", "2001:0db8::1/128"] {
            assert_eq!(api.keys(json!({"tableName": "machines", "ipAddress": address})).await, "1", "{address}");
        }
        assert_eq!(api.keys(json!({"tableName": "machines", "ipAddress": "2001:db9::/32"})).await, "");
    }
}
