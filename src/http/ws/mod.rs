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

/// Accepts the connection, or the part of it where it is shared, and serves it in a task of its own.
pub(super) fn accept<E: Executor>(
    upgrade: WebSocketUpgrade,
    state: State<E>,
    address: ClientAddress,
    sockets: Sockets,
    is_shared: bool,
) -> Response {
    let most = state.settings.body_limit;
    // Where the connection is shared, nothing tells of the bytes that a peer takes of this socket.
    let patience = is_shared.then_some(state.settings.connections.unread);
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(most)
        .max_frame_size(most)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER);
    let is_spoken = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| {
        let tasks = sockets.tasks.clone();
        tasks.track_future(async move {
            if is_spoken {
                Session::new(socket, state, address, patience).run(&sockets.stop).await;
            } else {
                let (sink, inbox) = socket.split();
                Close::UNKNOWN_PROTOCOL.send(Outbox::new(sink), inbox).await;
            }
        })
    })
}
