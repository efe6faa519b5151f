//! Connections to read by: one that the poller keeps while someone listens, and a few that those who catch up share.
//! Each is lent for one page, so that a slow subscriber holds none; and an idle server has none open.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::reader::Read;
use crate::audit::{Code, Error, Result};

/// How many connections those who catch up share.
const SHARED: usize = 4;
/// A shared connection that nobody needed for this long is closed.
const SPARE_FOR: Duration = Duration::from_secs(2);

/// How a session is opened.
pub(super) trait Connect: Send + Sync + 'static {
    /// A connection, ready to read.
    type Session: Send + 'static;

    /// Opens one.
    fn open(&self) -> impl Future<Output = Result<Self::Session>> + Send;
}

/// Reads on from a place by a session.
pub(super) trait Follow<C: Connect>: Send {
    /// A place in the feed.
    type Place: Sync;

    /// The entries after a place, up to a later one or the present; without a place, only what the present is.
    fn read(
        &mut self,
        lent: &mut Lent<C>,
        place: Option<&Self::Place>,
        until: Option<&Self::Place>,
    ) -> impl Future<Output = Result<Read<Self::Place>>> + Send;
}

/// The sessions of one feed.
pub(super) struct Sessions<C: Connect> {
    connect: C,
    permits: Arc<Semaphore>,
    spare: Mutex<Spare<C>>,
    opened: AtomicU64,
}

struct Spare<C: Connect> {
    sessions: Vec<(Lent<C>, Instant)>,
    /// Whether a task is there to close them.
    is_watched: bool,
}

/// A session in use. Dropped, it is closed.
pub(super) struct Lent<C: Connect> {
    pub session: C::Session,
    /// Grows with each session. One with a lower number was connected before.
    pub number: u64,
    /// The greatest number that there was when it was lent.
    pub latest: u64,
    /// Whether it was used before: the database may have ended it since.
    is_used: bool,
    permit: Option<OwnedSemaphorePermit>,
}

impl<C: Connect> Lent<C> {
    /// Whether a failure may be one of this session alone, so that a new one would not meet it.
    fn is_stale(&self, failure: &Error) -> bool {
        self.is_used && failure.code() == Code::Unavailable
    }
}

impl<C: Connect> Sessions<C> {
    pub fn new(connect: C) -> Arc<Sessions<C>> {
        Arc::new(Sessions {
            connect,
            permits: Arc::new(Semaphore::new(SHARED)),
            spare: Mutex::new(Spare { sessions: Vec::new(), is_watched: false }),
            opened: AtomicU64::new(0),
        })
    }

    /// The greatest number that a session has.
    fn latest(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    async fn open(&self, permit: Option<OwnedSemaphorePermit>) -> Result<Lent<C>> {
        let session = self.connect.open().await?;
        let number = self.opened.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Lent { session, number, latest: number, is_used: false, permit })
    }

    async fn borrow(&self) -> Result<Lent<C>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(Error::internal)?;
        let spare = self.spare().sessions.pop();
        match spare {
            Some((lent, _)) => Ok(Lent { permit: Some(permit), ..lent }),
            None => self.open(Some(permit)).await,
        }
    }

    fn give_back(self: &Arc<Self>, mut lent: Lent<C>) {
        // Dropped last, after the session is back, so that there are never more of them than permits.
        let _permit = lent.permit.take();
        let mut spare = self.spare();
        spare.sessions.push((lent, Instant::now()));
        if !std::mem::replace(&mut spare.is_watched, true) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Closes what was kept: the database has ended one of them.
    fn forget(&self) {
        self.spare().sessions.clear();
    }

    fn spare(&self) -> MutexGuard<'_, Spare<C>> {
        // Nothing under this lock can leave the list half changed.
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the sessions that nobody needs, and ends when there are none left.
async fn watch<C: Connect>(sessions: Weak<Sessions<C>>) {
    loop {
        sleep(SPARE_FOR / 2).await;
        let Some(sessions) = sessions.upgrade() else { return };
        let mut spare = sessions.spare();
        spare.sessions.retain(|(_, since)| since.elapsed() < SPARE_FOR);
        if spare.sessions.is_empty() {
            spare.is_watched = false;
            return;
        }
    }
}

/// How a reader comes by a session.
pub(super) struct Line<C: Connect> {
    sessions: Arc<Sessions<C>>,
    own: Option<Lent<C>>,
    keeps: bool,
}

impl<C: Connect> Line<C> {
    /// A session is opened when it is needed, and kept.
    pub fn own(sessions: &Arc<Sessions<C>>) -> Line<C> {
        Line { sessions: Arc::clone(sessions), own: None, keeps: true }
    }

    /// A session is borrowed each time.
    pub fn shared(sessions: &Arc<Sessions<C>>) -> Line<C> {
        Line { sessions: Arc::clone(sessions), own: None, keeps: false }
    }

    /// Reads by a session. Where that was used before, and the database may have ended it since, a new one reads once
    /// more.
    pub async fn read<F: Follow<C>>(
        &mut self,
        follower: &mut F,
        place: Option<&F::Place>,
        until: Option<&F::Place>,
    ) -> Result<Read<F::Place>> {
        loop {
            let mut lent = self.take().await?;
            lent.latest = self.sessions.latest();
            match follower.read(&mut lent, place, until).await {
                Ok(read) => {
                    self.give_back(lent);
                    return Ok(read);
                }
                Err(failure) if lent.is_stale(&failure) => self.sessions.forget(),
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn take(&mut self) -> Result<Lent<C>> {
        match self.own.take() {
            Some(own) => Ok(own),
            None if self.keeps => self.sessions.open(None).await,
            None => self.sessions.borrow().await,
        }
    }

    fn give_back(&mut self, lent: Lent<C>) {
        let lent = Lent { is_used: true, ..lent };
        if self.keeps {
            self.own = Some(lent);
        } else {
            self.sessions.give_back(lent);
        }
    }
}
