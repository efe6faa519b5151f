//! From a filter to SQL.

use ipnet::IpNet;
use sea_orm::sea_query::{Condition, Expr, Func, IntoCondition};
use sea_orm::{ColumnTrait, ConnectionTrait, ExprTrait, Statement};

use super::dialect::Dialect;
use super::error::failed;
use super::rollup::Range;
use crate::audit::{Action, Filter, Result};
use afterimage_entity::log::Column;
use afterimage_entity::text::Text;

/// A filter and what must be asked of the database before it can be written as SQL.
pub(super) struct Prepared<'a> {
    filter: &'a Filter,
    addresses: Vec<String>,
    large_tables: Vec<String>,
}

/// What the database was asked.
#[derive(Clone, Copy)]
struct Known<'a> {
    /// The addresses that the log holds.
    addresses: &'a [String],
    /// The tables with so many entries that they are better found among all.
    large_tables: &'a [String],
}

impl<'a> Prepared<'a> {
    /// Asks the database what the filter needs.
    pub(super) async fn of(
        dialect: &dyn Dialect,
        connection: &impl ConnectionTrait,
        filter: &'a Filter,
    ) -> Result<Self> {
        let mut prepared = Prepared::plain(filter);
        if names(filter, |filter| matches!(filter, Filter::Network(network) if only_spelling(network).is_none())) {
            prepared.addresses = texts(connection, dialect.known_addresses()).await?;
        }
        if names(filter, |filter| matches!(filter, Filter::Table(_))) && !is_about_objects(filter) {
            prepared.large_tables = texts(connection, dialect.large_tables()).await?;
        }
        Ok(prepared)
    }

    /// A filter for which nothing has to be asked.
    pub(super) fn plain(filter: &'a Filter) -> Self {
        Prepared { filter, addresses: Vec::new(), large_tables: Vec::new() }
    }

    /// The filter as SQL, with every value bound.
    pub(super) fn condition(&self, dialect: &dyn Dialect) -> Condition {
        condition(dialect, self.filter, Known { addresses: &self.addresses, large_tables: &self.large_tables })
    }
}

/// The texts that a statement answers, if there is one.
async fn texts(connection: &impl ConnectionTrait, statement: Option<Statement>) -> Result<Vec<String>> {
    let Some(statement) = statement else { return Ok(Vec::new()) };
    let rows = connection.query_all_raw(statement).await.map_err(failed)?;
    rows.iter().map(|row| row.try_get_by_index::<Text>(0).map(String::from).map_err(failed)).collect()
}

/// Whether one of the filters that this one is made of is such a one.
fn names(filter: &Filter, is_one: fn(&Filter) -> bool) -> bool {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => filters.iter().any(|filter| names(filter, is_one)),
        Filter::Not(filter) => names(filter, is_one),
        filter => is_one(filter),
    }
}

/// Whether whatever meets the filter has one of a few record ids.
fn is_about_objects(filter: &Filter) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().any(is_about_objects),
        filter => matches!(filter, Filter::Record(_)),
    }
}

fn condition(dialect: &dyn Dialect, filter: &Filter, known: Known<'_>) -> Condition {
    // The index of objects finds an object whatever else its table holds.
    let known = if is_about_objects(filter) { Known { large_tables: &[], ..known } } else { known };
    let nested = |filter| condition(dialect, filter, known);
    match filter {
        Filter::All(filters) if filters.is_empty() => constant("TRUE"),
        Filter::All(filters) => filters.iter().map(nested).fold(Condition::all(), Condition::add),
        Filter::Any(filters) if filters.is_empty() => constant("FALSE"),
        Filter::Any(filters) => filters.iter().map(nested).fold(Condition::any(), Condition::add),
        // Each entry has an instant: said so that the index of instants finds it.
        Filter::Not(filter) if let Some(complement) = complement_in_time(filter) => nested(&complement),
        // SQL knows a third answer: what is not known to hold does not hold, and its complement does.
        Filter::Not(filter) => {
            let inner: Expr = nested(filter).into();
            Expr::expr(Func::coalesce([inner, Expr::cust("FALSE")])).not().into_condition()
        }
        Filter::User(ids) => Column::UserId.is_in(ids).into_condition(),
        Filter::HasUser(true) => Column::UserId.is_not_null().into_condition(),
        Filter::HasUser(false) => Column::UserId.is_null().into_condition(),
        Filter::Username(names) => Column::Username.is_in(names).into_condition(),
        Filter::Table(names) => dialect.is_in_table(names, known.large_tables).into_condition(),
        Filter::Record(ids) if ids.is_empty() => constant("FALSE"),
        Filter::Record(ids) => dialect.has_record(ids).into_condition(),
        Filter::Action(actions) => Column::Action.is_in(actions.iter().map(|action| action.as_str())).into_condition(),
        Filter::Start(instant) => column(Column::Timestamp).gte(dialect.instant(*instant)).into_condition(),
        Filter::End(instant) => column(Column::Timestamp).lt(dialect.instant(*instant)).into_condition(),
        Filter::Network(network) => match only_spelling(network) {
            Some(address) => Column::IpAddress.eq(address).into_condition(),
            None => dialect.within(network, &known_within(network, known.addresses)).into_condition(),
        },
        Filter::Correlation(ids) => Column::CorrelationId.is_in(ids).into_condition(),
        Filter::Transaction(ids) => any(ids.iter().map(|id| dialect.in_transaction(id)).collect()),
        Filter::Source(sources) => Column::Source.is_in(sources.iter().map(|source| source.as_str())).into_condition(),
        Filter::ChangedField(names) => changed_field(dialect, names),
        Filter::Search(text) => {
            let plain = [Column::Description, Column::Username, Column::RecordId];
            let images = [Column::OldValues, Column::NewValues];
            any(plain
                .into_iter()
                .map(|column| dialect.contains(column, text))
                .chain(images.into_iter().map(|image| dialect.image_contains(image, text)))
                .collect())
        }
    }
}

