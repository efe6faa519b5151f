//! The lives of a PostgreSQL database: dumped and restored, its files put back, upgraded, failed over. The numbers of its
//! transactions begin anew or are given out again, and whoever comes with a cursor from before is served exactly what
//! came after it, or told CURSOR_EXPIRED.

use std::process::Command;
use std::time::Duration;

use afterimage::auth::{Caller, ClientAddress, Role};
use afterimage::graphql::schema;
use async_graphql::{Request, Response, Variables};
use chrono::Utc;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::support::cluster::Cluster;
use crate::support::{Api, Kind, World};

/// Longer than anything here takes; it only ever runs out where a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

const SUBSCRIPTION: &str =
    "subscription($after: String) { auditLogAdded(after: $after) { cursor auditLog { recordId } } }";

/// A database with one tracked table, in a cluster that can be given another life.
struct Shop {
    cluster: Cluster,
    world: World,
}

impl Shop {
    async fn open() -> Shop {
        let cluster = Cluster::start();
        let url = cluster.database().await;
        let shop = Shop { cluster, world: world_at(url).await };
        shop.world.sql("create table orders (id int primary key)").await;
        shop.api().await.track("orders").await;
        shop
    }

    /// A server that starts now.
    async fn api(&self) -> Api {
        Api::start(&self.world).await
    }

    /// An order each, in a transaction of its own.
    async fn order(&self, from: u32, to: u32) {
        order(&self.world, from, to).await;
    }

    async fn dump(&self, arguments: &[&str]) -> Vec<u8> {
        let dump = Command::new(self.cluster.program("pg_dump")).arg(&self.world.database_url).args(arguments).output();
        let dump = dump.expect("pg_dump runs");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        dump.stdout
    }

    fn restore(&self, dump: &[u8], url: &str) {
        let file = self.world.folder.path().join("dump.sql");
        std::fs::write(&file, dump).expect("the dump is written");
        let psql = Command::new(self.cluster.program("psql"))
            .arg(url)
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(&file)
            .output();
        let psql = psql.expect("psql runs");
        assert!(psql.status.success(), "{}", String::from_utf8_lossy(&psql.stderr));
    }

    /// Lets the cluster give out as many transaction numbers as it likes, none of which the log sees.
    async fn burn_numbers(&self, count: usize) {
        let burn =
            format!("do $$ begin for i in 1..{count} loop perform pg_current_xact_id(); commit; end loop; end $$");
        self.world.sql(&burn).await;
    }

    fn stopped(&self, then: impl FnOnce(&Cluster)) {
        block_in_place(|| {
            self.cluster.stop();
            then(&self.cluster);
            self.cluster.restart();
        });
    }
}

async fn world_at(database_url: String) -> World {
    World { kind: Kind::Postgres, database_url, folder: World::new(Kind::Sqlite).await.folder }
}

async fn order(world: &World, from: u32, to: u32) {
    for id in from..=to {
        world.sql(&format!("insert into orders values ({id})")).await;
    }
}

/// A subscription of an administrator.
fn listen(api: &Api, after: Option<&str>) -> BoxStream<'static, Response> {
    let caller = Caller {
        user_id: "42".into(),
        username: None,
        roles: vec![Role::Admin],
        expires_at: Utc::now() + chrono::Duration::hours(1),
    };
    let request = Request::new(SUBSCRIPTION)
        .variables(Variables::from_json(json!({"after": after})))
        .data(caller)
        .data(ClientAddress(None));
    schema(api.server.services.clone()).execute_stream(request)
}

/// The next event, or the error that ends the subscription.
async fn next(stream: &mut BoxStream<'static, Response>) -> Result<Value, (String, String)> {
    let response = timeout(PATIENCE, stream.next()).await.expect("something comes").expect("the subscription goes on");
    let response = serde_json::to_value(&response).expect("JSON");
    match response["errors"].get(0) {
        Some(error) => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            Err((text(&error["extensions"]["code"]), text(&error["message"])))
        }
        None => Ok(response["data"]["auditLogAdded"].clone()),
    }
}

/// The keys and the cursors of this many events.
async fn take(stream: &mut BoxStream<'static, Response>, count: usize) -> Vec<(u32, String)> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let event = next(stream).await.expect("an entry");
        let key = event["auditLog"]["recordId"].as_str().expect("a key").parse().expect("a number");
        taken.push((key, event["cursor"].as_str().expect("a cursor").to_owned()));
    }
    taken
}

