//! The history of one object.

use axum::extract::{OriginalUri, State};
use axum::http::Uri;
use axum::response::Response;

use super::caller::Reader;
use super::list::page;
use super::openapi::ListResponses;
use super::params::{FilterParams, ListQuery, PageParams};
use super::path::{InPath, askable};
use crate::http::Problem;
use crate::store::Selection;

/// An object's entries
///
/// The history of one object, the most recent first. A table that is called `user`, `action` or `object` is asked for at
/// `/api/auditLog/object/{tableName}/{recordId}`.
#[utoipa::path(
    get,
    path = "/api/auditLog/{tableName}/{recordId}",
    operation_id = "listEntriesOfObject",
    tag = "Entries",
    params(
        ("tableName" = String, Path, description = "The table's name; qualified with its schema where that is not the \
            default one. 4,096 bytes at the most, without U+0000.", pattern = r"^[^\u0000]+$", example = "products"),
        ("recordId" = String, Path, description = "The object's key as text; a composite key as a JSON array of \
            strings without spaces, as `recordId` of an entry has it. 4,096 bytes at the most, without U+0000. Of an \
            object whose key is empty, ask by GraphQL.", pattern = r"^[^\u0000]+$", example = "7"),
        PageParams,
        FilterParams
    ),
    responses(ListResponses)
)]
pub(super) async fn of_table(
    _: Reader,
    State(state): State<super::State>,
    OriginalUri(uri): OriginalUri,
    InPath((table, record)): InPath<(String, String)>,
    query: ListQuery,
) -> Result<Response, Problem> {
    history(&state, &uri, table, record, query).await
}

/// An object's entries, of any table
///
/// As `/api/auditLog/{tableName}/{recordId}`, whatever the table is called.
#[utoipa::path(
    get,
    path = "/api/auditLog/object/{tableName}/{recordId}",
    operation_id = "listEntriesOfObjectOfAnyTable",
    tag = "Entries",
    params(
        ("tableName" = String, Path, description = "The table's name; qualified with its schema where that is not the \
            default one. 4,096 bytes at the most, without U+0000.", pattern = r"^[^\u0000]+$", example = "user"),
        ("recordId" = String, Path, description = "The object's key as text; a composite key as a JSON array of \
            strings without spaces, as `recordId` of an entry has it. 4,096 bytes at the most, without U+0000. Of an \
            object whose key is empty, ask by GraphQL.", pattern = r"^[^\u0000]+$", example = "42"),
        PageParams,
        FilterParams
    ),
    responses(ListResponses)
)]
pub(super) async fn of_any_table(
    _: Reader,
    State(state): State<super::State>,
    OriginalUri(uri): OriginalUri,
    InPath((table, record)): InPath<(String, String)>,
    query: ListQuery,
) -> Result<Response, Problem> {
    history(&state, &uri, table, record, query).await
}

/// The same of an object whose key is `undo`: its path is also the one by which entries are undone.
pub(super) async fn named_undo(
    _: Reader,
    State(state): State<super::State>,
    OriginalUri(uri): OriginalUri,
    InPath(table): InPath<String>,
    query: ListQuery,
) -> Result<Response, Problem> {
    history(&state, &uri, table, "undo".to_owned(), query).await
}

async fn history(
    state: &super::State,
    uri: &Uri,
    table: String,
    record: String,
    query: ListQuery,
) -> Result<Response, Problem> {
    // The router takes `//x` for the record `x` of a table without a name.
    if table.is_empty() {
        return Err(super::nothing_here());
    }
    let selection = Selection::of_object(askable("tableName", table)?, askable("recordId", record)?, query.filter);
    page(&state.services.database, uri, selection, &query.page).await
}
