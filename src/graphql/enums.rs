//! The enums of the contract, beside the words that they stand for.

use async_graphql::Enum;

use crate::{audit, auth, capture, store};

/// What was done to the object.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "audit::Action")]
pub enum AuditAction {
    /// The object came to be.
    Create,
    /// Fields of the object changed.
    Update,
    /// The object was deleted.
    Delete,
    /// Someone looked at the object. Only entries made by hand say so.
    Read,
}

/// Where an entry came from: a database trigger; the server, for the `createAuditLog` mutation or of its own
/// administration; or an undo.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "audit::Source")]
pub enum AuditSource {
    /// A database trigger, whatever program made the change.
    Trigger,
    /// The server: an entry made by hand, or one about the server's own administration.
    Api,
    /// An undo.
    Undo,
}

/// What a caller may do.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "auth::Role")]
pub enum Role {
    /// May do everything.
    Admin,
    /// May only read.
    Auditor,
    /// May only call `createAuditLog` and `createAuditLogs`.
    Writer,
}

/// Whether the triggers in the database are those that this server would install today.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "capture::Health")]
pub enum CaptureHealth {
    /// They are: every change is recorded.
    Ok,
    /// One or all of them are gone, or the table is. Track it again.
    Missing,
    /// One of them has been switched off, or, on PostgreSQL, misses what a subscription applies to the table or what is
    /// written through a table from which it has come to inherit. Track the table again.
    Disabled,
    /// The table, or what else hangs on it, has changed since they were made. Track it again.
    Outdated,
}

/// The length of a bucket of time.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "store::TimeBucket")]
pub enum TimeBucket {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week; it begins on Monday.
    Week,
    /// A calendar month.
    Month,
}
