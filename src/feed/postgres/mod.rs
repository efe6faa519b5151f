//! The feed on PostgreSQL: ids are given at insert and rows appear at commit, so that an id is no place to read on
//! from. A snapshot is one: it says which transactions are over.

/// The microseconds of an entry's instant, as it is read into entries: what cannot be shown is the end of what can.
macro_rules! micros {
    () => {
        "(extract(epoch FROM least(greatest(\"timestamp\", timestamptz '0001-01-01 00:00+00 BC'), \
         timestamptz '9999-12-31 23:59:59.999999+00')) * 1000000)::bigint"
    };
}

mod place;
mod run;
mod session;
mod walk;
mod window;

use std::sync::Arc;

pub(super) use place::{KIND, Place};
pub(super) use session::Connector;

use super::reader::PAGE;
use super::sessions::{Follow, Lent, Line};
use crate::audit::Result;
use crate::store::{Database, Snapshot, select_entries};
use place::Seen;
use session::Session;
use window::Window;

/// Entries, each with the place behind it; where the reading ended; and whether more were already committed.
pub(super) type Page = super::reader::Read<Place>;

/// Compares snapshots.
pub(super) struct Reader {
    line: Line<Connector>,
    follower: Follower,
}

/// What is known from one page to the next.
struct Follower {
    select: Arc<str>,
    /// What was learned of the window that is being read.
    window: Option<Window>,
    /// The session with this number, and all that were connected before, are of the life in which the place was told.
    verified: u64,
}

/// The statement that its pages are read by.
pub(super) fn select(database: &Database) -> Arc<str> {
    select_entries(database).into()
}

impl Reader {
    pub fn new(line: Line<Connector>, select: &Arc<str>) -> Reader {
        Reader { line, follower: Follower { select: Arc::clone(select), window: None, verified: 0 } }
    }

    pub async fn read(&mut self, place: Option<&Place>, until: Option<&Place>) -> Result<Page> {
        self.line.read(&mut self.follower, place, until).await
    }
}

impl Follow<Connector> for Follower {
    type Place = Place;

    async fn read(&mut self, lent: &mut Lent<Connector>, place: Option<&Place>, until: Option<&Place>) -> Result<Page> {
        let Some(place) = place else { return now(&mut lent.session).await };
        // The end was told by another session, which may have found another life since: this one proves by its answer
        // that it has not ended with an earlier one.
        if lent.number > self.verified || until.is_some() {
            for place in [Some(place), until].into_iter().flatten() {
                lent.session.verify(place).await?;
            }
            self.verified = lent.latest;
        }
        // It is put back only where all went well.
        let kept = self.window.take().filter(|window| window.is_at(place));
        let session = &mut lent.session;
        let window = match (kept, &place.within, until) {
            (Some(window), ..) => window,
            (None, Some(within), _) => Window::resume(session, place, &within.until).await?,
            (None, None, Some(until)) => Window::resume(session, place, &until.seen).await?,
            (None, None, None) => match fresh(session, &self.select, place).await? {
                Fresh::Page(page) => return Ok(page),
                Fresh::Window(window) => window,
            },
        };
        self.page(session, window, place, until).await
    }
}

impl Follower {
    async fn page(
        &mut self,
        session: &mut Session,
        mut window: Window,
        place: &Place,
        until: Option<&Place>,
    ) -> Result<Page> {
        let (entries, is_over) = window.next(session, &self.select).await?;
        let behind = window.end();
        let place = match entries.last() {
            _ if is_over => behind,
            Some((_, last)) => last.clone(),
            None => place.clone(),
        };
        // A window of the place's own is followed by the one that ends where the reading is to end.
        let is_there = is_over && until.is_none_or(|until| Arc::ptr_eq(&until.seen, &place.seen));
        if !is_over {
            self.window = Some(window);
        }
        Ok(Page { entries, place, more: !is_there })
    }
}

/// What a look from a place shows.
enum Fresh {
    /// All that there is.
    Page(Page),
    /// More than a page holds.
    Window(Window),
}

async fn fresh(session: &mut Session, select: &str, place: &Place) -> Result<Fresh> {
    let look = session.look().await?;
    look.follows(place)?;
    let found = session.found(select, place, &look).await?;
    if found.entries.len() > PAGE {
        let window = Window::open(session, place, &look).await?;
        session.flushed(&look).await?;
        return Ok(Fresh::Window(window));
    }
    if found.entries.is_empty() {
        // Others write, and not to the log. The old place serves as well as a new one that is not safe yet.
        let place = match found.is_flushed {
            true => {
                let seen = Seen { snapshot: look.snapshot, ..Seen::clone(&place.seen) };
                Place::after(place.era, &Arc::new(seen))
            }
            false => place.clone(),
        };
        return Ok(Fresh::Page(Page { entries: Vec::new(), place, more: false }));
    }
    if !found.is_flushed {
        session.flushed(&look).await?;
    }
    let (entries, place) = window::whole(place, look.snapshot, found.entries);
    Ok(Fresh::Page(Page { entries, place, more: false }))
}

/// The place behind all that is committed.
async fn now(session: &mut Session) -> Result<Page> {
    let look = session.look().await?;
    let top = match session.has_begun(look.era).await? {
        true => session.top(look.era, &look.snapshot.ended_since(&Snapshot::default())).await?,
        false => None,
    };
    session.flushed(&look).await?;
    let seen = Seen::shown(look.snapshot, top, &Seen::default());
    Ok(Page { entries: Vec::new(), place: Place::after(look.era, &Arc::new(seen)), more: false })
}