/// The other side of a filter by one instant.
fn complement_in_time(filter: &Filter) -> Option<Filter> {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => match filters.as_slice() {
            [filter] => complement_in_time(filter),
            _ => None,
        },
        Filter::Start(instant) => Some(Filter::End(*instant)),
        Filter::End(instant) => Some(Filter::Start(*instant)),
        _ => None,
    }
}

/// What holds beside a filter of which one of several alternatives is to hold, so that a walk through the log by the clock
/// begins and ends where they do: the index of instants sees no range within an `or`. Nothing for other filters, whose
/// ranges it sees. Whoever takes all that is found, and walks nowhere, finds each of several ranges by itself.
pub(super) fn beside(filter: &Filter) -> Option<Filter> {
    let Range { from, to } = if has_alternatives(filter) { range_of(filter) } else { Range::default() };
    let ends: Vec<_> = from.map(Filter::Start).into_iter().chain(to.map(Filter::End)).collect();
    (!ends.is_empty()).then_some(Filter::All(ends))
}

fn has_alternatives(filter: &Filter) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().any(has_alternatives),
        filter => matches!(filter, Filter::Any(_)),
    }
}

/// A range that whatever meets the filter lies in, as far as instants alone tell.
fn range_of(filter: &Filter) -> Range {
    match filter {
        Filter::Start(from) => Range { from: Some(*from), to: None },
        Filter::End(to) => Range { from: None, to: Some(*to) },
        Filter::All(filters) => filters.iter().map(range_of).fold(Range::default(), Range::and),
        Filter::Any(filters) => filters.iter().map(range_of).reduce(Range::hull).unwrap_or_default(),
        Filter::Not(filter) => complement_in_time(filter).as_ref().map(range_of).unwrap_or_default(),
        _ => Range::default(),
    }
}

/// The images that hold one of the fields, but for a READ: a baseline has an image of what did not change.
fn changed_field(dialect: &dyn Dialect, names: &[String]) -> Condition {
    let images = [Column::OldValues, Column::NewValues, Column::Redacted];
    if names.is_empty() {
        return constant("FALSE");
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fields = any(images.map(|image| dialect.has_field(image, &names)).into());
    Condition::all().add(fields).add(Column::Action.ne(Action::Read.as_str()))
}

/// One of the expressions; of none, nothing. (An empty condition would vanish, and let everything through.)
fn any(expressions: Vec<Expr>) -> Condition {
    if expressions.is_empty() {
        return constant("FALSE");
    }
    expressions.into_iter().fold(Condition::any(), Condition::add)
}

fn constant(truth: &'static str) -> Condition {
    Expr::cust(truth).into_condition()
}

/// The one text that is an address of this network, if there is but one: an address of IPv4 has no other spelling.
fn only_spelling(network: &IpNet) -> Option<String> {
    match network {
        IpNet::V4(network) if network.prefix_len() == 32 => Some(network.addr().to_string()),
        _ => None,
    }
}

fn known_within(network: &IpNet, addresses: &[String]) -> Vec<String> {
    addresses.iter().filter(|address| crate::audit::within(network, address)).cloned().collect()
}

pub(super) fn column(column: Column) -> Expr {
    Expr::col(column.as_column_ref())
}

#[cfg(test)]
mod tests;
