//! Going on from a cursor, whatever happened in between.

use std::sync::atomic::{AtomicBool, Ordering};

use afterimage::audit::{Code, PageRequest};
use afterimage::auth::Role;
use afterimage::store::{Selection, page};
use serde_json::json;

use super::*;
use crate::support::{Api, Socket, both};

async fn record(world: &World, keys: std::ops::RangeInclusive<usize>) {
    let rows: Vec<String> = keys.map(|key| format!("('CREATE', 't', '{key}')")).collect();
    world.insert("action, table_name, record_id", &rows.join(",")).await;
}

async fn cursor_after(subscription: &mut Subscription, last: usize) -> String {
    loop {
        let event = next_event(subscription).await.expect("an event");
        if key(&entry(&event)) == last {
            return event.cursor().expect("a cursor").to_owned();
        }
    }
}

both! {
    async fn every_event_s_cursor_leads_to_exactly_the_rest_on_any_server(world: World) {
        let feed = feed_of(&world).await;
        let mut subscription = feed.subscribe(Filter::everything()).await.unwrap();
        record(&world, 1..=3).await;
        record(&world, 4..=6).await;
        let mut cursors = Vec::new();
        for _ in 1..=6 {
            cursors.push(next_event(&mut subscription).await.unwrap().cursor().unwrap().to_owned());
        }
        drop(subscription);
        record(&world, 7..=9).await;
        let other = feed_of(&world).await;
        for (place, cursor) in cursors.iter().enumerate() {
            let mut again = other.subscribe(after(cursor)).await.unwrap();
            assert!(keys(&mut again, 8 - place).await.into_iter().eq(place + 2..=9));
        }
        // And it goes on live from there.
        let mut last = other.subscribe(after(&cursors[5])).await.unwrap();
        assert_eq!(keys(&mut last, 3).await, [7, 8, 9]);
        record(&world, 10..=10).await;
        assert_eq!(keys(&mut last, 1).await, [10]);
    }

    async fn the_filter_may_be_another_one_afterwards(world: World) {
        let feed = feed_of(&world).await;
        let only = |keys: &[&str]| Filter::Record(keys.iter().map(|key| (*key).to_owned()).collect());
        let mut subscription = feed.subscribe(only(&["3"])).await.unwrap();
        record(&world, 1..=5).await;
        let cursor = cursor_after(&mut subscription, 3).await;
        record(&world, 6..=9).await;
        let mut again = feed.subscribe(Request { filter: only(&["2", "4", "8"]), ..after(&cursor) }).await.unwrap();
        assert_eq!(keys(&mut again, 2).await, [4, 8]);
        let mut all = feed.subscribe(after(&cursor)).await.unwrap();
        assert_eq!(keys(&mut all, 6).await, [4, 5, 6, 7, 8, 9]);
    }

    async fn a_cursor_of_an_empty_log_is_before_all_entries(world: World) {
        let feed = feed_of(&world).await;
        let cursor = feed.cursor().await.unwrap();
        record(&world, 1..=700).await;
        let mut subscription = feed.subscribe(after(&cursor)).await.unwrap();
        assert!(keys(&mut subscription, 700).await.into_iter().eq(1..=700));
    }

    async fn the_cursor_then_a_page_then_the_subscription_leave_no_gap(world: World) {
        let api = Api::start(&world).await;
        let database = api.server.services.database.clone();
        let stop = AtomicBool::new(false);
        let writer = async {
            let mut key = 0;
            while !stop.load(Ordering::Relaxed) {
                key += 1;
                record(&world, key..=key).await;
            }
            key
        };
        let client = async {
            let mut looks = Vec::new();
            for _ in 0..20 {
                let cursor = api.server.services.feed.cursor().await.unwrap();
                let request = PageRequest::new(Some(1_000), None, None, None, None).unwrap();
                let (paged, more) = page(&database, &Selection::of(Filter::everything()), &request).await.unwrap();
                assert!(!more);
                looks.push((cursor, paged));
                sleep(Duration::from_millis(5)).await;
            }
            stop.store(true, Ordering::Relaxed);
            looks
        };
        let (written, looks) = tokio::join!(writer, client);
        let last = written + 1;
        record(&world, last..=last).await;
        for (cursor, paged) in looks {
            let mut seen: Vec<usize> = paged.into_iter().map(|entry| key(&Arc::new(entry))).collect();
            let mut subscription = api.server.services.feed.subscribe(after(&cursor)).await.unwrap();
            while seen.last() != Some(&last) {
                seen.push(key(&next(&mut subscription).await.unwrap()));
            }
            seen.sort_unstable();
            seen.dedup();
            assert!(seen.into_iter().eq(1..=last));
        }
    }

    async fn what_is_no_cursor_of_the_feed_is_refused_with_a_word_on_what_is(world: World) {
        let api = Api::start(&world).await;
        record(&world, 1..=1).await;
        let data = api.ask("{ feedCursor auditLogs { pageInfo { endCursor } } }", json!({})).await;
        let good = data["feedCursor"].as_str().unwrap();
        let page = data["auditLogs"]["pageInfo"]["endCursor"].as_str().unwrap();
        let feed = &api.server.services.feed;
        for bad in ["", "x", page, &good[1..], &good[..good.len() - 1], &good.repeat(2), &"A".repeat(20_000)] {
            let refused = feed.subscribe(after(bad)).await.err().unwrap();
            assert_eq!(refused.code(), Code::BadUserInput, "{bad}");
            assert!(refused.message().contains("`feedCursor`"), "{refused}");
        }
        assert_eq!(api.refusal("query($c: String) { auditLogs(after: $c) { totalCount } }", json!({"c": good})).await.0,
            "BAD_USER_INPUT");
    }

    /// As a client does it: over a socket, to one server and then to another.
    async fn a_client_reconnects_to_another_server_with_its_last_cursor(world: World) {
        let (one, other) = (Api::start(&world).await, Api::start(&world).await);
        let token = one.token(&[Role::Auditor]);
        let start = one.ask("{ feedCursor }", json!({})).await["feedCursor"].as_str().unwrap().to_owned();
        let urls = [&one, &other].map(|api| format!("ws://{}/graphql", api.server.address().unwrap()));
        for api in [one, other] {
            tokio::spawn(api.server.serve(std::future::pending()));
        }
        record(&world, 1..=10).await;
        let (mut cursor, mut heard) = (start, Vec::new());
        for round in 0..5 {
            let query = format!("subscription {{ auditLogAdded(after: \"{cursor}\") {{ cursor auditLog {{ recordId }} }} }}");
            let mut socket = Socket::subscribe(&urls[round % 2], &token, &query).await;
            for _ in 0..2 {
                let event = socket.receive().await.unwrap()["payload"]["data"]["auditLogAdded"].clone();
                heard.push(event["auditLog"]["recordId"].as_str().unwrap().parse::<usize>().unwrap());
                cursor = event["cursor"].as_str().unwrap().to_owned();
            }
        }
        assert!(heard.into_iter().eq(1..=10));
        let query = "subscription { auditLogAdded(after: \"x\") { cursor } }";
        let refused = Socket::subscribe(&urls[0], &token, query).await.receive().await.unwrap();
        assert!(refused.to_string().contains("BAD_USER_INPUT"), "{refused}");
    }
}

/// An instant that only someone who writes the log directly can put there.
#[tokio::test]
async fn an_entry_whose_instant_cannot_be_shown_is_passed_like_any_other() {
    let world = World::new(crate::support::Kind::Postgres).await;
    let feed = feed_of(&world).await;
    for instant in ["infinity", "-infinity", "294276-12-31 23:59:59+00"] {
        let mut subscription = feed.subscribe(Filter::everything()).await.unwrap();
        record(&world, 1..=1).await;
        world.insert("action, table_name, record_id, \"timestamp\"", &format!("('READ', 't', '2', '{instant}')")).await;
        let cursor = cursor_after(&mut subscription, 2).await;
        record(&world, 3..=3).await;
        assert_eq!(keys(&mut subscription, 1).await, [3], "{instant}");
        let mut again = feed_of(&world).await.subscribe(after(&cursor)).await.unwrap();
        assert_eq!(keys(&mut again, 1).await, [3], "{instant}");
    }
}
