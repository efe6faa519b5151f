//! Counts, each made only where it is asked for, and those of one request together.

use std::borrow::Cow;
use std::collections::BTreeSet;

use async_graphql::{Context, ID, InputType, Name, Object, SimpleObject, Value};
use tokio::sync::OnceCell;

use super::context::ContextExt;
use super::enums::{AuditAction, TimeBucket};
use super::error::Result;
use super::scalars::{DateTime, Long};
use crate::audit::{Error, Filter, MAX_PAGE_SIZE};
use crate::store::{self, Counts, Part};

/// The entries that are counted, and what of them.
pub struct AuditSummary {
    filter: Filter,
    parts: Vec<Part>,
    counts: OnceCell<Counts>,
}

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

impl AuditSummary {
    /// What is selected of it is known before any of it is counted.
    pub(super) fn of(ctx: &Context<'_>, filter: Filter) -> Self {
        // What is out of bounds is refused where the field is answered.
        let selected = ctx.field();
        let parts = selected.selection_set().filter_map(|field| part(field.name(), &field.arguments().ok()?));
        // Each once, and in one order, whatever the client's: there are the fewer forms of the statement.
        let parts = parts.collect::<BTreeSet<_>>().into_iter().collect();
        AuditSummary { filter, parts, counts: OnceCell::new() }
    }

    /// Counts all that was selected, once, as of one moment.
    async fn counts(&self, ctx: &Context<'_>, part: Part) -> Result<Cow<'_, Counts>> {
        let database = &ctx.services()?.database;
        let counts = self.counts.get_or_try_init(|| store::summary(database, &self.filter, &self.parts)).await?;
        match counts.has(part) {
            true => Ok(Cow::Borrowed(counts)),
            false => Ok(Cow::Owned(store::summary(database, &self.filter, &[part]).await?)),
        }
    }
}

fn part(field: &str, arguments: &[(Name, Value)]) -> Option<Part> {
    let argument = |name: &str| arguments.iter().find(|(argument, _)| argument == name).map(|(_, value)| value);
    let first = || {
        let first = argument("first").map(|value| Option::<i32>::parse(Some(value.clone())).ok());
        most(first.unwrap_or(DEFAULT_COUNTS.into())?).ok()
    };
    match field {
        "total" => Some(Part::Total),
        "byTable" => first().map(Part::ByTable),
        "byUser" => first().map(Part::ByUser),
        "byAction" => Some(Part::ByAction),
        "timeline" => {
            let bucket = argument("bucket").map(|value| TimeBucket::parse(Some(value.clone())).ok());
            bucket.unwrap_or(Some(TimeBucket::Day)).map(|bucket| Part::Timeline(bucket.into()))
        }
        _ => None,
    }
}

/// Counts over the entries that match.
#[Object]
impl AuditSummary {
    /// How many entries match.
    async fn total(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(self.counts(ctx, Part::Total).await?.total()))
    }

    /// By table: the largest first, then by name.
    async fn by_table(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "DEFAULT_COUNTS", desc = "How many tables at the most, between 1 and 1,000.")]
        first: Option<i32>,
    ) -> Result<Vec<TableCount>> {
        let first = most(first)?;
        let counts = self.counts(ctx, Part::ByTable(first)).await?.by_table(first);
        Ok(counts.into_iter().map(|(table_name, count)| TableCount { table_name, count: Long(count) }).collect())
    }

    /// By user: the largest first, then by id.
    async fn by_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "DEFAULT_COUNTS", desc = "How many users at the most, between 1 and 1,000.")]
        first: Option<i32>,
    ) -> Result<Vec<UserCount>> {
        let first = most(first)?;
        let counts = self.counts(ctx, Part::ByUser(first)).await?.by_user(first);
        let of = |user: store::UserCount| UserCount {
            user_id: user.user_id.map(ID::from),
            username: user.username,
            count: Long(user.count),
        };
        Ok(counts.into_iter().map(of).collect())
    }

    /// By action: all four, also those with no entry.
    async fn by_action(&self, ctx: &Context<'_>) -> Result<Vec<ActionCount>> {
        let counts = self.counts(ctx, Part::ByAction).await?.by_action();
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
        let bucket = bucket.into();
        let counts = self.counts(ctx, Part::Timeline(bucket)).await?.timeline(bucket)?;
        Ok(counts.into_iter().map(|(start, count)| TimeCount { start: DateTime(start), count: Long(count) }).collect())
    }
}
