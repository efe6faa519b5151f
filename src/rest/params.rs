//! Which entries, and which page of them: the query parameters that all lists share.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use chrono::NaiveDate;
use utoipa::{IntoParams, ToSchema};

use super::query::{Query, shown};
use crate::audit::{
    Action, DEFAULT_PAGE_SIZE, Error, Filter, FilterLimits, Instant, MAX_PAGE_SIZE, PageRequest, PageSide, Result,
};
use crate::http::Problem;

/// The first and the last second of the years that the log knows.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// The most entries that can be skipped, as in the GraphQL API.
pub(super) const MAX_OFFSET: i64 = i32::MAX as i64;

/// An action in a path or a query.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "the document lists what `action` reads")]
pub(super) enum ActionName {
    /// The object came to be.
    Create,
    /// The same as CREATE.
    Insert,
    /// Fields of the object changed.
    Update,
    /// The object was deleted.
    Delete,
    /// Someone looked at the object.
    Read,
}

/// Which entries. Conditions that are given all hold.
#[derive(Debug, PartialEq, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(super) struct FilterParams {
    /// Entries at or after this instant, in UNIX seconds.
    #[param(minimum = -62_135_596_800i64, maximum = 253_402_300_799i64, example = 1772357400)]
    start: Option<i64>,
    /// Entries before this instant, in UNIX seconds; those of the second itself are left out.
    #[param(minimum = -62_135_596_800i64, maximum = 253_402_300_799i64, example = 1803893400)]
    end: Option<i64>,
    /// Entries from the beginning of this day on, in UTC.
    #[param(value_type = Option<String>, format = Date, example = "2026-03-01")]
    start_date: Option<NaiveDate>,
    /// Entries up to the end of this day, in UTC: the day is included.
    #[param(value_type = Option<String>, format = Date, example = "2026-12-31")]
    end_date: Option<NaiveDate>,
    /// Entries of the user of this id; 4,096 bytes at the most, without U+0000.
    #[param(pattern = r"^[^\u0000]*$", example = "42")]
    user: Option<String>,
    /// Entries about objects of this table, qualified with its schema where that is not the default one; 4,096 bytes at
    /// the most, without U+0000.
    #[param(pattern = r"^[^\u0000]*$", example = "products")]
    table: Option<String>,
    /// Entries of this action, in upper or lower case; INSERT is the same as CREATE.
    #[param(value_type = Option<ActionName>, inline)]
    action: Option<Action>,
}

/// Which page of a list.
#[derive(Debug, PartialEq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// How many entries at the most. More than 1,000 are refused, not clipped.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<i64>,
    /// How many of the most recent entries to skip. New entries push the others back: an entry can so be seen on two
    /// pages, and none is missed.
    #[param(minimum = 0, maximum = 2_147_483_647, default = 0)]
    offset: Option<i64>,
}

impl FilterParams {
    fn read(query: &mut Query) -> Result<FilterParams> {
        Ok(FilterParams {
            start: query.number("start", SECONDS)?,
            end: query.number("end", SECONDS)?,
            start_date: date("startDate", query)?,
            end_date: date("endDate", query)?,
            user: text("user", query)?,
            table: text("table", query)?,
            action: query.text("action").map(|text| action(&text)).transpose()?,
        })
    }

    /// The filter that is meant.
    fn filter(self) -> Result<Filter> {
        let mut all = Vec::new();
        let second = |seconds: Option<i64>| seconds.map(Instant::of_seconds).transpose();
        all.extend(second(self.start)?.map(|instant| Filter::Start(instant.start())));
        all.extend(second(self.end)?.map(|instant| Filter::End(instant.end())));
        all.extend(self.start_date.map(|day| Filter::Start(Instant::Day(day).start())));
        all.extend(self.end_date.map(|day| Filter::End(Instant::Day(day).end())));
        all.extend(self.user.map(|user| Filter::User(vec![user])));
        all.extend(self.table.map(|table| Filter::Table(vec![table])));
        all.extend(self.action.map(|action| Filter::Action(vec![action])));
        Ok(Filter::All(all))
    }
}

/// An action as a client spells it, in any case. Some call a creation an INSERT.
pub(super) fn action(text: &str) -> Result<Action> {
    match text.to_ascii_uppercase().as_str() {
        "INSERT" => Some(Action::Create),
        upper => Action::parse(upper),
    }
    .ok_or_else(|| {
        Error::bad_input(format!("{} is no action: write INSERT, CREATE, UPDATE, DELETE or READ", shown(text)))
    })
}

fn text(name: &'static str, query: &mut Query) -> Result<Option<String>> {
    let text = query.text(name);
    text.iter().try_for_each(|text| FilterLimits::check(name, text))?;
    Ok(text)
}

fn date(name: &'static str, query: &mut Query) -> Result<Option<NaiveDate>> {
    let Some(text) = query.text(name) else { return Ok(None) };
    // chrono also reads dates that are padded otherwise.
    let form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = form.then(|| Instant::parse(&text).ok()).flatten();
    match day {
        Some(Instant::Day(day)) => Ok(Some(day)),
        _ => Err(Error::bad_input(format!("`{name}` is {}; write a calendar date such as 2026-03-01", shown(&text)))),
    }
}

/// What a request to a list asks for.
pub(super) struct ListQuery {
    /// Which entries.
    pub(super) filter: Filter,
    /// Which page.
    pub(super) page: PageRequest,
}

impl ListQuery {
    fn of(uri: &Uri) -> Result<ListQuery> {
        let mut query = Query::of(uri)?;
        let page = PageParams {
            limit: query.number("limit", 1..=MAX_PAGE_SIZE as i64)?,
            offset: query.number("offset", 0..=MAX_OFFSET)?,
        };
        let filter = FilterParams::read(&mut query)?;
        query.finish()?;
        let page = PageRequest {
            size: page.limit.map_or(DEFAULT_PAGE_SIZE, i64::unsigned_abs),
            side: PageSide::First,
            after: None,
            before: None,
            offset: page.offset.map_or(0, i64::unsigned_abs),
        };
        Ok(ListQuery { filter: filter.filter()?, page })
    }
}

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(ListQuery::of(&parts.uri)?)
    }
}

/// What a request to the counts asks for.
pub(super) struct FilterQuery(pub(super) Filter);

impl<S: Sync> FromRequestParts<S> for FilterQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut query = Query::of(&parts.uri)?;
        let filter = FilterParams::read(&mut query)?;
        query.finish()?;
        Ok(FilterQuery(filter.filter()?))
    }
}

/// A request that takes no parameters.
pub(super) struct NoQuery;

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::of(&parts.uri)?.finish()?;
        Ok(NoQuery)
    }
}
