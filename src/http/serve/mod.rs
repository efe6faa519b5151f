//! Serving until told to stop, and stopping in an orderly way; and what connections may cost.
//!
//! No more of them are open than allowed; a `wire` is a connection as the system sees it, a `connection` is what is asked
//! on it. Those that ask nothing, and answers that are not read at all, end; whoever is slow, and takes a byte now and
//! then, is waited for.

mod connection;
mod told;
mod wire;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::settings::ConnectionLimits;
use connection::Running;
use wire::Wire;

/// How long running requests and open sockets get to end after the signal.
const GRACE: Duration = Duration::from_secs(10);

/// The open WebSockets of a server: they outlive the HTTP request that began them, so the server keeps count of them.
#[derive(Clone, Default)]
pub(super) struct Sockets {
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// One task for each open socket.
    pub tasks: TaskTracker,
    /// As long as one of it is kept, the connection has something to do.
    _running: Option<Arc<Running>>,
}

/// Serves the router until `shutdown` is done. Then no connection is taken any more, running requests may finish, and
/// WebSockets are closed with 1001; after 10 seconds the rest is dropped.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) {
    let sockets = Sockets::default();
    let connections = TaskTracker::new();
    {
        let mut shutdown = pin!(shutdown);
        let mut door = Door::new(listener, limits.most);
        loop {
            let (socket, peer, place) = tokio::select! {
                () = &mut shutdown => break,
                taken = door.take() => taken,
            };
            // Messages are written whole: none is to wait until the one before it has been acknowledged.
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "a connection was gone at once");
                continue;
            }
            let wire = Wire::new(socket, limits.unread, place);
            connections.spawn(connection::serve(wire, peer, router.clone(), sockets.clone(), limits));
        }
    }
    sockets.stop.cancel();
    let ends = async {
        connections.close();
        connections.wait().await;
        // Those that were upgraded until now.
        sockets.tasks.close();
        sockets.tasks.wait().await;
    };
    if tokio::time::timeout(GRACE, ends).await.is_err() {
        tracing::warn!("some requests did not end within {} seconds and were dropped", GRACE.as_secs());
    }
}

/// Where connections come in, each with a place of its own.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    most: u32,
    was_full: bool,
}

impl Door {
    fn new(listener: TcpListener, most: u32) -> Self {
        Door { listener, places: Arc::new(Semaphore::new(most as usize)), most, was_full: false }
    }

    /// The next connection. While all places are taken it waits with the system.
    async fn take(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let is_full = self.places.available_permits() == 0;
            if is_full && !self.was_full {
                tracing::warn!("{} connections are open; more have to wait (`--max-connections`)", self.most);
            }
            self.was_full = is_full;
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { continue };
            let (socket, peer) = Listener::accept(&mut self.listener).await;
            return (socket, peer, place);
        }
    }
}
