//! Answers that stay open: server-sent events, and Apollo's multipart subscriptions.

mod event_stream;
mod multipart;

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use futures_util::{FutureExt as _, stream};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::audit::{Code, Error};

use super::bearer;
use super::events::{Event, Events};
use super::failure;
use super::negotiate::StreamType;
use super::request_log::RequestLog;

/// Tells nginx, and what imitates it, to pass each piece on as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A piece of a body does not grow beyond this, in bytes, but for one large event.
const PIECE: usize = 16 * 1024;

/// How long an answer stays open, whatever comes of its operation.
pub(super) struct Bounds {
    /// How often a sign of life is sent.
    pub ping_interval: Duration,
    /// When the token ends.
    pub end: Instant,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

/// The answer that tells the events as they come. The operation ends with it, and it with the client.
pub(super) fn answer(stream_type: StreamType, events: Events, bounds: Bounds, mut log: RequestLog) -> Response<Body> {
    log.transport(stream_type.name());
    log.status(200);
    let mut ticks = tokio::time::interval_at(Instant::now() + bounds.ping_interval, bounds.ping_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = Open {
        stream_type,
        events,
        ticks,
        end: Box::pin(tokio::time::sleep_until(bounds.end)),
        stop: Box::pin(bounds.stop.cancelled_owned()),
        log,
        phase: Phase::Opening,
    };
    let body = stream::unfold(open, |mut open| async move {
        let piece = open.next().await?;
        Some((Ok::<Bytes, Infallible>(piece.into()), open))
    });
    let mut answer = Response::new(Body::from_stream(body));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(stream_type.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    answer
}

#[derive(PartialEq)]
enum Phase {
    Opening,
    Running,
    Over,
}

/// An answer that is being told.
struct Open {
    stream_type: StreamType,
    events: Events,
    ticks: Interval,
    end: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    log: RequestLog,
    phase: Phase,
}

impl Open {
    /// The next piece of the body.
    async fn next(&mut self) -> Option<String> {
        match self.phase {
            Phase::Opening => {
                self.phase = Phase::Running;
                return Some(self.opening());
            }
            Phase::Running => {}
            Phase::Over => return None,
        }
        tokio::select! {
            () = &mut self.stop => {
                self.phase = Phase::Over;
                self.broken_off(&Error::new(Code::Unavailable, "the server is shutting down; subscribe again"))
            }
            () = &mut self.end => {
                self.phase = Phase::Over;
                self.broken_off(&Error::new(Code::Unauthenticated, bearer::EXPIRED))
            }
            event = self.events.next() => Some(self.tell(event)),
            _ = self.ticks.tick() => Some(self.sign_of_life()),
        }
    }

    fn opening(&self) -> String {
        match self.stream_type {
            // Some clients take the connection for open once something has come.
            StreamType::EventStream => event_stream::comment(),
            StreamType::Multipart => multipart::opening(),
        }
    }

    /// This event, and those behind it that are there already: many small pieces would cost a packet each.
    fn tell(&mut self, first: Option<Event>) -> String {
        let mut piece = String::new();
        let mut event = first;
        loop {
            let Some(told) = event else {
                self.phase = Phase::Over;
                return piece + &self.complete();
            };
            piece += &self.told(&told);
            if piece.len() >= PIECE {
                return piece;
            }
            match self.events.next().now_or_never() {
                Some(following) => event = following,
                None => return piece,
            }
        }
    }

    fn told(&mut self, event: &Event) -> String {
        match event {
            Event::Next { response, .. } => self.log.errors(&response.errors),
            Event::Refused(errors) => self.log.errors(errors),
        }
        match (self.stream_type, event) {
            (StreamType::EventStream, Event::Next { response, cursor }) => {
                event_stream::next(response, cursor.as_deref())
            }
            (StreamType::EventStream, Event::Refused(errors)) => event_stream::next(&failure::Refusal { errors }, None),
            (StreamType::Multipart, Event::Next { response, .. }) => multipart::payload(response),
            (StreamType::Multipart, Event::Refused(errors)) => multipart::payload(&failure::Refusal { errors }),
        }
    }

    fn complete(&self) -> String {
        match self.stream_type {
            StreamType::EventStream => event_stream::complete(),
            StreamType::Multipart => multipart::end(),
        }
    }

    fn sign_of_life(&self) -> String {
        match self.stream_type {
            StreamType::EventStream => event_stream::comment(),
            StreamType::Multipart => multipart::heartbeat(),
        }
    }

    /// The end before the end: without `complete`, so that clients come again.
    fn broken_off(&mut self, reason: &Error) -> Option<String> {
        let errors = &[failure::to_graphql(reason)];
        self.log.errors(errors);
        match self.stream_type {
            // Clients come again by themselves, and the operation has not failed.
            StreamType::EventStream if reason.code() == Code::Unavailable => None,
            StreamType::EventStream => Some(event_stream::next(&failure::Refusal { errors }, None)),
            StreamType::Multipart => Some(multipart::broken_off(errors)),
        }
    }
}
