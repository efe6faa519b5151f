//! Lists of entries: all, a user's, of one action, and the trash.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::LINK;
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse as _, Response};

use super::caller::Reader;
use super::entry::views;
use super::openapi::{ListResponses, PROBLEM};
use super::params::{ActionName, FilterParams, ListQuery, MAX_OFFSET, PageParams, action};
use super::path::{InPath, askable};
use crate::audit::{Error, Filter, PageRequest};
use crate::http::Problem;
use crate::store::{self, Database, Selection};

/// Entries
///
/// All entries that the parameters let through, the most recent first. The same answer is given at `/api/auditLog/`.
#[utoipa::path(
    get,
    path = "/api/auditLog",
    operation_id = "listEntries",
    tag = "Entries",
    params(PageParams, FilterParams),
    responses(ListResponses)
)]
pub(super) async fn all(
    _: Reader,
    State(state): State<super::State>,
    OriginalUri(uri): OriginalUri,
    query: ListQuery,
) -> Result<Response, Problem> {
    page(&state.services.database, &uri, Selection::of(query.filter), &query.page).await
}

/// A user's entries
///
/// What one user did, as the application or the caller said; the most recent first.
#[utoipa::path(
    get,
    path = "/api/auditLog/user/{userId}",
    operation_id = "listEntriesOfUser",
    tag = "Entries",
    params(
        ("userId" = String, Path, description = "The user's id; 4,096 bytes at the most, without U+0000.",
         pattern = r"^[^\u0000]+$", example = "42"),
        PageParams,
        FilterParams
    ),
    responses(ListResponses)
)]
pub(super) async fn by_user(
    _: Reader,
    State(state): State<super::State>,
    OriginalUri(uri): OriginalUri,
    InPath(user): InPath<String>,
    query: ListQuery,
) -> Result<Response, Problem> {
    let filter = Filter::User(vec![askable("userId", user)?]).and(query.filter);
    page(&state.services.database, &uri, Selection::of(filter), &query.page).await
}

/// Entries of one action
///
/// The most recent first.
#[utoipa::path(
    get,
    path = "/api/auditLog/action/{action}",
    operation_id = "listEntriesOfAction",
    tag = "Entries",
    params(
        ("action" = inline(ActionName), Path,
         description = "The action, in upper or lower case; INSERT is the same as CREATE."),
        PageParams,
        FilterParams
    ),
    responses(
        (status = 404, description = "There is no such action.", body = Problem, content_type = PROBLEM),
        ListResponses
    )
)]
pub(super) async fn by_action(
    _: Reader,
    State(state): State<super::State>,
    OriginalUri(uri): OriginalUri,
    InPath(name): InPath<String>,
    query: ListQuery,
) -> Result<Response, Problem> {
    let action = action(&name).map_err(|error| Error::not_found(error.message()))?;
    let filter = Filter::Action(vec![action]).and(query.filter);
    page(&state.services.database, &uri, Selection::of(filter), &query.page).await
}

/// The trash
///
/// For each object whose last change is a deletion, that deletion; the most recent first. A READ is no change. The
/// parameters choose among the deletions; whether something came later is judged over the whole log.
#[utoipa::path(
    get,
    path = "/api/auditLog/trash",
    operation_id = "listTrash",
    tag = "Entries",
    params(PageParams, FilterParams),
    responses(ListResponses)
)]
pub(super) async fn trash(
    _: Reader,
    State(state): State<super::State>,
    OriginalUri(uri): OriginalUri,
    query: ListQuery,
) -> Result<Response, Problem> {
    let selection = Selection::of_trash(query.filter);
    page(&state.services.database, &uri, selection, &query.page).await
}

/// A page, with links to its neighbours.
pub(super) async fn page(
    database: &Database,
    uri: &Uri,
    selection: Selection,
    request: &PageRequest,
) -> Result<Response, Problem> {
    let (entries, more) = store::page(database, &selection, request).await?;
    let entries = views(database, &entries).await?;
    let mut answer = Json(&entries).into_response();
    if let Some(links) = links(uri, request, more) {
        answer.headers_mut().insert(LINK, links);
    }
    Ok(answer)
}

/// The pages before and after this one, where there are such.
fn links(uri: &Uri, request: &PageRequest, more: bool) -> Option<HeaderValue> {
    let mut links = Vec::new();
    let next = request.offset + request.size;
    if more && next <= MAX_OFFSET.unsigned_abs() {
        links.push(link(uri, request.size, next, "next"));
    }
    if request.offset > 0 {
        // Where fewer entries precede than a page holds, the page before holds those.
        let size = request.size.min(request.offset);
        links.push(link(uri, size, request.offset - size, "prev"));
    }
    HeaderValue::try_from(links.join(", ")).ok().filter(|_| !links.is_empty())
}

fn link(uri: &Uri, limit: u64, offset: u64, relation: &str) -> String {
    let given = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let others = given.filter(|(name, _)| name != "limit" && name != "offset");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("limit", &limit.to_string())
        .append_pair("offset", &offset.to_string())
        .finish();
    format!("<{}?{query}>; rel=\"{relation}\"", uri.path())
}
