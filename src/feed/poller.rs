//! The one task of a process that asks the database what is new, for all who have caught up.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::event::Event;
use super::hub::{Join, Running};
use super::member::Member;
use super::place::Place;
use super::reader::{Page, Reader};
use crate::audit::{Code, Error, Result};

/// From one look to the next at the least, however often the task is woken.
const BREATH: Duration = Duration::from_millis(5);
/// Between the end of a look and the next at the least, however long it took.
const REST: Duration = Duration::from_millis(2);
/// From one look to the next, where it found something; doubled by each that finds nothing.
const BUSY: Duration = Duration::from_millis(8);
/// The longest pause between two looks.
const IDLE: Duration = Duration::from_millis(250);
/// The longest pause between two tries while the database is away.
const AWAY: Duration = Duration::from_secs(2);
/// How often an event is offered before other tasks have their turn.
const CROWD: usize = 4_000;

/// The pause after another try that failed.
pub(super) fn patience(pause: Duration) -> Duration {
    (pause * 2).clamp(BUSY, AWAY)
}

/// Who has caught up, and how far that is.
#[derive(Default)]
struct Live {
    members: Vec<Member>,
    /// None before the first look.
    place: Option<Place>,
    /// How many events were handed out: it tells whether the place has moved.
    reached: u64,
}

/// Runs until nobody listens.
pub(super) async fn run(mut running: Running) {
    let mut reader = running.hub().source().poller();
    let mut live = Live::default();
    let mut pause = Duration::ZERO;
    let mut away = false;
    loop {
        live.members.retain(Member::listens);
        let Some(joining) = running.joining(!live.members.is_empty()) else { return };
        let mut began = Instant::now();
        match live.look(&mut reader).await {
            Ok((found, place)) => {
                if std::mem::take(&mut away) {
                    tracing::info!("the database is back; the feed goes on where it was");
                }
                pause = if found { BUSY } else { (pause * 2).clamp(BUSY, IDLE) };
                live.tell_positions(&place);
                live.admit(joining, &place, &running);
            }
            Err(error) => {
                let over = error.code() != Code::Unavailable;
                // Once an outage: the look is repeated, its message is not.
                if over || !away {
                    tracing::warn!(%error, "the feed cannot read the log");
                }
                away = !over;
                pause = patience(pause);
                began = Instant::now();
                if over {
                    // No patience mends this. Who subscribes again begins anew.
                    live.members.drain(..).for_each(|member| member.end(copy(&error)));
                    (reader, live) = (running.hub().source().poller(), Live::default());
                }
                for join in joining {
                    // It fails only where nobody waits any more.
                    let _ = join.reply.send(Err(copy(&error)));
                }
            }
        }
        // What the look itself took is a part of the pause.
        sleep(BREATH.saturating_sub(began.elapsed()).max(REST)).await;
        if running.hub().rest(pause.saturating_sub(began.elapsed())).await && !away {
            pause = Duration::ZERO;
        }
    }
}

impl Live {
    /// Reads and hands out all that was committed until now. Returns whether there was anything, and the place behind it.
    async fn look(&mut self, reader: &mut Reader) -> Result<(bool, Place)> {
        let Some(mut place) = self.place.clone() else {
            let place = reader.now().await?;
            self.place = Some(place.clone());
            return Ok((false, place));
        };
        let mut found = false;
        loop {
            // The rest of what an earlier look has found says nothing of what was committed since.
            let behind = place.is_within();
            let page = reader.read(&place, None).await?;
            found |= !page.events.is_empty();
            let more = page.more || behind;
            place = self.deliver(page, place).await;
            self.place = Some(place.clone());
            if !more {
                return Ok((found, place));
            }
        }
    }

    /// Hands out a page. Nobody is waited for: who does not take it catches up alone.
    async fn deliver(&mut self, page: Page, mut before: Place) -> Place {
        let mut offers = 0;
        for event in page.events {
            self.reached += 1;
            offers += self.members.len();
            self.members.retain_mut(|member| member.offer(&event, &before, self.reached));
            before = event.place().clone();
            if offers >= CROWD {
                offers = 0;
                yield_now().await;
            }
        }
        page.place
    }

    fn tell_positions(&mut self, place: &Place) {
        let mut position = None;
        for member in self.members.iter_mut().filter(|member| member.waits(self.reached)) {
            let position = position.get_or_insert_with(|| Event::position(place.clone()));
            member.tell(position, self.reached);
        }
    }

    /// Lets in who came before the last look: all that it saw was before them, and all that comes is theirs.
    fn admit(&mut self, joining: Vec<Join>, place: &Place, running: &Running) {
        for join in joining {
            // Who begins here is told this very place.
            let reached = join.begins.then_some(self.reached);
            let (member, listening) = Member::new(join.wish, place.clone(), reached, running.hub());
            // Who gave up waiting is not let in.
            if join.reply.send(Ok(listening)).is_ok() {
                self.members.push(member);
            }
        }
    }
}

/// The same failure for one more subscriber. The cause is in the server's log.
fn copy(error: &Error) -> Error {
    Error::new(error.code(), error.message())
}
