//! A subscriber, from both sides: the one that the task fills, and the one that is listened to.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use tokio::sync::mpsc;

use super::hub::Hub;
use crate::audit::{Code, Entry, Error, Filter, Result};

/// How many entries are kept for a subscriber who does not take them.
pub const BUFFER: usize = 1_024;

/// The task's side.
pub(super) struct Member {
    filter: Filter,
    sender: mpsc::Sender<Result<Arc<Entry>>>,
}

impl Member {
    /// Both sides of a new subscription.
    pub fn new(filter: Filter, hub: &Arc<Hub>) -> (Member, Subscription) {
        // One place more than entries may take: the reason why a subscription ends always finds room.
        let (sender, receiver) = mpsc::channel(BUFFER + 1);
        (Member { filter, sender }, Subscription { receiver, hub: Arc::clone(hub), over: false })
    }

    /// Whether anyone is still there to listen.
    pub fn listens(&self) -> bool {
        !self.sender.is_closed()
    }

    /// How many more entries the buffer takes.
    pub fn room(&self) -> usize {
        self.sender.capacity().saturating_sub(1)
    }

    /// Hands over an entry, if it is meant. Returns whether the subscription goes on: it ends where the buffer is full.
    pub fn offer(&self, entry: &Arc<Entry>) -> bool {
        if !self.filter.matches(entry) {
            return true;
        }
        if self.room() == 0 {
            self.end(Error::new(
                Code::Unavailable,
                format!(
                    "this subscription fell more than {BUFFER} entries behind and was ended; subscribe again, and take \
                     entries faster or ask for fewer by a filter"
                ),
            ));
            return false;
        }
        // It fails only where nobody listens any more.
        self.sender.try_send(Ok(Arc::clone(entry))).is_ok()
    }

    /// Tells the subscriber, after all that is buffered, why nothing more will come.
    pub fn end(&self, reason: Error) {
        // As above: there is room, so a failure means that nobody listens.
        let _ = self.sender.try_send(Err(reason));
    }
}

/// The subscriber's side: a stream of entries. An error is its last item. Dropping it unsubscribes.
pub struct Subscription {
    receiver: mpsc::Receiver<Result<Arc<Entry>>>,
    hub: Arc<Hub>,
    over: bool,
}

impl Stream for Subscription {
    type Item = Result<Arc<Entry>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let item = ready!(self.receiver.poll_recv(context));
        self.over = !matches!(item, Some(Ok(_)));
        // The task never leaves without a reason; it is only ever torn down, and that must not look like silence.
        Poll::Ready(Some(item.unwrap_or_else(|| Err(Error::unavailable("the feed's task is gone")))))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.receiver.close();
        // The task ends with the last subscriber.
        self.hub.wake();
    }
}
