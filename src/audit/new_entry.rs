//! Entries made by hand: what a client writes, and what may be recorded of it.

use super::{Action, Draft, Error, Json, Result};

/// An entry as a client wants it recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// Who did it.
    pub user_id: String,
    /// Their name.
    pub username: Option<String>,
    /// What they did.
    pub action: Action,
    /// The table, or whatever kind of object it was.
    pub table_name: String,
    /// The object's key.
    pub record_id: Option<String>,
    /// The image before.
    pub old_values: Option<Json>,
    /// The image after.
    pub new_values: Option<Json>,
    /// What there is to say about it.
    pub description: Option<String>,
    /// The network address of who did it.
    pub ip_address: Option<String>,
    /// What ties it to other entries of the same request.
    pub correlation_id: Option<String>,
    /// Whatever else.
    pub metadata: Option<Json>,
    /// What makes a second create return the first one's entry.
    pub idempotency_key: Option<String>,
}

/// The names under which the server files entries about itself.
const OWN_TABLES: &str = "afterimage.";
/// Bytes of a name, a key or an id.
const SHORT: usize = 1_000;
/// Bytes of a description.
const LONG: usize = 16_384;

impl NewEntry {
    /// What is to be recorded, by the caller of this id, who is trusted or not.
    ///
    /// # Errors
    /// BAD_USER_INPUT where the parts do not fit together.
    pub fn draft(self, recorded_by: &str, trusted: bool) -> Result<Draft> {
        let action = self.action;
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
            record_id: optional("recordId", self.record_id, SHORT)?,
            user_id: Some(text("userId", self.user_id, SHORT)?),
            username: optional("username", self.username, SHORT)?,
            old_values,
            new_values,
            description: optional("description", self.description, LONG)?,
            ip_address: self.ip_address.map(|address| canonical(&address)).transpose()?,
            correlation_id: optional("correlationId", self.correlation_id, SHORT)?,
            metadata: document("metadata", self.metadata)?,
            recorded_by: Some(recorded_by.to_owned()),
            trusted,
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
fn document(name: &str, json: Option<Json>) -> Result<Option<Json>> {
    let Some(json) = json.filter(|json| json.as_str() != "null") else { return Ok(None) };
    // Our own writer spells NUL in this one way, and a backslash before it with another backslash.
    if json.as_str().replace("\\\\", "").contains("\\u0000") {
        return Err(Error::bad_input(format!("`{name}` holds a NUL character, which the log cannot")));
    }
    Ok(Some(json))
}

fn image(name: &str, json: Option<Json>) -> Result<Option<Json>> {
    let json = document(name, json)?;
    if json.as_ref().is_some_and(|json| json.fields().is_none()) {
        return Err(Error::bad_input(format!("`{name}` must be a JSON object: field names and their values")));
    }
    Ok(json)
}

fn images(action: Action, old: Option<Json>, new: Option<Json>) -> Result<(Option<Json>, Option<Json>)> {
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
fn differing(image: &Json, other: &Json) -> Json {
    let (fields, others) = (image.fields().unwrap_or_default(), other.fields().unwrap_or_default());
    Json::of_fields(fields.iter().filter(|field| !others.contains(field)).map(|(name, value)| (name.as_ref(), *value)))
}

fn canonical(address: &str) -> Result<String> {
    address.parse::<std::net::IpAddr>().map(|address| address.to_string()).map_err(|_| {
        Error::bad_input(format!("`ipAddress` is {address:?}; write an address such as 10.0.0.7 or 2001:db8::1"))
    })
}
