//! Entries made by hand: what a client writes, and what may be recorded of it.

use async_graphql::{ID, InputObject, SimpleObject};

use super::entry::AuditLog;
use super::enums::AuditAction;
use super::scalars::Json;
use crate::audit::{Action, Draft, Error, Json as JsonText, Result};
use crate::auth::{Caller, Role};

/// An entry to record by hand.
#[derive(InputObject)]
pub struct CreateAuditLogInput {
    /// Who did it.
    user_id: ID,
    /// Their name.
    username: Option<String>,
    /// What they did.
    action: AuditAction,
    /// The table, or whatever kind of object it was. Names that begin with `afterimage.` are the server's own.
    table_name: String,
    /// The object's key.
    record_id: Option<ID>,
    /// An object; optional for UPDATE and DELETE, refused for the others.
    old_values: Option<Json>,
    /// An object; optional for CREATE and UPDATE, refused for the others. An UPDATE is reduced to what differs.
    new_values: Option<Json>,
    /// What there is to say about it.
    description: Option<String>,
    /// The network address of who did it.
    ip_address: Option<String>,
    /// What ties it to other entries of the same request.
    correlation_id: Option<String>,
    /// Whatever else.
    metadata: Option<Json>,
    /// A second create by the same caller with the same key returns the first one's entry and records nothing; with
    /// other contents it is a CONFLICT.
    idempotency_key: Option<String>,
}

/// The entry that was recorded.
#[derive(SimpleObject)]
pub struct CreateAuditLogPayload {
    /// The entry.
    pub(super) audit_log: AuditLog,
}

/// The entries that were recorded.
#[derive(SimpleObject)]
pub struct CreateAuditLogsPayload {
    /// The entries, in the order of the inputs.
    pub(super) audit_logs: Vec<AuditLog>,
}

/// The most entries that one call records.
pub(super) const MAX_ENTRIES: usize = 1_000;
/// The names under which the server files entries about itself.
const OWN_TABLES: &str = "afterimage.";
/// Bytes of a name, a key or an id.
const SHORT: usize = 1_000;
/// Bytes of a description.
const LONG: usize = 16_384;

impl CreateAuditLogInput {
    /// What is to be recorded.
    ///
    /// # Errors
    /// BAD_USER_INPUT where the parts do not fit together.
    pub(super) fn read(self, caller: &Caller) -> Result<Draft> {
        let action = Action::from(self.action);
        let (old_values, new_values) =
            images(action, image("oldValues", self.old_values)?, image("newValues", self.new_values)?)?;
        let table_name = text("tableName", self.table_name, SHORT)?;
        if table_name.is_empty() {
            return Err(Error::bad_input("`tableName` is empty"));
        }
        if table_name.starts_with(OWN_TABLES) {
            return Err(Error::bad_input(format!("names that begin with `{OWN_TABLES}` are the server's own")));
        }
        Ok(Draft {
            action,
            table_name,
            record_id: optional("recordId", self.record_id.map(|id| id.0), SHORT)?,
            user_id: Some(text("userId", self.user_id.0, SHORT)?),
            username: optional("username", self.username, SHORT)?,
            old_values,
            new_values,
            description: optional("description", self.description, LONG)?,
            ip_address: self.ip_address.map(|address| canonical(&address)).transpose()?,
            correlation_id: optional("correlationId", self.correlation_id, SHORT)?,
            metadata: document("metadata", self.metadata)?,
            recorded_by: Some(caller.user_id.clone()),
            trusted: caller.has(Role::Admin),
            idempotency_key: optional("idempotencyKey", self.idempotency_key, SHORT)?,
        })
    }
}

fn text(name: &str, text: String, most: usize) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::bad_input(format!("`{name}` holds a NUL character, which the log cannot")));
    }
    if text.len() > most {
        return Err(Error::bad_input(format!("`{name}` has {} bytes; it may have {most}", text.len())));
    }
    Ok(text)
}

fn optional(name: &str, value: Option<String>, most: usize) -> Result<Option<String>> {
    value.map(|value| text(name, value, most)).transpose()
}

/// A JSON value; null is none.
fn document(name: &str, json: Option<Json>) -> Result<Option<JsonText>> {
    let Some(Json(json)) = json.filter(|json| json.0.as_str() != "null") else { return Ok(None) };
    // Our own writer spells NUL in this one way, and a backslash before it with another backslash.
    if json.as_str().replace("\\\\", "").contains("\\u0000") {
        return Err(Error::bad_input(format!("`{name}` holds a NUL character, which the log cannot")));
    }
    Ok(Some(json))
}

fn image(name: &str, json: Option<Json>) -> Result<Option<JsonText>> {
    let json = document(name, json)?;
    if json.as_ref().is_some_and(|json| json.fields().is_none()) {
        return Err(Error::bad_input(format!("`{name}` must be a JSON object: field names and their values")));
    }
    Ok(json)
}

fn images(
    action: Action,
    old: Option<JsonText>,
    new: Option<JsonText>,
) -> Result<(Option<JsonText>, Option<JsonText>)> {
    let refused = |name: &str| Err(Error::bad_input(format!("`{name}` does not go with {}", action.as_str())));
    match (action, &old, &new) {
        (Action::Create | Action::Read, Some(_), _) => refused("oldValues"),
        (Action::Delete | Action::Read, _, Some(_)) => refused("newValues"),
        (Action::Update, Some(before), Some(after)) => {
            Ok((Some(differing(before, after)), Some(differing(after, before))))
        }
        _ => Ok((old, new)),
    }
}

/// The fields of one image that the other has not, or has otherwise.
fn differing(image: &JsonText, other: &JsonText) -> JsonText {
    let (fields, others) = (image.fields().unwrap_or_default(), other.fields().unwrap_or_default());
    JsonText::of_fields(
        fields.iter().filter(|field| !others.contains(field)).map(|(name, value)| (name.as_ref(), *value)),
    )
}

fn canonical(address: &str) -> Result<String> {
    address.parse::<std::net::IpAddr>().map(|address| address.to_string()).map_err(|_| {
        Error::bad_input(format!("`ipAddress` is {address:?}; write an address such as 10.0.0.7 or 2001:db8::1"))
    })
}
