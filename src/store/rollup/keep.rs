//! The task of a server that keeps the counters near the end of the log.

use std::convert::Infallible;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::time::{Instant, sleep, timeout};

use super::fold::{Folded, fold};
use super::{Reading, statement};
use crate::audit::{Code, Error, Result};
use crate::store::connect::Database;
use crate::store::error::failed;

/// How long a tail may be: it is read by every summary, and by every page of the trash.
pub(super) const MANY: i64 = 1_000;
/// How long an entry may wait for its fold while there are few.
const FEW_WAIT: Duration = Duration::from_secs(10);
/// Between two looks, after one that found something; doubled by each that finds nothing.
const BUSY: Duration = Duration::from_secs(1);
/// The longest pause between two looks.
const IDLE: Duration = Duration::from_secs(5);
/// Between two parts of a fold, so that other writers have their turn.
const TURN: Duration = Duration::from_millis(20);
/// The longest pause between two tries where folding fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Folds when there is something to fold; does not end. A look that finds nothing writes nothing.
pub async fn keep(database: &Database) -> Infallible {
    let mut pause = Duration::ZERO;
    let mut folded = Instant::now();
    let mut told = None;
    loop {
        match look(database, folded).await {
            Ok(Look::Nothing) => pause = (pause * 2).clamp(BUSY, IDLE),
            Ok(Look::Few) => pause = BUSY,
            Ok(Look::Folded) => (folded, pause, told) = (Instant::now(), BUSY, None),
            Ok(Look::Elsewhere) => {
                sleep(BUSY).await;
                continue;
            }
            Err(error) => {
                report(&error, &mut told);
                pause = (pause * 2).clamp(BUSY, PATIENCE);
                sleep(pause).await;
                continue;
            }
        }
        // A reader that met a long tail, or none, asks for a look at once.
        if timeout(pause, database.folding.notified()).await.is_ok() {
            sleep(TURN).await;
        }
    }
}

enum Look {
    Nothing,
    Few,
    Folded,
    Elsewhere,
}

async fn look(database: &Database, folded: Instant) -> Result<Look> {
    match waiting(database).await? {
        Some(0) => return Ok(Look::Nothing),
        Some(few) if few < MANY && folded.elapsed() < FEW_WAIT => return Ok(Look::Few),
        Some(_) => {}
        None => tracing::info!("counting the log; until that is done, summaries and the trash take longer"),
    }
    loop {
        match fold(database).await? {
            Folded::Part => sleep(TURN).await,
            Folded::Elsewhere => return Ok(Look::Elsewhere),
            Folded::Everything | Folded::Nothing => return Ok(Look::Folded),
        }
    }
}

/// How many entries wait, no more than are many; none where everything has to be counted.
async fn waiting(database: &Database) -> Result<Option<i64>> {
    let reading = Reading::quietly(database).await?;
    let Some(tail) = &reading.tail else {
        reading.end().await?;
        return Ok(None);
    };
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {} AS log WHERE (?) LIMIT {MANY}) AS waiting",
        database.dialect.table("log")
    );
    reading.expect_little(database).await?;
    let count = statement(&reading.transaction, database.dialect.sql(&sql, vec![tail.condition.clone()]));
    let count = reading.transaction.query_one_raw(count).await.map_err(failed)?;
    let count = count.map(|row| row.try_get_by_index(0).map_err(failed)).transpose()?;
    reading.end().await?;
    Ok(Some(count.unwrap_or(0)))
}

/// Once for each kind of failure in a row: the tries are repeated, the message is not. That the database is away, or its
/// lock taken, others tell.
fn report(error: &Error, told: &mut Option<Code>) {
    if *told == Some(error.code()) || error.code() == Code::Unavailable {
        tracing::debug!(%error, "cannot bring the counters forward");
    } else {
        tracing::warn!(%error, "cannot bring the counters forward: answers stay right, and take longer");
    }
    *told = Some(error.code());
}
