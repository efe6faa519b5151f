//! One socket from its first message to its close.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use futures_util::future::poll_fn;
use futures_util::stream::{SplitSink, SplitStream};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::audit::{Code, Error};
use crate::auth::Caller;
use crate::auth::ClientAddress;
use crate::http::events::Events;
use crate::http::operation::{Operation, TimeLimit};
use crate::http::params::Params;
use crate::http::request_log::RequestLog;
use crate::http::{State, bearer, failure};

use super::close::Close;
use super::operation::{self, Channel};
use super::outbox::{self, Gone, Outbox, Place};
use super::protocol::{ClientMessage, ServerMessage};

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

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        End::Gone
    }
}

struct Running {
    /// Ends what waits for the socket.
    _place: Place,
    /// Ends the task when the operation is forgotten.
    _task: AbortOnDropHandle<()>,
}

/// An open socket with its operations.
pub(super) struct Session<E> {
    outbox: Outbox<SplitSink<WebSocket, Message>>,
    inbox: SplitStream<WebSocket>,
    state: State<E>,
    address: ClientAddress,
    caller: Option<Caller>,
    running: HashMap<Arc<str>, Running>,
    /// When the socket ends by itself: at first when no `connection_init` came, then with the token.
    deadline: Instant,
    /// How long the peer may take nothing, where it is for the session to look after that.
    patience: Option<Duration>,
}

impl<E: Executor> Session<E> {
    /// A socket that was just accepted.
    pub(super) fn new(socket: WebSocket, state: State<E>, address: ClientAddress, patience: Option<Duration>) -> Self {
        let (sink, inbox) = socket.split();
        let deadline = Instant::now() + state.settings.init_timeout;
        let outbox = Outbox::new(sink);
        Session { outbox, inbox, state, address, caller: None, running: HashMap::new(), deadline, patience }
    }

    /// Serves the socket until it ends.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let end = self.serve(stop).await;
        // Operations end before the farewell: nothing more is done for a peer that leaves.
        self.running.clear();
        if let End::Close(close) = end {
            tracing::debug!(?close, "closing a WebSocket");
            close.send(self.outbox, self.inbox).await;
        }
    }

    async fn serve(&mut self, stop: &CancellationToken) -> End {
        let period = self.state.settings.ping_interval;
        let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_heard = true;
        loop {
            let stuck = self.patience.zip(self.outbox.blocked_since()).map(|(patience, since)| since + patience);
            let step = tokio::select! {
                () = stop.cancelled() => return Close::GOING_AWAY.into(),
                () = outbox::stuck(stuck) => return End::Gone,
                () = tokio::time::sleep_until(self.deadline) => {
                    return if self.caller.is_some() { Close::TOKEN_EXPIRED } else { Close::INIT_TIMEOUT }.into();
                }
                _ = ticks.tick() => {
                    let has_moved = self.outbox.take_moved();
                    // Behind what a slow reader has not read yet, a ping says nothing.
                    if !self.outbox.is_blocked() {
                        if !was_heard && !has_moved {
                            return End::Gone;
                        }
                        was_heard = false;
                        self.outbox.say(Message::Ping(Vec::new().into()));
                    }
                    Ok(())
                }
                sent = poll_fn(|context| self.outbox.poll_send(context)) => match sent {
                    Ok(finished) => {
                        finished.map(|id| self.running.remove(&id));
                        Ok(())
                    }
                    Err(gone) => Err(gone.into()),
                },
                message = self.inbox.next(), if self.outbox.has_room() => {
                    was_heard = true;
                    match message {
                        Some(Ok(message)) => self.receive(message),
                        Some(Err(error)) => return Close::after(error).map_or(End::Gone, End::Close),
                        None => return End::Gone,
                    }
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn say(&mut self, message: ServerMessage<'_>) {
        self.outbox.say(Message::Text(message.text().into()));
    }

    fn receive(&mut self, message: Message) -> Result<(), End> {
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Binary(_) => return Err(Close::bad_message("messages must be text").into()),
            // The library answers pings and closes.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        match ClientMessage::read(text)? {
            ClientMessage::Init { authorization } => self.init(authorization)?,
            ClientMessage::Ping { payload } => self.say(ServerMessage::Pong { payload: payload.as_deref() }),
            ClientMessage::Pong => {}
            ClientMessage::Subscribe { id, params } => self.subscribe(id, params)?,
            ClientMessage::Complete { id } => drop(self.running.remove(id.as_str())),
        }
        Ok(())
    }

    fn init(&mut self, authorization: Option<String>) -> Result<(), Close> {
        if self.caller.is_some() {
            return Err(Close::SECOND_INIT);
        }
        let caller = authorization
            .ok_or_else(|| Error::new(Code::Unauthenticated, "send {\"authorization\": \"Bearer …\"} as the payload"))
            .and_then(|value| bearer::of_value(&self.state.authenticator, &value).map_err(|unknown| unknown.error))
            .map_err(|error| Close::forbidden(error.message().to_owned()))?;
        self.deadline = bearer::end_of(&caller);
        self.caller = Some(caller);
        self.say(ServerMessage::ConnectionAck);
        Ok(())
    }

    fn subscribe(&mut self, id: String, params: Result<Params, Error>) -> Result<(), Close> {
        let Some(caller) = self.caller.clone() else { return Err(Close::UNAUTHORIZED) };
        let id: Arc<str> = id.into();
        if self.running.contains_key(&id) {
            return Err(Close::subscriber_exists(&id));
        }
        let mut log = RequestLog::begin("websocket");
        log.caller(&caller.user_id);
        let allowed = self.state.settings.max_operations_per_socket;
        let prepared = if self.running.len() >= allowed {
            let message =
                format!("{allowed} operations may run on one socket at a time; complete one, or open another");
            Err(Box::new(failure::to_graphql(&Error::new(Code::RateLimited, message))))
        } else {
            params
                .map_err(|error| Box::new(failure::to_graphql(&error)))
                .and_then(|params| Operation::prepare(params, &self.state.persisted))
        };
        let operation = match prepared {
            Ok(operation) => operation,
            Err(error) => {
                log.errors(std::slice::from_ref(&error));
                log.answered();
                self.say(ServerMessage::Error { id: &id, payload: &[*error] });
                return Ok(());
            }
        };
        log.operation(operation.kind, operation.name.as_deref());
        if operation.kind == OperationType::Subscription {
            log.answered();
        }
        let (sender, place) = self.outbox.open();
        let channel = Channel { id: Arc::clone(&id), sender, log };
        let time_limit = TimeLimit::begin(self.state.settings.request_timeout);
        let kind = operation.kind;
        let request = operation.into_request(caller, self.address);
        let events = Events::of(self.state.schema.clone(), request, kind, time_limit);
        let task = AbortOnDropHandle::new(tokio::spawn(operation::run(events, channel)));
        self.running.insert(id, Running { _place: place, _task: task });
        Ok(())
    }
}
