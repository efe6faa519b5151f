//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`.

mod close;
mod operation;
mod protocol;
mod session;

use async_graphql::Executor;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;

use super::State;
use super::serve::Sockets;
use crate::auth::ClientAddress;

use close::Close;
use session::Session;

/// The one sub-protocol that is spoken here.
const PROTOCOL: &str = "graphql-transport-ws";

/// Accepts the connection and serves it in a task of its own.
pub(super) fn accept<E: Executor>(
    upgrade: WebSocketUpgrade,
    state: State<E>,
    address: ClientAddress,
    sockets: Sockets,
) -> Response {
    // A message over the limit is to be answered with a close code, so the library lets somewhat larger ones pass.
    let hard_limit = state.settings.body_limit.saturating_mul(2);
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(hard_limit).max_frame_size(hard_limit);
    let is_spoken = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| {
        let stop = sockets.stop.clone();
        sockets.tasks.track_future(async move {
            if is_spoken {
                Session::new(socket, state, address).run(stop).await;
            } else {
                Close::UNKNOWN_PROTOCOL.send(socket).await;
            }
        })
    })
}
