//! The body of an answer on its way. On a connection that carries many, one that is not read is held up by its own, and
//! nothing tells: no byte of it waits in the socket. So it is looked from outside whether it still moves.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use super::connection::Running;

/// A body, and whether it is asked for more.
struct Held {
    /// None once it was given up.
    body: Option<Body>,
    /// Since when the rest of it is not asked for.
    waits_since: Option<Instant>,
}

type Shared = Mutex<Held>;

fn hold(shared: &Shared) -> MutexGuard<'_, Held> {
    // A body that panicked is asked no more.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of an answer.
pub(super) struct Told {
    held: Arc<Shared>,
    _running: Arc<Running>,
}

/// The same from outside.
pub(super) struct Unread(Weak<Shared>);

impl Told {
    pub(super) fn new(body: Body, running: Arc<Running>) -> (Self, Unread) {
        let held = Arc::new(Mutex::new(Held { body: Some(body), waits_since: Some(Instant::now()) }));
        let unread = Unread(Arc::downgrade(&held));
        (Told { held, _running: running }, unread)
    }
}

impl Unread {
    /// Gives the body up where nothing of it was asked for so long. Returns whether there is still something to look at.
    pub(super) fn stays(&self, patience: Duration) -> bool {
        let Some(held) = self.0.upgrade() else { return false };
        let mut held = hold(&held);
        if held.waits_since.is_some_and(|since| since.elapsed() >= patience) {
            held.body = None;
        }
        held.body.is_some()
    }
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut held = hold(&self.held);
        let Some(body) = &mut held.body else {
            let given_up = io::Error::new(io::ErrorKind::TimedOut, "the answer was not read");
            return Poll::Ready(Some(Err(axum::Error::new(given_up))));
        };
        let frame = Pin::new(body).poll_frame(context);
        held.waits_since = frame.is_ready().then(Instant::now);
        frame
    }

    fn is_end_stream(&self) -> bool {
        hold(&self.held).body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        hold(&self.held).body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
