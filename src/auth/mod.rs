//! Who calls: a bearer token becomes a [`Caller`] with roles.

mod secret;
mod token;

pub use secret::Secret;
pub use token::{Authenticator, TokenRequest};

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::audit::{Error, Result};

/// What a caller may do. ADMIN everything; AUDITOR reads; WRITER records entries by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Admin,
    Auditor,
    Writer,
}

impl Role {
    /// Reads a role as tokens spell it, in any case.
    pub fn parse(text: &str) -> Option<Role> {
        match text.to_ascii_lowercase().as_str() {
            "admin" => Some(Role::Admin),
            "auditor" => Some(Role::Auditor),
            "writer" => Some(Role::Writer),
            _ => None,
        }
    }

    /// The role as tokens spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Auditor => "auditor",
            Role::Writer => "writer",
        }
    }
}

/// The address that a caller's request came from; none where the transport has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

/// The bearer of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's subject.
    pub user_id: String,
    /// The token's preferred name.
    pub username: Option<String>,
    /// The roles that it grants, each once.
    pub roles: Vec<Role>,
    /// When the token ends, and with it every socket that was opened with it.
    pub expires_at: DateTime<Utc>,
}

impl Caller {
    /// Whether the caller has the role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Fails where the caller may not read the log.
    pub fn require_reader(&self) -> Result<()> {
        self.require(&[Role::Admin, Role::Auditor], "reading the audit log needs the role ADMIN or AUDITOR")
    }

    /// Fails where the caller may not record entries.
    pub fn require_writer(&self) -> Result<()> {
        self.require(&[Role::Admin, Role::Writer], "recording entries needs the role ADMIN or WRITER")
    }

    /// Fails where the caller is no administrator.
    pub fn require_admin(&self) -> Result<()> {
        self.require(&[Role::Admin], "this needs the role ADMIN")
    }

    fn require(&self, one_of: &[Role], sentence: &str) -> Result<()> {
        if one_of.iter().any(|role| self.has(*role)) { Ok(()) } else { Err(Error::forbidden(sentence)) }
    }
}
