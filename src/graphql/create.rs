//! Entries made by hand, as a client writes them.

use async_graphql::{ID, InputObject, SimpleObject};

use super::entry::AuditLog;
use super::enums::AuditAction;
use super::scalars::Json;
use crate::audit::NewEntry;

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

/// The names of an input's fields in the schema.
pub(super) const INPUT_FIELDS: [&str; 12] = [
    "userId",
    "username",
    "action",
    "tableName",
    "recordId",
    "oldValues",
    "newValues",
    "description",
    "ipAddress",
    "correlationId",
    "metadata",
    "idempotencyKey",
];

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

impl From<CreateAuditLogInput> for NewEntry {
    fn from(input: CreateAuditLogInput) -> Self {
        NewEntry {
            user_id: input.user_id.0,
            username: input.username,
            action: input.action.into(),
            table_name: input.table_name,
            record_id: input.record_id.map(|id| id.0),
            old_values: input.old_values.map(|json| json.0),
            new_values: input.new_values.map(|json| json.0),
            description: input.description,
            ip_address: input.ip_address,
            correlation_id: input.correlation_id,
            metadata: input.metadata.map(|json| json.0),
            idempotency_key: input.idempotency_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::input_fields;

    #[test]
    fn the_fields_of_inputs_are_those_of_the_schema() {
        assert_eq!(input_fields("CreateAuditLogInput"), INPUT_FIELDS);
    }
}
