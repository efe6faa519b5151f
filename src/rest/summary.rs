//! Counts.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Reader;
use super::entry::Action;
use super::openapi::CommonProblems;
use super::params::{FilterParams, FilterQuery};
use crate::audit::{self, MAX_PAGE_SIZE};
use crate::http::Problem;
use crate::store::{self, Part};

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
    let most = MAX_PAGE_SIZE;
    let parts = [Part::Total, Part::ByTable(most), Part::ByUser(most), Part::ByAction];
    let counts = store::summary(database, &filter, &parts).await?;
    let table = |(table_name, count)| TableCount { table_name, count };
    let user = |user: store::UserCount| UserCount { user_id: user.user_id, username: user.username, count: user.count };
    let action = |(action, count): (audit::Action, i64)| ActionCount { action: action.into(), count };
    Ok(Json(Summary {
        total: counts.total(),
        by_table: counts.by_table(most).into_iter().map(table).collect(),
        by_user: counts.by_user(most).into_iter().map(user).collect(),
        by_action: counts.by_action().into_iter().map(action).collect(),
    }))
}
