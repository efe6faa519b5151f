//! The one task of a process that asks the database what is new, for all subscribers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::hub::{Join, Running};
use super::member::Member;
use super::reader::{Page, Reader};
use crate::audit::{Code, Error, Result};

/// Between two looks at the least, however often the task is woken.
const BREATH: Duration = Duration::from_millis(5);
/// Until the next look, after one that found something; doubled by each that finds nothing.
const BUSY: Duration = Duration::from_millis(20);
/// The longest pause between two looks.
const IDLE: Duration = Duration::from_millis(250);
/// The longest pause between two tries while the database is away.
const AWAY: Duration = Duration::from_secs(2);
/// How long a full buffer may hold up the others, so that one burst does not end subscriptions that keep up.
const COURTESY: Duration = Duration::from_millis(200);
/// A database that says nothing for this long is away. The longest single step is to sort what a long outage left.
const SILENCE: Duration = Duration::from_secs(120);

/// Runs until nobody listens.
pub(super) async fn run(mut running: Running) {
    let mut reader = Reader::of(running.hub().database());
    let mut members: Vec<Member> = Vec::new();
    let mut pause = Duration::ZERO;
    let mut away = false;
    loop {
        members.retain(Member::listens);
        let Some(joining) = running.joining(!members.is_empty()) else { return };
        match look(&mut reader, &mut members).await {
            Ok(found) => {
                if std::mem::take(&mut away) {
                    tracing::info!("the database is back; the feed goes on where it was");
                }
                pause = if found { BUSY } else { (pause * 2).clamp(BUSY, IDLE) };
                admit(joining, &mut members, &running);
            }
            Err(error) => {
                let over = error.code() != Code::Unavailable;
                // Once an outage: the look is repeated, its message is not.
                if over || !away {
                    tracing::warn!(%error, "the feed cannot read the log");
                }
                away = !over;
                pause = (pause * 2).clamp(BUSY, AWAY);
                if over {
                    // No patience mends this. Who subscribes again begins anew.
                    members.drain(..).for_each(|member| member.end(copy(&error)));
                    reader = Reader::of(running.hub().database());
                }
                for join in joining {
                    // It fails only where nobody waits any more.
                    let _ = join.reply.send(Err(copy(&error)));
                }
            }
        }
        sleep(BREATH).await;
        if running.hub().rest(pause - BREATH).await && !away {
            pause = Duration::ZERO;
        }
    }
}

/// Reads and hands out all that was committed until now. Returns whether there was anything.
async fn look(reader: &mut Reader, members: &mut Vec<Member>) -> Result<bool> {
    let mut found = false;
    loop {
        let behind = reader.is_behind();
        let page = timeout(SILENCE, reader.next()).await.unwrap_or_else(|late| Err(Error::unavailable(late)))?;
        found |= !page.entries.is_empty();
        let more = page.more || behind;
        deliver(page, members).await;
        if !more {
            return Ok(found);
        }
    }
}

async fn deliver(page: Page, members: &mut Vec<Member>) {
    let until = Instant::now() + COURTESY;
    let crowded = |member: &Member| member.listens() && member.room() < page.entries.len();
    while members.iter().any(crowded) && Instant::now() < until {
        sleep(Duration::from_millis(1)).await;
    }
    for entry in page.entries.into_iter().map(Arc::new) {
        members.retain(|member| member.offer(&entry));
    }
}

/// Lets in who came before the last look: all that it saw was before them, and all that comes is theirs.
fn admit(joining: Vec<Join>, members: &mut Vec<Member>, running: &Running) {
    for join in joining {
        let (member, subscription) = Member::new(join.filter, running.hub());
        // Who gave up waiting is not let in.
        if join.reply.send(Ok(subscription)).is_ok() {
            members.push(member);
        }
    }
}

/// The same failure for one more subscriber. The cause is in the server's log.
fn copy(error: &Error) -> Error {
    Error::new(error.code(), error.message())
}
