//! Serving until told to stop, and stopping in an orderly way.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long running requests and open sockets get to end after the signal.
const GRACE: Duration = Duration::from_secs(10);

/// The open WebSockets of a server: they outlive the HTTP request that began them, so the server keeps count of them.
#[derive(Clone, Default)]
pub(super) struct Sockets {
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// One task for each open socket.
    pub tasks: TaskTracker,
}

/// Serves the router until `shutdown` is done. Then no connection is taken any more, running requests may finish, and
/// WebSockets are closed with 1001; after 10 seconds the rest is dropped.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let sockets = Sockets::default();
    let service = router.layer(Extension(sockets.clone())).into_make_service_with_connect_info::<SocketAddr>();
    let stop = sockets.stop.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        stop.cancel();
    });
    let finish = async {
        let served = server.await;
        // The listener may have failed without a signal.
        sockets.stop.cancel();
        sockets.tasks.close();
        sockets.tasks.wait().await;
        served
    };
    let grace_is_over = async {
        sockets.stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = finish => served,
        () = grace_is_over => {
            tracing::warn!("some requests did not end within {} seconds and were dropped", GRACE.as_secs());
            Ok(())
        }
    }
}
