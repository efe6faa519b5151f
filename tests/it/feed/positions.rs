//! Positions keep the cursor of a subscriber young whose filter lets little through.

use super::*;
use crate::support::both;

fn quiet(filter: &str, cursor: Option<String>) -> Request {
    Request { filter: Filter::Record(vec![filter.into()]), after: cursor, positions: true }
}

async fn record(world: &World, keys: std::ops::RangeInclusive<usize>) {
    let rows: Vec<String> = keys.map(|key| format!("('CREATE', 't', '{key}')")).collect();
    world.insert("action, table_name, record_id", &rows.join(",")).await;
}

async fn position(subscription: &mut Subscription) -> String {
    let event = next_event(subscription).await.unwrap();
    assert!(event.entry().is_none(), "a bare position, not {event:?}");
    event.cursor().unwrap().to_owned()
}

/// From the cursor comes this next.
async fn leads_to(feed: &Feed, cursor: &str, key: usize) {
    assert_eq!(keys(&mut feed.subscribe(after(cursor)).await.unwrap(), 1).await, [key]);
}

both! {
    async fn the_first_comes_at_once_and_others_when_the_place_has_moved(world: World) {
        let feed = feed_of(&world).await;
        let mut subscription = feed.subscribe(quiet("7", None)).await.unwrap();
        let first = position(&mut subscription).await;
        record(&world, 1..=3).await;
        let second = position(&mut subscription).await;
        // Nothing has come since: there is nothing to tell.
        assert!(timeout(Duration::from_secs(4), subscription.next()).await.is_err());
        record(&world, 4..=7).await;
        let event = next_event(&mut subscription).await.unwrap();
        assert_eq!(key(&entry(&event)), 7);
        leads_to(&feed, &first, 1).await;
        leads_to(&feed, &second, 4).await;
    }

    async fn who_goes_on_from_a_cursor_is_told_it_first(world: World) {
        let feed = feed_of(&world).await;
        let cursor = feed.cursor().await.unwrap();
        record(&world, 1..=9).await;
        let mut subscription = feed.subscribe(quiet("5", Some(cursor.clone()))).await.unwrap();
        assert_eq!(position(&mut subscription).await, cursor);
        assert_eq!(keys(&mut subscription, 1).await, [5]);
        record(&world, 10..=10).await;
        let second = position(&mut subscription).await;
        record(&world, 11..=11).await;
        leads_to(&feed, &second, 11).await;
    }

    async fn who_did_not_ask_for_them_is_told_none(world: World) {
        let feed = feed_of(&world).await;
        let mut subscription = feed.subscribe(Filter::Record(vec!["7".into()])).await.unwrap();
        record(&world, 1..=3).await;
        assert!(timeout(Duration::from_secs(3), subscription.next()).await.is_err());
    }
}
