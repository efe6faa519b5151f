//! The plans of the documents that clients send over and over.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::Variables;
use futures_util::FutureExt as _;

use crate::audit::Result;
use crate::auth::Caller;
use crate::generations::Generations;
use crate::graphql::{Answer, Plan, Services};

use super::operation::{TimeLimit, panicked};

/// What all plans with their documents may take, in bytes.
const CAPACITY: usize = 8 * 1024 * 1024;
/// What a plan takes, by its document's length: each of its fields stands in it with a name and a few words.
const FACTOR: usize = 8;
/// Beside that.
const OVERHEAD: usize = 512;

/// The plans of documents that were executed without an error, by the operation's name and the document's text. Clones
/// share them.
#[derive(Clone)]
pub struct Plans(Option<Arc<Known>>);

struct Known {
    services: Services,
    plans: Generations<String, Arc<Plan>>,
}

impl Plans {
    /// None are made: every document goes to the schema.
    pub fn none() -> Plans {
        Plans(None)
    }

    /// They are made, and work with these services.
    pub fn over(services: Services) -> Plans {
        Plans(Some(Arc::new(Known { services, plans: Generations::of(CAPACITY) })))
    }

    /// Whether they are made.
    pub(super) fn are_made(&self) -> bool {
        self.0.is_some()
    }

    /// The plan of a document that was executed before.
    pub(super) fn find(&self, text: &str, operation: Option<&str>) -> Option<Arc<Plan>> {
        self.0.as_ref()?.plans.find(&*key(text, operation))
    }

    /// Keeps the plan of a document that was executed without an error.
    pub(super) fn keep(&self, text: &str, operation: Option<&str>, plan: Plan) {
        if let Some(known) = &self.0 {
            let size = text.len() * FACTOR + OVERHEAD;
            known.plans.keep(key(text, operation).into_owned(), Arc::new(plan), size);
        }
    }

    /// Answers by a plan within the time allowed; none where the schema has to be asked.
    ///
    /// # Errors
    /// UNAVAILABLE where the time is up.
    pub(super) async fn run(
        &self,
        plan: &Plan,
        caller: &Caller,
        variables: &Variables,
        time_limit: TimeLimit,
    ) -> Result<Option<Answer>> {
        let Some(known) = &self.0 else { return Ok(None) };
        // A panic must not take the connection down, nor leave the caller without an answer.
        let run = AssertUnwindSafe(plan.run(&known.services, caller, variables)).catch_unwind();
        time_limit.bound(run).await?.map_err(|_| panicked())
    }
}

/// A document without a named operation is its own key. No name holds a NUL, and no document that was executed.
fn key<'a>(text: &'a str, operation: Option<&str>) -> Cow<'a, str> {
    match operation {
        None => Cow::Borrowed(text),
        Some(name) => Cow::Owned(format!("{name}\0{text}")),
    }
}
