//! A subscriber, from its own side: it reads the log by itself until it has caught up, then takes what the poller hands
//! out; and where it takes that too slowly it reads by itself again. So nobody waits for it, and it misses nothing.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::{self, BoxStream};
use tokio::time::{Instant, sleep};

use super::event::Event;
use super::hub::Hub;
use super::member::{Listening, Message, SILENCE, Wish};
use super::place::Place;
use super::poller::patience;
use super::replay::Replay;
use crate::audit::{Code, Result};

/// A stream of events. An error is its last item. Dropping it unsubscribes.
pub struct Subscription {
    events: BoxStream<'static, Result<Arc<Event>>>,
}

impl Stream for Subscription {
    type Item = Result<Arc<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}

impl Subscription {
    /// From now on.
    pub(super) async fn live(hub: &Arc<Hub>, wish: Wish) -> Result<Subscription> {
        let listening = hub.join(wish.clone(), true).await?;
        let place = listening.from.clone();
        Ok(Subscriber::new(hub, wish, State::Live(listening)).begin(place))
    }

    /// From a place on.
    pub(super) async fn after(hub: &Arc<Hub>, wish: Wish, place: Place) -> Result<Subscription> {
        let mut replay = Box::new(Replay::new(hub.source(), place.clone()));
        // That the place is good here is found out now, and not when someone listens.
        let page = replay.try_next().await?;
        let mut subscriber = Subscriber::new(hub, wish, State::Over);
        subscriber.read = page.events.into();
        subscriber.state = State::Behind { replay, more: page.more, joined: None };
        Ok(subscriber.begin(place))
    }
}

enum State {
    /// Takes what is handed out.
    Live(Listening),
    /// Reads by itself; with a line, up to where that begins.
    Behind { replay: Box<Replay>, more: bool, joined: Option<Listening> },
    /// Nothing more comes.
    Over,
}

struct Subscriber {
    hub: Arc<Hub>,
    wish: Wish,
    state: State,
    /// What was read and not yet looked at.
    read: VecDeque<Arc<Event>>,
    /// The first position, where it is wanted.
    first: Option<Arc<Event>>,
    /// When something was last told, while it reads by itself.
    told: Instant,
}

impl Subscriber {
    fn new(hub: &Arc<Hub>, wish: Wish, state: State) -> Subscriber {
        Subscriber { hub: Arc::clone(hub), wish, state, read: VecDeque::new(), first: None, told: Instant::now() }
    }

    fn begin(mut self, place: Place) -> Subscription {
        self.first = self.wish.positions.then(|| Event::position(place));
        let events = stream::unfold(self, async |mut subscriber| {
            let event = subscriber.next().await.transpose()?;
            Some((event, subscriber))
        });
        Subscription { events: Box::pin(events) }
    }

    /// The next event; none after the end.
    async fn next(&mut self) -> Result<Option<Arc<Event>>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let outcome = self.advance().await;
        if outcome.is_err() {
            self.state = State::Over;
        }
        outcome
    }

    async fn advance(&mut self) -> Result<Option<Arc<Event>>> {
        loop {
            if let Some(event) = self.next_read() {
                self.told = Instant::now();
                return Ok(Some(event));
            }
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Ok(None),
                State::Live(mut listening) => match listening.next().await {
                    Message::Event(event) => {
                        self.state = State::Live(listening);
                        return Ok(Some(event));
                    }
                    Message::Cut(place) => {
                        self.told = Instant::now();
                        let replay = Box::new(Replay::new(self.hub.source(), place));
                        self.state = State::Behind { replay, more: true, joined: None };
                    }
                    Message::End(reason) => return Err(reason),
                },
                State::Behind { replay, more, joined } => {
                    let position = self.position(&replay);
                    self.read_on(replay, more, joined).await?;
                    if position.is_some() {
                        return Ok(position);
                    }
                }
            }
        }
    }

    /// The next of what was read that is meant.
    fn next_read(&mut self) -> Option<Arc<Event>> {
        while let Some(event) = self.read.pop_front() {
            if event.entry().is_some_and(|entry| self.wish.filter.matches(entry)) {
                return Some(event);
            }
        }
        None
    }

    /// Where it is, if that is wanted and nothing else was told for a while.
    fn position(&mut self, replay: &Replay) -> Option<Arc<Event>> {
        let is_due = self.wish.positions && self.told.elapsed() >= SILENCE;
        is_due.then(|| {
            self.told = Instant::now();
            Event::position(replay.place().clone())
        })
    }

    async fn read_on(&mut self, mut replay: Box<Replay>, more: bool, joined: Option<Listening>) -> Result<()> {
        self.state = match (more, joined) {
            (true, joined) => {
                let page = replay.next().await?;
                self.read = page.events.into();
                State::Behind { replay, more: page.more, joined }
            }
            (false, None) => {
                let listening = self.join().await?;
                replay.stop_at(listening.from.clone());
                State::Behind { replay, more: true, joined: Some(listening) }
            }
            (false, Some(listening)) => State::Live(listening),
        };
        Ok(())
    }

    /// Joins those who have caught up, whenever the database can be read.
    async fn join(&self) -> Result<Listening> {
        let mut pause = Duration::ZERO;
        loop {
            match self.hub.join(self.wish.clone(), false).await {
                Err(error) if error.code() == Code::Unavailable => {
                    pause = patience(pause);
                    sleep(pause).await;
                }
                other => return other,
            }
        }
    }
}
