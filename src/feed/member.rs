//! A subscriber who has caught up, as the poller sees them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::event::Event;
use super::hub::Hub;
use super::place::Place;
use crate::audit::{Error, Filter};

/// How many entries are kept for a subscriber who does not take them. What comes then is read again when it is wanted.
pub const BUFFER: usize = 1_024;
/// Who has heard nothing for this long is told the position, if they want to know.
pub(super) const SILENCE: Duration = Duration::from_secs(2);

/// Who listens, and to what.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub filter: Arc<Filter>,
    /// Whether bare positions are wanted.
    pub positions: bool,
}

/// What is handed to a subscriber.
pub(super) enum Message {
    Event(Arc<Event>),
    /// The buffer was full: all up to this place was handed over, and nothing that comes after it.
    Cut(Place),
    /// Nothing more will come, and why.
    End(Error),
}

/// The poller's side.
pub(super) struct Member {
    wish: Wish,
    sender: mpsc::Sender<Message>,
    told: Instant,
    /// How far the feed was when something was last told; none where that was told by someone else, earlier.
    reached: Option<u64>,
}

impl Member {
    /// Both sides of someone who listens from a place on.
    pub fn new(wish: Wish, place: Place, reached: Option<u64>, hub: &Arc<Hub>) -> (Member, Listening) {
        // One more than entries may take: that it was cut off, or why nothing more comes, always finds room.
        let (sender, receiver) = mpsc::channel(BUFFER + 1);
        let member = Member { wish, sender, told: Instant::now(), reached };
        (member, Listening { receiver, hub: Arc::clone(hub), from: place })
    }

    /// Whether anyone is still there to listen.
    pub fn listens(&self) -> bool {
        !self.sender.is_closed()
    }

    fn is_full(&self) -> bool {
        self.sender.capacity() <= 1
    }

    /// Hands over an event, if it is meant; `before` is the place in front of it, `reached` how far the feed is behind it.
    /// Returns whether the member stays: where the buffer is full it is cut off.
    pub fn offer(&mut self, event: &Arc<Event>, before: &Place, reached: u64) -> bool {
        if !event.entry().is_some_and(|entry| self.wish.filter.matches(entry)) {
            return true;
        }
        if self.is_full() {
            self.send(Message::Cut(before.clone()));
            return false;
        }
        self.told = Instant::now();
        self.reached = Some(reached);
        self.send(Message::Event(Arc::clone(event)))
    }

    /// Whether it is time to tell the position, where the feed has come this far.
    pub fn waits(&self, reached: u64) -> bool {
        self.wish.positions && self.reached != Some(reached) && self.told.elapsed() >= SILENCE && !self.is_full()
    }

    /// Tells the position.
    pub fn tell(&mut self, position: &Arc<Event>, reached: u64) {
        self.told = Instant::now();
        self.reached = Some(reached);
        self.send(Message::Event(Arc::clone(position)));
    }

    /// Tells the subscriber, after all that is buffered, why nothing more will come.
    pub fn end(&self, reason: Error) {
        self.send(Message::End(reason));
    }

    /// There is room, so that it fails only where nobody listens any more.
    fn send(&self, message: Message) -> bool {
        self.sender.try_send(message).is_ok()
    }
}

/// The subscriber's side.
pub(super) struct Listening {
    receiver: mpsc::Receiver<Message>,
    hub: Arc<Hub>,
    /// All that comes after this place is handed over.
    pub from: Place,
}

impl Listening {
    /// What is handed over next.
    pub async fn next(&mut self) -> Message {
        // The poller never leaves without a reason; it is only ever torn down, and that must not look like silence.
        self.receiver.recv().await.unwrap_or_else(|| Message::End(Error::unavailable("the feed's task is gone")))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.receiver.close();
        // The poller ends with the last who listens.
        self.hub.wake();
    }
}
