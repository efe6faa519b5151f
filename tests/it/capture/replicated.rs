//! What a subscription applies is recorded as what a program writes.

use std::time::{Duration, Instant};

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::{entries, health_of};
use crate::support::cluster::Cluster;
use crate::support::{Api, Kind, World};

/// Longer than the little that is replicated here takes; it only runs out where a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

async fn world_in(cluster: &Cluster) -> World {
    World { kind: Kind::Postgres, database_url: cluster.database().await, ..World::new(Kind::Sqlite).await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_subscription_applies_is_recorded() {
    let cluster = Cluster::start();
    let publisher = world_in(&cluster).await;
    publisher.sql("alter system set wal_level = logical").await;
    block_in_place(|| {
        cluster.stop();
        cluster.restart();
    });
    publisher.sql("create table t (id int primary key, a text); create publication p for table t").await;
    publisher.sql("select pg_create_logical_replication_slot('s', 'pgoutput')").await;

    let subscriber = world_in(&cluster).await;
    let api = Api::start(&subscriber).await;
    subscriber.sql("create table t (id int primary key, a text)").await;
    api.track("t").await;
    let name = publisher.database_url.rsplit_once('/').and_then(|(_, name)| name.split('?').next()).expect("a name");
    let port = subscriber.scalar("show port").await;
    subscriber
        .sql(&format!(
            "create subscription s connection 'host=127.0.0.1 port={port} user=postgres dbname={name}' publication p \
             with (create_slot = false, slot_name = s, copy_data = false)"
        ))
        .await;
    assert_eq!(health_of(&api, "t").await, "DISABLED", "statement triggers miss what is applied");
    api.track("t").await;
    assert_eq!(health_of(&api, "t").await, "OK");
    let gap = "select metadata -> 'gap' ->> 'since' < metadata -> 'gap' ->> 'until' from afterimage.log \
        where table_name like 'afterimage.%' order by id desc limit 1";
    assert_eq!(subscriber.scalar(gap).await, "t");

    publisher.sql("insert into t select n, 'a' from generate_series(1, 3) as n").await;
    publisher.sql("update t set a = 'b'").await;
    publisher.sql("update t set id = 4 where id = 3").await;
    publisher.sql("delete from t where id < 3").await;
    let started = Instant::now();
    while entries(&subscriber).await.len() < 10 && started.elapsed() < PATIENCE {
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        entries(&subscriber).await,
        [
            r#"CREATE t 1 - {"id":1,"a":"a"}"#,
            r#"CREATE t 2 - {"id":2,"a":"a"}"#,
            r#"CREATE t 3 - {"id":3,"a":"a"}"#,
            r#"UPDATE t 1 {"a":"a"} {"a":"b"}"#,
            r#"UPDATE t 2 {"a":"a"} {"a":"b"}"#,
            r#"UPDATE t 3 {"a":"a"} {"a":"b"}"#,
            r#"DELETE t 3 <4 {"id":3,"a":"b"} -"#,
            r#"CREATE t 4 <3 - {"id":4,"a":"b"}"#,
            r#"DELETE t 1 {"id":1,"a":"b"} -"#,
            r#"DELETE t 2 {"id":2,"a":"b"} -"#,
        ]
    );
    // The slot's walsender would keep the cluster from stopping.
    subscriber.sql("alter subscription s disable").await;
}
