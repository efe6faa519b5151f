//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`.

mod close;
mod operation;
mod outbox;
mod protocol;
mod session;

use async_graphql::Executor;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;

use super::State;
use super::serve::Sockets;
use crate::auth::ClientAddress;

use close::Close;
use futures_util::StreamExt as _;
use outbox::Outbox;
use session::Session;

/// The one sub-protocol that is spoken here.
const PROTOCOL: &str = "graphql-transport-ws";

/// A socket's own buffers. Most sockets wait most of the time, and there are many of them; reading takes more where a
/// message is longer, and what is written goes into one packet as long as it fits.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 16 * 1024;

/// Accepts the connection and serves it in a task of its own.
pub(super) fn accept<E: Executor>(
    upgrade: WebSocketUpgrade,
    state: State<E>,
    address: ClientAddress,
    sockets: Sockets,
) -> Response {
    // A message over the limit is to be answered with a close code, so the library lets somewhat larger ones pass.
    let hard_limit = state.settings.body_limit.saturating_mul(2);
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(hard_limit)
        .max_frame_size(hard_limit)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER);
    let is_spoken = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| {
        let stop = sockets.stop.clone();
        sockets.tasks.track_future(async move {
            if is_spoken {
                Session::new(socket, state, address).run(stop).await;
            } else {
                let (sink, inbox) = socket.split();
                Close::UNKNOWN_PROTOCOL.send(Outbox::new(sink), inbox).await;
            }
        })
    })
}
