//! One socket from its first message to its close.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::extract::ws::{Message, WebSocket};
use chrono::Utc;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::audit::{Code, Error};
use crate::auth::Caller;
use crate::auth::ClientAddress;
use crate::http::operation::{Operation, TimeLimit};
use crate::http::params::Params;
use crate::http::request_log::RequestLog;
use crate::http::{State, failure, request};

use super::close::Close;
use super::operation::{self, Channel, Outgoing};
use super::protocol::{ClientMessage, ServerMessage};

/// How many messages may wait for the socket.
const BUFFER: usize = 64;

/// How long the peer may take to accept a message before it is taken for dead. A slow reader is waited for, and its
/// operations wait with it; one that reads nothing at all is not.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How a socket ends.
enum End {
    /// The server closes it.
    Close(Close),
    /// The peer is gone.
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        End::Close(close)
    }
}

struct Running {
    serial: u64,
    /// Ends the task when the operation is forgotten.
    _task: AbortOnDropHandle<()>,
}

/// An open socket with its operations.
pub(super) struct Session<E> {
    socket: WebSocket,
    state: State<E>,
    address: ClientAddress,
    caller: Option<Caller>,
    running: HashMap<Arc<str>, Running>,
    last_serial: u64,
    sender: mpsc::Sender<Outgoing>,
    outgoing: mpsc::Receiver<Outgoing>,
    /// When the socket ends by itself: at first when no `connection_init` came, then with the token.
    deadline: Instant,
}

impl<E: Executor> Session<E> {
    /// A socket that was just accepted.
    pub(super) fn new(socket: WebSocket, state: State<E>, address: ClientAddress) -> Self {
        let (sender, outgoing) = mpsc::channel(BUFFER);
        let deadline = Instant::now() + state.settings.init_timeout;
        Session {
            socket,
            state,
            address,
            caller: None,
            running: HashMap::new(),
            last_serial: 0,
            sender,
            outgoing,
            deadline,
        }
    }

    /// Serves the socket until it ends.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let end = self.serve(stop).await;
        // Operations end before the farewell: nothing more is done for a peer that leaves.
        self.running.clear();
        if let End::Close(close) = end {
            tracing::debug!(?close, "closing a WebSocket");
            close.send(self.socket).await;
        }
    }

    async fn serve(&mut self, stop: CancellationToken) -> End {
        let period = self.state.settings.ping_interval;
        let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_heard = true;
        loop {
            let step = tokio::select! {
                () = stop.cancelled() => return Close::GOING_AWAY.into(),
                () = tokio::time::sleep_until(self.deadline) => {
                    return if self.caller.is_some() { Close::TOKEN_EXPIRED } else { Close::INIT_TIMEOUT }.into();
                }
                _ = ticks.tick() => {
                    if !was_heard {
                        return End::Gone;
                    }
                    was_heard = false;
                    self.send(Message::Ping(Vec::new().into())).await
                }
                Some(outgoing) = self.outgoing.recv() => self.forward(outgoing).await,
                message = self.socket.recv() => {
                    was_heard = true;
                    match message {
                        Some(Ok(message)) => self.receive(message).await,
                        Some(Err(_)) | None => return End::Gone,
                    }
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(WRITE_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    async fn say(&mut self, message: ServerMessage<'_>) -> Result<(), End> {
        self.send(Message::Text(message.text().into())).await
    }

    /// Passes an operation's message on, unless the client has completed the operation meanwhile.
    async fn forward(&mut self, outgoing: Outgoing) -> Result<(), End> {
        if self.running.get(&outgoing.id).is_none_or(|running| running.serial != outgoing.serial) {
            return Ok(());
        }
        if outgoing.is_last {
            self.running.remove(&outgoing.id);
        }
        self.send(Message::Text(outgoing.text.into())).await
    }

    async fn receive(&mut self, message: Message) -> Result<(), End> {
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Binary(_) => return Err(Close::bad_message("messages must be text").into()),
            // The library answers pings and closes.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        if text.len() > self.state.settings.body_limit {
            return Err(Close::TOO_BIG.into());
        }
        match ClientMessage::read(text)? {
            ClientMessage::Init { authorization } => self.init(authorization).await,
            ClientMessage::Ping { payload } => self.say(ServerMessage::Pong { payload: payload.as_deref() }).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, params } => self.subscribe(id, params).await,
            ClientMessage::Complete { id } => {
                self.running.remove(id.as_str());
                Ok(())
            }
        }
    }

    async fn init(&mut self, authorization: Option<String>) -> Result<(), End> {
        if self.caller.is_some() {
            return Err(Close::SECOND_INIT.into());
        }
        let caller = authorization
            .ok_or_else(|| Error::new(Code::Unauthenticated, "send {\"authorization\": \"Bearer …\"} as the payload"))
            .and_then(|value| self.state.authenticator.authenticate(request::bearer(&value)?))
            .map_err(|error| Close::forbidden(error.message().to_owned()))?;
        // A token that has expired by now leaves no time.
        let left = (caller.expires_at - Utc::now()).to_std().unwrap_or_default();
        self.deadline = Instant::now() + left;
        self.caller = Some(caller);
        self.say(ServerMessage::ConnectionAck).await
    }

    async fn subscribe(&mut self, id: String, params: Result<Params, Error>) -> Result<(), End> {
        let Some(caller) = self.caller.clone() else { return Err(Close::UNAUTHORIZED.into()) };
        let id: Arc<str> = id.into();
        if self.running.contains_key(&id) {
            return Err(Close::subscriber_exists(&id).into());
        }
        let mut log = RequestLog::begin("websocket");
        log.caller(&caller.user_id);
        let allowed = self.state.settings.max_operations_per_socket;
        let prepared = if self.running.len() >= allowed {
            let message =
                format!("{allowed} operations may run on one socket at a time; complete one, or open another");
            Err(Box::new(failure::to_graphql(&Error::new(Code::RateLimited, message))))
        } else {
            params.map_err(|error| Box::new(failure::to_graphql(&error))).and_then(Operation::prepare)
        };
        let operation = match prepared {
            Ok(operation) => operation,
            Err(error) => {
                log.errors(std::slice::from_ref(&error));
                log.answered();
                return self.say(ServerMessage::Error { id: &id, payload: &[*error] }).await;
            }
        };
        log.operation(operation.kind, operation.name.as_deref());
        self.last_serial += 1;
        let serial = self.last_serial;
        let channel = Channel { id: Arc::clone(&id), serial, sender: self.sender.clone(), log };
        let time_limit = TimeLimit::begin(self.state.settings.request_timeout);
        let kind = operation.kind;
        let request = operation.into_request(caller, self.address);
        let task = operation::run(self.state.schema.clone(), request, kind, time_limit, channel);
        self.running.insert(id, Running { serial, _task: AbortOnDropHandle::new(tokio::spawn(task)) });
        Ok(())
    }
}
