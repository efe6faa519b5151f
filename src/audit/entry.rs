//! An entry: one record of the log.

use chrono::{DateTime, Utc};

use super::{FieldChange, Json};

/// What was done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Create,
    Update,
    Delete,
    Read,
}

impl Action {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Action; 4] = [Action::Create, Action::Update, Action::Delete, Action::Read];

    /// The action as the log stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Create => "CREATE",
            Action::Update => "UPDATE",
            Action::Delete => "DELETE",
            Action::Read => "READ",
        }
    }

    /// Reads an action as the log stores it.
    pub fn parse(text: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Where an entry came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A database trigger.
    Trigger,
    /// The server: an entry made by hand, or one of its own administration.
    Api,
    /// An undo.
    Undo,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 3] = [Source::Trigger, Source::Api, Source::Undo];

    /// The source as the log stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Trigger => "TRIGGER",
            Source::Api => "API",
            Source::Undo => "UNDO",
        }
    }

    /// Reads a source as the log stores it.
    pub fn parse(text: &str) -> Option<Source> {
        Source::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// One record of the log: an action on one object, by someone, at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Ascending; orders the changes of one object.
    pub id: i64,
    /// When, by the database's clock.
    pub timestamp: DateTime<Utc>,
    /// What was done.
    pub action: Action,
    /// The table, qualified where it is not in the default schema.
    pub table_name: String,
    /// The key as text.
    pub record_id: Option<String>,
    /// The other key, where the change was one of the key.
    pub previous_record_id: Option<String>,
    /// Who did it, as the application or the caller said.
    pub user_id: Option<String>,
    /// Their name.
    pub username: Option<String>,
    /// The image before.
    pub old_values: Option<Json>,
    /// The image after.
    pub new_values: Option<Json>,
    /// The redacted columns that changed, each with the number of recorded fields that stand before it.
    pub redacted: Vec<(String, usize)>,
    /// What was said about it.
    pub description: Option<String>,
    /// The author's network address.
    pub ip_address: Option<String>,
    /// What ties entries of one request together.
    pub correlation_id: Option<String>,
    /// What the entries of one database transaction share.
    pub transaction_id: Option<String>,
    /// Whatever else was sent along.
    pub metadata: Option<Json>,
    /// Where the entry came from.
    pub source: Source,
    /// The database role that made the change.
    pub database_role: Option<String>,
    /// The subject of the token that recorded the entry.
    pub recorded_by: Option<String>,
    /// Whether a trigger, an undo or an administrator wrote it.
    pub trusted: bool,
    /// The entry whose change this one reverses.
    pub undo_of: Option<i64>,
}

impl Entry {
    /// Field by field, what changed, in the table's column order. A READ changed nothing, though a baseline has an image.
    pub fn changes(&self) -> Vec<FieldChange> {
        if self.action == Action::Read {
            return Vec::new();
        }
        FieldChange::between(self.old_values.as_ref(), self.new_values.as_ref(), &self.redacted)
    }

    /// Whether this is half of a change of the key: its other half is an entry of its own.
    pub fn is_key_change(&self) -> bool {
        self.previous_record_id.is_some()
    }

    /// Whether this is half of a REPLACE that put a row in the place of another under its own key.
    pub fn is_replacement(&self) -> bool {
        self.is_key_change() && self.previous_record_id == self.record_id
    }
}

/// An entry that is to be recorded by the server itself. The database gives id, instant and transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What was done.
    pub action: Action,
    /// The table.
    pub table_name: String,
    /// The key as text.
    pub record_id: Option<String>,
    /// Who did it.
    pub user_id: Option<String>,
    /// Their name.
    pub username: Option<String>,
    /// The image before.
    pub old_values: Option<Json>,
    /// The image after.
    pub new_values: Option<Json>,
    /// What is said about it.
    pub description: Option<String>,
    /// The author's network address, in its canonical spelling.
    pub ip_address: Option<String>,
    /// What ties entries of one request together.
    pub correlation_id: Option<String>,
    /// Whatever else is sent along.
    pub metadata: Option<Json>,
    /// The subject of the token; none on the command line.
    pub recorded_by: Option<String>,
    /// Whether an administrator records it.
    pub trusted: bool,
    /// What makes a second create return the first one's entry.
    pub idempotency_key: Option<String>,
}

impl Draft {
    /// The entry that it has become.
    pub fn recorded(&self, id: i64, timestamp: DateTime<Utc>, transaction_id: Option<String>) -> Entry {
        Entry {
            id,
            timestamp,
            action: self.action,
            table_name: self.table_name.clone(),
            record_id: self.record_id.clone(),
            previous_record_id: None,
            user_id: self.user_id.clone(),
            username: self.username.clone(),
            old_values: self.old_values.clone(),
            new_values: self.new_values.clone(),
            redacted: Vec::new(),
            description: self.description.clone(),
            ip_address: self.ip_address.clone(),
            correlation_id: self.correlation_id.clone(),
            transaction_id,
            metadata: self.metadata.clone(),
            source: Source::Api,
            database_role: None,
            recorded_by: self.recorded_by.clone(),
            trusted: self.trusted,
            undo_of: None,
        }
    }
}
