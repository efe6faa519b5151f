//! Undoing what one entry records.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use utoipa::ToSchema;

use super::body::OptionalBody;
use super::body_schema::UndoRequest;
use super::caller::Admin;
use super::entry::{EntryJson, id_in_path, view};
use super::openapi::{BodyProblems, PROBLEM};
use super::params::NoQuery;
use super::path::InPath;
use crate::graphql::actor_of;
use crate::http::Problem;
use crate::undo::Subject;

/// How to undo. All of it may be left out, and so may the body.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct UndoFields {
    /// Becomes the description of the entries written; without U+0000.
    #[schema(pattern = r"^[^\u0000]*$", example = "wrong product")]
    reason: Option<String>,
    /// Of a DELETE: whether the objects that hung on the object, directly or by others between, and were deleted in the
    /// same transaction, come back too, and references that were cut in it are set again. The entry must have a
    /// `transactionId`. Has no effect on other entries, nor on a change of a key.
    #[schema(default = false)]
    restore_linked: Option<bool>,
    /// That of a current `undoPreview` of the GraphQL API with the same arguments: where the plan is another by now, the
    /// undo is a CONFLICT, and nothing happens. Given, the undo may change more rows than `--undo-max-rows`.
    #[schema(pattern = r"^[^\u0000]*$")]
    plan_hash: Option<String>,
}

/// Undo an entry
///
/// A CREATE: the object is deleted, and with it the objects that reference it (those that the schema declares SET NULL or
/// SET DEFAULT are kept, and set). An UPDATE: each field goes back to its old value, but only where its current value is
/// still the entry's new value, byte for byte; the others are left alone. A DELETE: the object is restored under its old
/// key.
///
/// The undo is one transaction, is itself recorded, and can itself be undone. Where it cannot be, nothing changes, and the
/// problem says why.
#[utoipa::path(
    post,
    path = "/api/auditLog/{entryId}/undo",
    operation_id = "undoEntry",
    tag = "Undo",
    params(("entryId" = String, Path, description = "The entry's id.", pattern = "^[1-9][0-9]*$", example = "2667")),
    request_body(content = Option<UndoRequest>, content_type = "application/json"),
    responses(
        (status = 200, description = "The latest entry about the object: the one that this undo wrote, where it changed \
            anything. Where all fields were left alone, or the entry is undone already, it is an earlier one, \
            whose `timestamp` is before the request.", body = EntryJson, content_type = "application/json"),
        (status = 404, description = "There is no entry of this id.", body = Problem, content_type = PROBLEM),
        (status = 409, description = "The present state of the data stands in the way; the sentence says what of it.",
         body = Problem, content_type = PROBLEM),
        (status = 422, description = "The entry is of a kind that no undo can reverse, such as a READ.", body = Problem,
         content_type = PROBLEM),
        BodyProblems
    )
)]
pub(super) async fn undo(
    Admin(caller, address): Admin,
    State(state): State<super::State>,
    InPath(id): InPath<String>,
    _: NoQuery,
    OptionalBody(mut body): OptionalBody,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let request = UndoFields {
        reason: body.text("reason")?,
        restore_linked: body.flag("restoreLinked")?,
        plan_hash: body.text("planHash")?,
    };
    body.finish()?;
    let services = &state.services;
    let subject = Subject::Entry { id, restore_linked: request.restore_linked.unwrap_or(false) };
    let outcome = services.undo(actor_of(&caller, address), subject, request.reason, request.plan_hash).await?;
    Ok(Json(view(&services.database, &outcome.latest).await?).into_response())
}
