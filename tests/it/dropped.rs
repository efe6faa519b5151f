//! Requests that are dropped in the middle: their client has gone, or another field of theirs has failed.

use std::time::Duration;

use afterimage::store;
use futures_util::FutureExt as _;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{Api, both, by_hand};

/// How many beginnings are dropped: more than there are connections.
const DROPPED: usize = 60;

both! {
    /// A transaction that is begun and dropped at once leaves its connection as it was: what is recorded next on it by a
    /// single statement is committed.
    async fn a_beginning_that_is_dropped_keeps_no_connection_within_a_transaction(world: World) {
        let api = Api::start(&world).await;
        let database = &api.server.services.database;
        let (read, write) = (database.dialect.read_options(), database.dialect.write_options());
        for number in 0..DROPPED {
            // So that it is dropped at every stage: before it was sent, and before it was answered.
            let patience = Duration::from_micros(number as u64 * 20);
            let _ = timeout(patience, store::begin(&database.writer, write)).await;
            let _ = timeout(patience, database.reader.begin_with_options(read)).await;
            let _ = store::begin(&database.writer, write).now_or_never();
        }
        for number in 0..DROPPED {
            api.record([by_hand("", json!({"recordId": number}))]).await;
        }
        let table = database.dialect.table("log");
        // By a connection that is none of the server's.
        assert_eq!(world.scalar(&format!("select count(*) from {table}")).await, DROPPED.to_string());
        let read = database.reader.begin_with_options(read).await.expect("a transaction as of one moment");
        read.rollback().await.expect("its end");
    }
}