async fn keys(stream: &mut BoxStream<'static, Response>, count: usize) -> Vec<u32> {
    take(stream, count).await.into_iter().map(|(key, _)| key).collect()
}

async fn feed_cursor(api: &Api) -> String {
    api.ask("{ feedCursor }", json!({})).await["feedCursor"].as_str().expect("a cursor").to_owned()
}

/// The cursor is refused, and the sentence says what to do.
async fn has_expired(api: &Api, cursor: &str) {
    let (code, message) = next(&mut listen(api, Some(cursor))).await.expect_err("no place is good there");
    assert_eq!(code, "CURSOR_EXPIRED", "{message}");
    assert!(message.contains("feedCursor"), "{message}");
}

/// What comes from now on is told, once, and nothing of what was there before.
async fn goes_on(world: &World, api: &Api, from: u32) {
    let cursor = feed_cursor(api).await;
    let mut stream = listen(api, Some(&cursor));
    order(world, from, from + 2).await;
    let taken = take(&mut stream, 3).await;
    assert!(taken.iter().map(|(key, _)| *key).eq(from..from + 3), "{taken:?}");
    assert_eq!(keys(&mut listen(api, Some(&taken[1].1)), 1).await, [from + 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_restored_elsewhere_ends_the_cursors() {
    let shop = Shop::open().await;
    let api = shop.api().await;
    let before = feed_cursor(&api).await;
    shop.order(1, 5).await;
    let after = feed_cursor(&api).await;
    let dump = shop.dump(&[]).await;
    let elsewhere = Cluster::start();
    for cluster in [&shop.cluster, &elsewhere] {
        let url = cluster.database().await;
        shop.restore(&dump, &url);
        let restored = world_at(url).await;
        let api = Api::start(&restored).await;
        for cursor in [&before, &after] {
            has_expired(&api, cursor).await;
        }
        goes_on(&restored, &api, 6).await;
        let count = restored.scalar("select count(*) from afterimage.log where table_name = 'orders'").await;
        assert_eq!(count, "8");
    }
}

/// Neither the cluster nor the database is another one: only the log itself tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_restored_over_its_own_database_serves_the_cursors_from_before_it() {
    let shop = Shop::open().await;
    let api = shop.api().await;
    let cursor = feed_cursor(&api).await;
    shop.order(1, 3).await;
    let dump = shop.dump(&["--clean"]).await;
    shop.order(4, 6).await;
    let lost = feed_cursor(&api).await;
    drop(api);
    shop.restore(&dump, &shop.world.database_url);
    let api = shop.api().await;
    shop.order(7, 9).await;
    assert_eq!(keys(&mut listen(&api, Some(&cursor)), 6).await, [1, 2, 3, 7, 8, 9]);
    has_expired(&api, &lost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_put_back_serve_the_cursors_from_before_them_and_no_others() {
    let shop = Shop::open().await;
    // A server that lives through it all.
    let api = shop.api().await;
    shop.order(1, 2).await;
    let early = feed_cursor(&api).await;
    shop.order(3, 4).await;
    shop.stopped(Cluster::save);
    let mut stream = listen(&api, Some(&early));
    assert_eq!(keys(&mut stream, 2).await, [3, 4]);
    shop.order(5, 9).await;
    let events = take(&mut stream, 5).await;
    let late = feed_cursor(&api).await;
    shop.stopped(Cluster::put_back);
    let (code, _) = next(&mut stream).await.expect_err("it had told what is no more");
    assert_eq!(code, "CURSOR_EXPIRED");
    for cursor in events.iter().map(|(_, cursor)| cursor).chain([&late]) {
        has_expired(&api, cursor).await;
    }
    // Also when the numbers of the transactions, and the ids, are past those of the cursors.
    shop.burn_numbers(100).await;
    shop.order(10, 19).await;
    for cursor in events.iter().map(|(_, cursor)| cursor).chain([&late]) {
        has_expired(&api, cursor).await;
        has_expired(&shop.api().await, cursor).await;
    }
    let expected: Vec<u32> = [3, 4].into_iter().chain(10..=19).collect();
    assert_eq!(keys(&mut listen(&api, Some(&early)), 12).await, expected);
}

/// A position that was taken when the numbers were ahead of the log: what the copy gives out below it must not be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_does_not_pass_over_numbers_that_are_given_out_again() {
    let shop = Shop::open().await;
    shop.order(1, 1).await;
    shop.stopped(Cluster::save);
    shop.burn_numbers(200).await;
    let cursor = feed_cursor(&shop.api().await).await;
    shop.stopped(Cluster::put_back);
    let api = shop.api().await;
    shop.order(2, 4).await;
    assert_eq!(keys(&mut listen(&api, Some(&cursor)), 3).await, [2, 3, 4]);
    shop.burn_numbers(400).await;
    shop.order(5, 5).await;
    assert_eq!(keys(&mut listen(&api, Some(&cursor)), 4).await, [2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgraded_cluster_ends_the_cursors() {
    let shop = Shop::open().await;
    let api = shop.api().await;
    shop.order(1, 5).await;
    let cursor = feed_cursor(&api).await;
    let mut stream = listen(&api, Some(&cursor));
    shop.order(6, 6).await;
    assert_eq!(keys(&mut stream, 1).await, [6]);
    shop.stopped(Cluster::upgrade);
    // The server that lived through it, before any other has settled that this is another life.
    let (code, _) = next(&mut stream).await.expect_err("no place is good there");
    assert_eq!(code, "CURSOR_EXPIRED");
    for api in [api, shop.api().await] {
        has_expired(&api, &cursor).await;
    }
    goes_on(&shop.world, &shop.api().await, 7).await;
}

/// The standby lacks what the primary wrote last, and gives its numbers out again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_takes_over_ends_the_cursors() {
    let shop = Shop::open().await;
    let api = shop.api().await;
    shop.order(1, 5).await;
    let early = feed_cursor(&api).await;
    block_in_place(|| shop.cluster.back_up());
    shop.order(6, 8).await;
    let late = feed_cursor(&api).await;
    let mut stream = listen(&api, Some(&early));
    assert_eq!(keys(&mut stream, 3).await, [6, 7, 8]);
    block_in_place(|| shop.cluster.fail_over());
    let (code, _) = next(&mut stream).await.expect_err("no place is good there");
    assert_eq!(code, "CURSOR_EXPIRED");
    for cursor in [&early, &late] {
        has_expired(&api, cursor).await;
        has_expired(&shop.api().await, cursor).await;
    }
    goes_on(&shop.world, &api, 9).await;
}

/// A crash is no other life: the cursors stay good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_leaves_the_cursors_good() {
    let shop = Shop::open().await;
    let api = shop.api().await;
    shop.order(1, 5).await;
    let events = take(&mut listen(&api, Some(&feed_cursor_before(&shop, &api).await)), 2).await;
    block_in_place(|| {
        shop.cluster.crash();
        shop.cluster.restart();
    });
    shop.order(8, 9).await;
    for api in [api, shop.api().await] {
        assert_eq!(keys(&mut listen(&api, Some(&events[0].1)), 3).await, [7, 8, 9]);
        assert_eq!(keys(&mut listen(&api, Some(&events[1].1)), 2).await, [8, 9]);
    }
}

/// The cursor before two more orders, which are on the disk when it returns.
async fn feed_cursor_before(shop: &Shop, api: &Api) -> String {
    let cursor = feed_cursor(api).await;
    shop.order(6, 7).await;
    let mut connection = PgConnection::connect(&shop.world.database_url).await.expect("the database answers");
    sqlx::raw_sql("set synchronous_commit = on; select pg_logical_emit_message(true, 'flush', '')")
        .execute(&mut connection)
        .await
        .expect("a flush");
    cursor
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_life_is_an_era_and_a_mere_start_is_none() {
    let shop = Shop::open().await;
    let era = async || shop.world.scalar("select max(era) from afterimage.era").await;
    shop.stopped(|_| ());
    drop(shop.api().await);
    assert_eq!(era().await, "1");
    shop.stopped(Cluster::upgrade);
    drop(shop.api().await);
    drop(shop.api().await);
    assert_eq!(era().await, "2");
    block_in_place(|| shop.cluster.back_up());
    block_in_place(|| shop.cluster.fail_over());
    drop(shop.api().await);
    drop(shop.api().await);
    assert_eq!(era().await, "3");
}
