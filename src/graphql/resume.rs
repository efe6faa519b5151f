//! Where a subscription goes on, and how far it has come.

use std::sync::{Arc, Mutex, PoisonError};

/// Stands between a transport that can resume a subscription without its document's help and the resolver: the one
/// says from where on, the other says how far it has come. It travels in the request's data.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    after: Option<String>,
    passed: Arc<Mutex<Option<String>>>,
}

impl Resume {
    /// To go on behind this cursor, which goes before the document's own `after`; or to begin where the document says.
    pub fn after(cursor: Option<String>) -> Self {
        Resume { after: cursor, passed: Arc::default() }
    }

    /// The cursor to go on behind.
    pub fn cursor(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The event with this cursor is next.
    pub fn pass(&self, cursor: String) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor);
    }

    /// The cursor of the event that came last, once.
    pub fn take_passed(&self) -> Option<String> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
