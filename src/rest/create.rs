//! Recording an entry by hand.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use utoipa::ToSchema;

use super::body::{Body, required};
use super::body_schema::{CreateEntry, ip_address_schema, record_id_schema, user_id_schema};
use super::caller::Writer;
use super::entry::{self, EntryJson, view};
use super::openapi::{BodyProblems, PROBLEM};
use super::params::NoQuery;
use crate::audit::{Action, Error, Json as JsonText, NewEntry, Result};
use crate::http::Problem;

/// An entry to record by hand. Lengths are those of the text in UTF-8, in bytes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "userId": "42", "username": "ann", "action": "READ", "tableName": "patients", "recordId": "7",
    "ipAddress": "10.0.0.7", "description": "opened the file"
}))]
pub(super) struct CreateFields {
    /// Who did it.
    #[schema(schema_with = user_id_schema)]
    user_id: String,
    /// Their name: 1,000 bytes at the most.
    #[schema(max_length = 1000, pattern = r"^[^\u0000]*$", example = "ann")]
    username: Option<String>,
    /// What they did.
    #[schema(value_type = entry::Action)]
    action: Action,
    /// The table, or whatever kind of object it was: 1,000 bytes at the most. Names that begin with `afterimage.` are the
    /// server's own.
    #[schema(min_length = 1, max_length = 1000, pattern = r"^(?!afterimage\.)[^\u0000]+$", example = "patients")]
    table_name: String,
    /// The object's key.
    #[schema(schema_with = record_id_schema, required = false)]
    record_id: Option<String>,
    /// An object; optional for UPDATE and DELETE, refused for the others. Every digit is kept.
    #[schema(value_type = Option<Object>)]
    old_values: Option<JsonText>,
    /// An object; optional for CREATE and UPDATE, refused for the others. An UPDATE is reduced to what differs. Every
    /// digit is kept.
    #[schema(value_type = Option<Object>)]
    new_values: Option<JsonText>,
    /// What there is to say about it: 16,384 bytes at the most.
    #[schema(max_length = 16384, pattern = r"^[^\u0000]*$", example = "opened the file")]
    description: Option<String>,
    /// The network address of who did it.
    #[schema(schema_with = ip_address_schema, required = false)]
    ip_address: Option<String>,
    /// What ties it to other entries of the same request: 1,000 bytes at the most.
    #[schema(max_length = 1000, pattern = r"^[^\u0000]*$", example = "req-8a1f")]
    correlation_id: Option<String>,
    /// Whatever else: any JSON.
    #[schema(value_type = Option<Value>)]
    metadata: Option<JsonText>,
    /// A second request by the same caller with the same key returns the first one's entry and records nothing; with
    /// other contents it is a CONFLICT. 1,000 bytes at the most.
    #[schema(max_length = 1000, pattern = r"^[^\u0000]*$", example = "req-8812")]
    idempotency_key: Option<String>,
}

impl CreateFields {
    fn read(mut body: Body) -> Result<CreateFields> {
        let action = required("action", body.text("action")?)?;
        let fields = CreateFields {
            user_id: required("userId", body.id("userId")?)?,
            username: body.text("username")?,
            action: Action::parse(&action).ok_or_else(|| {
                Error::bad_input(format!("`action` is {action:?}; it is CREATE, UPDATE, DELETE or READ"))
            })?,
            table_name: required("tableName", body.text("tableName")?)?,
            record_id: body.id("recordId")?,
            old_values: body.json("oldValues")?,
            new_values: body.json("newValues")?,
            description: body.text("description")?,
            ip_address: body.text("ipAddress")?,
            correlation_id: body.text("correlationId")?,
            metadata: body.json("metadata")?,
            idempotency_key: body.text("idempotencyKey")?,
        };
        body.finish()?;
        Ok(fields)
    }
}

impl From<CreateFields> for NewEntry {
    fn from(fields: CreateFields) -> Self {
        NewEntry {
            user_id: fields.user_id,
            username: fields.username,
            action: fields.action,
            table_name: fields.table_name,
            record_id: fields.record_id,
            old_values: fields.old_values,
            new_values: fields.new_values,
            description: fields.description,
            ip_address: fields.ip_address,
            correlation_id: fields.correlation_id,
            metadata: fields.metadata,
            idempotency_key: fields.idempotency_key,
        }
    }
}

/// Record an entry by hand
///
/// For what no trigger sees, such as somebody looking at a record. What a WRITER says about a tracked table is shown and
/// never believed: it counts neither for the trash nor can it be undone. The same is done at `/api/auditLog/`.
#[utoipa::path(
    post,
    path = "/api/auditLog",
    operation_id = "createEntry",
    tag = "By hand",
    request_body(content = CreateEntry, content_type = "application/json"),
    responses(
        (status = 201, description = "The entry that was recorded. A request with an `idempotencyKey` that came before is \
            answered just as the first one was, with the first one's entry.", body = EntryJson,
         content_type = "application/json", headers(("Location" = String, description = "The path of the entry."))),
        (status = 409, description = "The idempotency key came before with other contents, or another transaction is in \
            the way.", body = Problem, content_type = PROBLEM),
        BodyProblems
    )
)]
pub(super) async fn create(
    Writer(caller): Writer,
    State(state): State<super::State>,
    _: NoQuery,
    body: Body,
) -> Result<Response, Problem> {
    let entry = NewEntry::from(CreateFields::read(body)?);
    let entry = state.services.record(&caller, [entry]).await?.pop();
    let entry = entry.ok_or_else(|| Error::internal("nothing was recorded"))?;
    let location = format!("/api/auditLog/{}", entry.id);
    let body = Json(view(&state.services.database, &entry).await?);
    let mut answer = (StatusCode::CREATED, body).into_response();
    answer.headers_mut().insert(LOCATION, HeaderValue::try_from(location).map_err(Error::internal)?);
    Ok(answer)
}
