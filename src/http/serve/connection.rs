//! One connection: the requests on it, and its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::time::{Instant, MissedTickBehavior};
use tower::ServiceExt as _;

use crate::http::settings::ConnectionLimits;

use super::Sockets;
use super::told::{Told, Unread};
use super::wire::Wire;

/// How often it is looked, within the time that something may take, whether that is over.
const LOOKS: u32 = 5;

/// Serves a connection to its end.
pub(super) async fn serve(wire: Wire, peer: SocketAddr, router: Router, sockets: Sockets, limits: ConnectionLimits) {
    let requests = Arc::new(Requests::default());
    let mut builder = Builder::new(TokioExecutor::new());
    // The time that a head may take runs from the end of the request before it: it bounds the rest in between too.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.idle);
    // WebSockets. Pings of the protocol's own would tell nothing of use: a slow reader finds them behind all that it has
    // not read yet, and those who are gone are found out by what is sent to them.
    builder.http2().enable_connect_protocol();
    let stop = sockets.stop.clone();
    let service = {
        let requests = Arc::clone(&requests);
        service_fn(move |request| answer(request, peer, router.clone(), sockets.clone(), Arc::clone(&requests)))
    };
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(wire), service));
    let mut looks = tokio::time::interval(limits.idle.min(limits.unread) / LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut quiet = Quiet { since: Instant::now(), begun: 0 };
    let (mut is_stopping, mut is_leaving) = (false, false);
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection broke off");
                }
                return;
            }
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = looks.tick() => {
                requests.drop_unread(limits.unread);
                if quiet.lasts(&requests) < limits.idle {
                    continue;
                }
                // Whoever was just about to ask learns that it has to ask elsewhere, where the protocol can say so.
                if is_leaving {
                    return;
                }
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Since when nothing was asked. The library looks after that on HTTP/1.1, and neither before it knows the protocol nor
/// on HTTP/2.
struct Quiet {
    since: Instant,
    begun: u64,
}

impl Quiet {
    fn lasts(&mut self, requests: &Requests) -> Duration {
        let begun = requests.begun.load(Ordering::SeqCst);
        if begun != self.begun || requests.ended.load(Ordering::SeqCst) != begun {
            *self = Quiet { since: Instant::now(), begun };
        }
        self.since.elapsed()
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    router: Router,
    sockets: Sockets,
    requests: Arc<Requests>,
) -> Result<Response<Told>, Infallible> {
    let running = requests.begin();
    let is_shared = request.version() == Version::HTTP_2;
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(Sockets { _running: Some(Arc::clone(&running)), ..sockets });
    let answer = router.oneshot(request).await?;
    Ok(answer.map(|body| {
        let (told, unread) = Told::new(body, running);
        // A connection that carries one answer fails by itself where that is not read.
        if is_shared {
            requests.watch(unread);
        }
        told
    }))
}

/// What was asked on a connection.
#[derive(Default)]
pub(super) struct Requests {
    begun: AtomicU64,
    ended: AtomicU64,
    answers: Mutex<Vec<Unread>>,
}

/// A request that is not over.
pub(super) struct Running(Arc<Requests>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Requests {
    fn begin(self: &Arc<Self>) -> Arc<Running> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Arc::new(Running(Arc::clone(self)))
    }

    fn watch(&self, answer: Unread) {
        // Nothing under this lock can leave the list half changed.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
    }

    /// Ends the answers of which nothing was read for so long.
    fn drop_unread(&self, patience: Duration) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|answer| answer.stays(patience));
    }
}
