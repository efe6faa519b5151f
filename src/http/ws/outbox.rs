//! What waits to be sent on a socket: the session's own messages first, then those of the operations by turns.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::ws::Message;
use futures_util::stream::{self, AbortHandle, Abortable, BoxStream, SelectAll};
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How many messages of one operation may wait.
const PER_OPERATION: usize = 32;

/// How many messages of the session's own may wait; nothing is read from a client that does not take them.
const OWN: usize = 16;

/// How many messages are passed on before others have their turn: reading, the clock.
const TURN: usize = 64;

/// A message of an operation on its way to the socket.
pub(super) struct Outgoing {
    /// The operation's id, as the client chose it.
    pub id: Arc<str>,
    /// The message.
    pub text: String,
    /// Whether it is the operation's last.
    pub is_last: bool,
}

/// Holds a place in the outbox; when it is dropped, what still waits there is forgotten.
pub(super) struct Place(AbortHandle);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The peer can be sent no more.
#[derive(Debug)]
pub(super) struct Gone;

/// Waits until the peer has taken nothing for so long that it is taken for dead, where it does so.
pub(super) async fn stuck(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What waits to be sent, and where to.
pub(super) struct Outbox<S> {
    sink: S,
    own: VecDeque<Message>,
    /// Whoever has passed a message on goes to the end of the line.
    operations: SelectAll<Abortable<BoxStream<'static, Outgoing>>>,
    is_flushed: bool,
    is_full: bool,
    blocked_since: Option<Instant>,
    has_moved: bool,
}

impl<S: Sink<Message> + Unpin> Outbox<S> {
    pub(super) fn new(sink: S) -> Self {
        Outbox {
            sink,
            own: VecDeque::new(),
            operations: SelectAll::new(),
            is_flushed: true,
            is_full: false,
            blocked_since: None,
            has_moved: false,
        }
    }

    /// Puts a message of the session's own in front of the operations'.
    pub(super) fn say(&mut self, message: Message) {
        self.own.push_back(message);
    }

    /// Whether the session may cause more messages of its own.
    pub(super) fn has_room(&self) -> bool {
        self.own.len() < OWN
    }

    /// Opens a place for an operation.
    pub(super) fn open(&mut self) -> (mpsc::Sender<Outgoing>, Place) {
        let (sender, mut receiver) = mpsc::channel(PER_OPERATION);
        let (messages, handle) = stream::abortable(stream::poll_fn(move |context| receiver.poll_recv(context)).boxed());
        self.operations.push(messages);
        (sender, Place(handle))
    }

    /// Whether the peer takes nothing at the moment.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked_since.is_some()
    }

    /// Whether the peer, which had taken nothing, has taken something since this was last asked: a sign of life.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.has_moved)
    }

    /// Since when the peer takes nothing.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.blocked_since
    }

    /// Passes on what waits, and flushes once nothing does. Ready with an operation's id after its last message, and
    /// with none when others should have their turn.
    pub(super) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Arc<str>>, Gone>> {
        for _ in 0..TURN {
            ready!(self.poll_room(context))?;
            let (message, finished) = match self.own.pop_front() {
                Some(message) => (message, None),
                None => match self.operations.poll_next_unpin(context) {
                    Poll::Ready(Some(Outgoing { id, text, is_last })) => {
                        (Message::Text(text.into()), is_last.then_some(id))
                    }
                    Poll::Ready(None) | Poll::Pending => return self.poll_flush(context),
                },
            };
            Pin::new(&mut self.sink).start_send(message).map_err(|_| Gone)?;
            self.is_flushed = false;
            if finished.is_some() {
                return Poll::Ready(Ok(finished));
            }
        }
        Poll::Ready(Ok(None))
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let room = Pin::new(&mut self.sink).poll_ready(context).map_err(|_| Gone);
        match room.is_pending() {
            true => {
                self.is_full = true;
                self.blocked_since.get_or_insert_with(Instant::now);
            }
            false if self.is_full => {
                self.is_full = false;
                self.moved();
            }
            false => {}
        }
        room
    }

    fn poll_flush<T>(&mut self, context: &mut Context<'_>) -> Poll<Result<T, Gone>> {
        if !self.is_flushed {
            match Pin::new(&mut self.sink).poll_flush(context) {
                Poll::Ready(Ok(())) => {
                    self.is_flushed = true;
                    if self.is_blocked() {
                        self.moved();
                    }
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Gone)),
                Poll::Pending => {
                    self.blocked_since.get_or_insert_with(Instant::now);
                }
            }
        }
        Poll::Pending
    }

    fn moved(&mut self) {
        self.blocked_since = None;
        self.has_moved = true;
    }

    /// Sends what is left of the session's own, and this as the last.
    pub(super) async fn end(mut self, last: Message) -> Result<(), Gone> {
        for message in self.own.into_iter().chain([last]) {
            self.sink.feed(message).await.map_err(|_| Gone)?;
        }
        self.sink.flush().await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::poll_fn;

    use super::*;

    /// A peer that takes so many messages, and no more until it is told to.
    #[derive(Default)]
    struct Peer {
        room: usize,
        taken: Vec<String>,
    }

    impl Sink<Message> for Peer {
        type Error = ();

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            if self.room > 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), ()> {
            self.room -= 1;
            self.taken.push(message.into_text().unwrap().to_string());
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Outbox<Peer> {
        /// Lets the peer take so many more, and gives all that it has taken since.
        fn taken(&mut self, room: usize) -> Vec<String> {
            self.sink.room = room;
            while let Some(sent) = poll_fn(|context| self.poll_send(context)).now_or_never() {
                sent.unwrap();
            }
            std::mem::take(&mut self.sink.taken)
        }
    }

    fn put(sender: &mpsc::Sender<Outgoing>, name: &str, count: usize) {
        for number in 1..=count {
            let outgoing = Outgoing { id: name.into(), text: format!("{name}{number}"), is_last: false };
            sender.try_send(outgoing).map_err(|_| "full").unwrap();
        }
    }

    #[tokio::test]
    async fn operations_take_turns_behind_the_sessions_own() {
        let mut outbox = Outbox::new(Peer::default());
        let [(a, _in_a), (b, _in_b), (_, _idle)] = [outbox.open(), outbox.open(), outbox.open()];
        put(&a, "a", 5);
        put(&b, "b", 2);
        outbox.say(Message::text("own"));
        assert_eq!(outbox.taken(4), ["own", "a1", "b1", "a2"]);
        outbox.say(Message::text("own"));
        assert_eq!(outbox.taken(9), ["own", "b2", "a3", "a4", "a5"]);
    }

    #[tokio::test]
    async fn who_gives_up_its_place_is_forgotten_with_what_waits_there() {
        let mut outbox = Outbox::new(Peer::default());
        let (sender, place) = outbox.open();
        put(&sender, "a", 3);
        assert_eq!(outbox.taken(1), ["a1"]);
        drop(place);
        assert!(outbox.taken(9).is_empty());
        assert!(sender.is_closed());
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_noticed_and_believed_once_it_takes_something() {
        let mut outbox = Outbox::new(Peer::default());
        let (sender, _place) = outbox.open();
        assert_eq!((outbox.taken(1).len(), outbox.is_blocked()), (0, false));
        put(&sender, "a", 3);
        assert_eq!((outbox.taken(2).len(), outbox.is_blocked(), outbox.take_moved()), (2, true, false));
        let since = outbox.blocked_since().unwrap();
        assert!(stuck(None).now_or_never().is_none());
        assert!(stuck(Some(since + Duration::from_secs(60))).now_or_never().is_none());
        stuck(Some(since)).await;
        assert_eq!((outbox.taken(2).len(), outbox.is_blocked(), outbox.take_moved()), (1, false, true));
        assert!(!outbox.take_moved());
    }

    #[tokio::test]
    async fn only_so_much_of_the_sessions_own_may_wait() {
        let mut outbox = Outbox::new(Peer::default());
        for _ in 0..OWN {
            assert!(outbox.has_room());
            outbox.say(Message::text("pong"));
        }
        assert!(!outbox.has_room());
        outbox.taken(1);
        assert!(outbox.has_room());
    }
}
