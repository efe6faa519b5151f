//! Counts.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Reader;
use super::entry::Action;
use super::openapi::CommonProblems;
use super::params::{FilterParams, FilterQuery};
use crate::audit::MAX_PAGE_SIZE;
use crate::http::Problem;
use crate::store;

/// Counts over the entries that the parameters let through.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// How many entries.
    #[schema(minimum = 0, example = 5)]
    total: i64,
    /// By table: the largest first, then by name; 1,000 tables at the most.
    by_table: Vec<TableCount>,
    /// By user: the largest first, then by id; 1,000 users at the most.
    by_user: Vec<UserCount>,
    /// By action: all four, also those with no entry.
    by_action: Vec<ActionCount>,
}

/// How many entries a table has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TableCount {
    /// The table; qualified with its schema where that is not the default one.
    #[schema(example = "products")]
    table_name: String,
    /// How many.
    #[schema(minimum = 1, example = 5)]
    count: i64,
}

/// How many entries a user has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserCount {
    /// The user; null for the entries without one.
    #[schema(required, example = "42")]
    user_id: Option<String>,
    /// The latest name that the user had.
    #[schema(required, example = "ann")]
    username: Option<String>,
    /// How many.
    #[schema(minimum = 1, example = 5)]
    count: i64,
}

/// How many entries an action has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActionCount {
    /// The action.
    action: Action,
    /// How many.
    #[schema(minimum = 0, example = 5)]
    count: i64,
}

/// Counts
///
/// How many entries the parameters let through: in all, by table, by user and by action.
#[utoipa::path(
    get,
    path = "/api/auditLog/summary",
    operation_id = "getSummary",
    tag = "Entries",
    params(FilterParams),
    responses(
        (status = 200, description = "The counts.", body = Summary, content_type = "application/json"),
        CommonProblems
    )
)]
pub(super) async fn summary(
    _: Reader,
    State(state): State<super::State>,
    FilterQuery(filter): FilterQuery,
) -> Result<Json<Summary>, Problem> {
    let database = &state.services.database;
    let by_table = store::by_table(database, &filter, MAX_PAGE_SIZE).await?;
    let by_user = store::by_user(database, &filter, MAX_PAGE_SIZE).await?;
    let by_action = store::by_action(database, &filter).await?;
    Ok(Json(Summary {
        total: store::total(database, &filter).await?,
        by_table: by_table.into_iter().map(|(table_name, count)| TableCount { table_name, count }).collect(),
        by_user: by_user.into_iter().map(|(user_id, username, count)| UserCount { user_id, username, count }).collect(),
        by_action: by_action.into_iter().map(|(action, count)| ActionCount { action: action.into(), count }).collect(),
    }))
}
