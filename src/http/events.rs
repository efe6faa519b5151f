//! What comes of an operation, one event after the other, for every transport that sends more than one answer.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Request, Response, ServerError, Value};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Peekable};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::graphql::Resume;

use super::failure;
use super::operation::{self, TimeLimit};

/// What comes next of an operation.
pub(super) enum Event {
    /// A result.
    Next {
        /// Data, errors, or both.
        response: Box<Response>,
        /// Its place in the feed, where it has one.
        cursor: Option<String>,
    },
    /// The operation is refused, by its document, by its resolver, or because it broke down. Nothing comes after it.
    Refused(Vec<ServerError>),
}

/// The events of one operation: one of a query or a mutation, any number of a subscription.
pub(super) struct Events {
    source: Source,
    resume: Option<Resume>,
}

enum Source {
    Answer(BoxFuture<'static, Response>),
    Subscription { stream: Box<Peekable<BoxStream<'static, Response>>>, is_first: bool },
    Refusal(Vec<ServerError>),
    Over,
}

impl Events {
    /// Those of an operation. Nothing is done before the first is asked for.
    pub(super) fn of<E: Executor>(executor: E, request: Request, kind: OperationType, time_limit: TimeLimit) -> Self {
        let source = match kind {
            OperationType::Subscription => {
                let stream = Box::new(executor.execute_stream(request, None).peekable());
                Source::Subscription { stream, is_first: true }
            }
            OperationType::Query | OperationType::Mutation => {
                Source::Answer(async move { operation::execute(&executor, request, time_limit).await }.boxed())
            }
        };
        Events { source, resume: None }
    }

    /// Those of an operation that does not even begin.
    pub(super) fn refused(error: ServerError) -> Self {
        Events { source: Source::Refusal(vec![error]), resume: None }
    }

    /// The same with the cursors that the resolver passes.
    pub(super) fn resuming(self, resume: Resume) -> Self {
        Events { resume: Some(resume), ..self }
    }

    /// The next event; none after the last. A call that is given up midway has lost nothing.
    pub(super) async fn next(&mut self) -> Option<Event> {
        let (event, is_last) = match &mut self.source {
            Source::Answer(answer) => {
                let response = answer.await;
                let event = match failure::is_refused(&response) {
                    true => Event::Refused(response.errors),
                    false => Event::Next { response: Box::new(response), cursor: None },
                };
                (Some(event), true)
            }
            Source::Subscription { stream, is_first } => {
                match AssertUnwindSafe(pull(stream, *is_first, self.resume.as_ref())).catch_unwind().await {
                    Ok(event) => {
                        *is_first = false;
                        let is_last = !matches!(event, Some(Event::Next { .. }));
                        (event, is_last)
                    }
                    Err(_) => (Some(Event::Refused(vec![failure::to_graphql(&operation::panicked())])), true),
                }
            }
            Source::Refusal(errors) => (Some(Event::Refused(std::mem::take(errors))), true),
            Source::Over => (None, true),
        };
        if is_last {
            self.source = Source::Over;
        }
        event
    }
}

async fn pull(
    stream: &mut Peekable<BoxStream<'static, Response>>,
    is_first: bool,
    resume: Option<&Resume>,
) -> Option<Event> {
    let response = failure::settle(stream.next().await?);
    // Before anyone looks at what follows, which passes a cursor of its own.
    let cursor = resume.and_then(Resume::take_passed);
    let has_failed = response.data == Value::Null && !response.errors.is_empty();
    // Where the subscription never began, by its document or because the resolver refused it, the stream ends with
    // that. Events that fail are followed by others, or at least by waiting for them.
    let is_refusal = is_first
        && has_failed
        && (failure::is_refused(&response)
            || Pin::new(stream).peek().now_or_never().is_some_and(|next| next.is_none()));
    Some(if is_refusal {
        Event::Refused(response.errors)
    } else {
        Event::Next { response: Box::new(response), cursor }
    })
}
