//! How things fail: one closed set of codes, and a sentence for the client beside each.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything that can fail towards a client.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a client can act on; `extensions.code` of a GraphQL error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No valid token came with the request.
    Unauthenticated,
    /// The caller, or the server's database role, lacks a right.
    Forbidden,
    /// What the request names does not exist.
    NotFound,
    /// The request asks for something that cannot be asked for.
    BadUserInput,
    /// The present state of the data stands in the way.
    Conflict,
    /// The entry is of a kind that no undo can reverse.
    NotUndoable,
    /// The feed can no longer be continued from this cursor.
    CursorExpired,
    /// No document is registered under this hash; the client sends it along once.
    PersistedQueryNotFound,
    /// Too much at once.
    RateLimited,
    /// The database or the server cannot answer now; the same request may succeed later.
    Unavailable,
    /// A fault of the server; its log has the details.
    Internal,
    /// The GraphQL document is not one.
    GraphqlParseFailed,
    /// The GraphQL document does not fit the schema.
    GraphqlValidationFailed,
}

impl Code {
    /// The code as clients see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::Conflict => "CONFLICT",
            Code::NotUndoable => "NOT_UNDOABLE",
            Code::CursorExpired => "CURSOR_EXPIRED",
            Code::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Code::RateLimited => "RATE_LIMITED",
            Code::Unavailable => "UNAVAILABLE",
            Code::Internal => "INTERNAL_SERVER_ERROR",
            Code::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Code::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
        }
    }
}

/// A failure with the code and the sentence that the client gets, and the cause that only the server's log gets.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: String,
    busy: bool,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure that the client is told about as it is.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error { code, message: message.into(), busy: false, cause: None }
    }

    /// The request asks for something that cannot be asked for.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Error::new(Code::BadUserInput, message)
    }

    /// The present state of the data stands in the way.
    pub fn conflict(message: impl Into<String>) -> Self {
        Error::new(Code::Conflict, message)
    }

    /// What the request names does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Error::new(Code::NotFound, message)
    }

    /// The entry is of a kind that no undo can reverse.
    pub fn not_undoable(message: impl Into<String>) -> Self {
        Error::new(Code::NotUndoable, message)
    }

    /// The caller, or the server's database role, lacks a right.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Error::new(Code::Forbidden, message)
    }

    /// Another transaction holds what this one needs. It may be tried again.
    pub fn busy(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Error::conflict("another transaction holds the rows or the table that this needs; try again");
        error.busy = true;
        error.caused_by(cause)
    }

    /// Another connection holds the one lock that a database has for all who write.
    pub fn locked(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Error::unavailable(cause);
        error.message = "another connection holds the database's one write lock; try again later".to_owned();
        error.busy = true;
        error
    }

    /// The same failure, saying what another transaction holds, where that is what failed.
    pub fn held(mut self, what: &str) -> Self {
        if self.busy {
            self.message = format!("another transaction holds {what}; try again");
        }
        self
    }

    /// The same failure for one who has found that others are in the way, whatever they hold.
    pub fn in_the_way(mut self) -> Self {
        if self.busy {
            self.code = Code::Conflict;
        }
        self
    }

    /// The same failure, saying what it is about. That another transaction was in the way is told as it is.
    pub fn about(mut self, subject: &str) -> Self {
        if !self.busy {
            self.message = format!("{subject}: {}", self.message);
        }
        self
    }

    /// Whether it failed only because another transaction was in the way.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// The database cannot answer now.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error {
            code: Code::Unavailable,
            message: "the database cannot be reached at the moment; try again later".to_owned(),
            busy: false,
            cause: Some(cause.into()),
        }
    }

    /// A fault of the server. The client learns nothing of the cause.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error {
            code: Code::Internal,
            message: "an internal error occurred".to_owned(),
            busy: false,
            cause: Some(cause.into()),
        }
    }

    /// Keeps the cause for the server's log.
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What a client can act on.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The sentence for the client.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
