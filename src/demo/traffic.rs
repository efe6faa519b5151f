//! The present of the sample worlds: every few seconds somebody does something.

use std::convert::Infallible;
use std::time::Duration;

use chrono::Utc;

use super::chores;
use super::office::Office;
use crate::audit::Result;
use crate::store::Database;

/// Milliseconds between two requests, at least and at most.
const PAUSE: (i32, i32) = (1_000, 3_000);

/// Makes changes over a connection of its own for as long as it is polled. Where the database is away it goes on when
/// that is back. The tables stay of a size: what is old is deleted.
///
/// # Errors
/// Where the URL cannot be read.
pub async fn traffic(database: &Database, url: &str) -> Result<Infallible> {
    // By the clock, and not by the past's dice: what comes now is new each time.
    let mut office = Office::open(database, url, Utc::now().timestamp_millis().unsigned_abs()).await?;
    let mut failing = false;
    loop {
        let pause = office.dice.between(PAUSE.0, PAUSE.1);
        tokio::time::sleep(Duration::from_millis(u64::from(pause.unsigned_abs()))).await;
        match chores::any(&mut office).await {
            Ok(()) if failing => {
                failing = false;
                tracing::info!("the demo's traffic goes on");
            }
            Ok(()) => {}
            // Someone may be undoing the very row, or the database may be away: the next request is another.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "a request of the demo's traffic failed");
            }
            Err(_) => {}
        }
    }
}
