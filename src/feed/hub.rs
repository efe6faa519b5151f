//! Where those who have caught up and the poller meet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::member::{Listening, Wish};
use super::poller;
use super::reader::Source;
use crate::audit::{Error, Result};
use crate::store::Database;

/// Someone who wants to listen, and waits until the task knows from where on.
pub(super) struct Join {
    /// What they want to hear.
    pub wish: Wish,
    /// Whether they begin with this, and have not read on from elsewhere.
    pub begins: bool,
    /// Where their end of the line, or the reason why there is none, is awaited.
    pub reply: oneshot::Sender<Result<Listening>>,
}

#[derive(Default)]
struct State {
    polling: bool,
    joining: Vec<Join>,
}

/// Who waits to be let in, whether the task runs, and the bell that wakes it.
pub(super) struct Hub {
    source: Source,
    state: Mutex<State>,
    bell: Notify,
}

impl Hub {
    pub fn new(database: &Database) -> Hub {
        Hub { source: Source::of(database), state: Mutex::default(), bell: Notify::new() }
    }

    /// Where readers come from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Waits until the poller has let someone in, after a look that began later than this call; starts it where it does
    /// not run.
    pub async fn join(self: &Arc<Hub>, wish: Wish, begins: bool) -> Result<Listening> {
        let (reply, answer) = oneshot::channel();
        let starts = {
            let mut state = self.state();
            state.joining.push(Join { wish, begins, reply });
            !std::mem::replace(&mut state.polling, true)
        };
        if starts {
            tokio::spawn(poller::run(Running::of(self)));
        }
        self.wake();
        // Without an answer the task was torn down in between, with the runtime or by a panic.
        answer.await.unwrap_or_else(|gone| Err(Error::unavailable(gone)))
    }

    /// Has the task look now.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// Waits for the bell, at most this long. Returns whether it rang.
    pub async fn rest(&self, at_most: Duration) -> bool {
        timeout(at_most, self.bell.notified()).await.is_ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub fn is_polling(&self) -> bool {
        self.state().polling
    }
}

/// The running task's hold on the hub. However the task ends, the next subscriber can start another.
pub(super) struct Running {
    hub: Arc<Hub>,
    ended: bool,
}

impl Running {
    fn of(hub: &Arc<Hub>) -> Running {
        Running { hub: Arc::clone(hub), ended: false }
    }

    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Those who wait to be let in; none where there is nobody else either, which ends the task. Whether it ends is
    /// decided under the lock, so that whoever joins meanwhile starts another.
    pub fn joining(&mut self, someone_listens: bool) -> Option<Vec<Join>> {
        let mut state = self.hub.state();
        state.joining.retain(|join| !join.reply.is_closed());
        if state.joining.is_empty() && !someone_listens {
            state.polling = false;
            self.ended = true;
            return None;
        }
        Some(std::mem::take(&mut state.joining))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            *self.hub.state() = State::default();
        }
    }
}
