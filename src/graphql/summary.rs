//! Counts, each made only where it is asked for.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::context::ContextExt;
use super::enums::{AuditAction, TimeBucket};
use super::error::Result;
use super::scalars::{DateTime, Long};
use crate::audit::{Error, Filter, MAX_PAGE_SIZE};
use crate::store;

/// The entries that are counted.
pub struct AuditSummary(pub(super) Filter);

/// How many entries a table has.
#[derive(SimpleObject)]
pub struct TableCount {
    /// The table; qualified with its schema where that is not the default one.
    table_name: String,
    /// How many.
    count: Long,
}

/// How many entries a user has.
#[derive(SimpleObject)]
pub struct UserCount {
    /// The user; null for the entries without one.
    user_id: Option<ID>,
    /// The latest name that the user had.
    username: Option<String>,
    /// How many.
    count: Long,
}

/// How many entries an action has.
#[derive(SimpleObject)]
pub struct ActionCount {
    /// The action.
    action: AuditAction,
    /// How many.
    count: Long,
}

/// How many entries fall in a bucket of time.
#[derive(SimpleObject)]
pub struct TimeCount {
    /// When the bucket begins.
    start: DateTime,
    /// How many.
    count: Long,
}

/// How many tables and users are counted where the caller does not say.
const DEFAULT_COUNTS: Option<i32> = Some(100);

fn most(first: Option<i32>) -> Result<u64, Error> {
    let first = first.or(DEFAULT_COUNTS).unwrap_or_default();
    match u64::try_from(first) {
        Ok(first @ 1..=MAX_PAGE_SIZE) => Ok(first),
        _ => Err(Error::bad_input(format!("`first` is {first}; it must be between 1 and {MAX_PAGE_SIZE}"))),
    }
}

/// Counts over the entries that match.
#[Object]
impl AuditSummary {
    /// How many entries match.
    async fn total(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(store::total(&ctx.services()?.database, &self.0).await?))
    }

    /// By table: the largest first, then by name.
    async fn by_table(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "DEFAULT_COUNTS", desc = "How many tables at the most, between 1 and 1,000.")]
        first: Option<i32>,
    ) -> Result<Vec<TableCount>> {
        let counts = store::by_table(&ctx.services()?.database, &self.0, most(first)?).await?;
        Ok(counts.into_iter().map(|(table_name, count)| TableCount { table_name, count: Long(count) }).collect())
    }

    /// By user: the largest first, then by id.
    async fn by_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "DEFAULT_COUNTS", desc = "How many users at the most, between 1 and 1,000.")]
        first: Option<i32>,
    ) -> Result<Vec<UserCount>> {
        let counts = store::by_user(&ctx.services()?.database, &self.0, most(first)?).await?;
        let of = |(user, username, count): (Option<String>, Option<String>, i64)| UserCount {
            user_id: user.map(ID::from),
            username,
            count: Long(count),
        };
        Ok(counts.into_iter().map(of).collect())
    }

    /// By action: all four, also those with no entry.
    async fn by_action(&self, ctx: &Context<'_>) -> Result<Vec<ActionCount>> {
        let counts = store::by_action(&ctx.services()?.database, &self.0).await?;
        Ok(counts
            .into_iter()
            .map(|(action, count)| ActionCount { action: action.into(), count: Long(count) })
            .collect())
    }

    /// Over time: in UTC, the earliest first, without empty buckets; a week begins on Monday.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "TimeBucket::Day", desc = "How long a bucket is.")] bucket: TimeBucket,
    ) -> Result<Vec<TimeCount>> {
        let counts = store::timeline(&ctx.services()?.database, &self.0, bucket.into()).await?;
        Ok(counts.into_iter().map(|(start, count)| TimeCount { start: DateTime(start), count: Long(count) }).collect())
    }
}
