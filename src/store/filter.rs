//! From a filter to SQL.

use ipnet::IpNet;
use sea_orm::sea_query::{Condition, Expr, Func, IntoCondition};
use sea_orm::{ColumnTrait, ConnectionTrait, ExprTrait};

use super::dialect::Dialect;
use super::error::failed;
use crate::audit::{Action, Filter, Result};
use afterimage_entity::log::Column;

/// A filter and what must be asked of the database before it can be written as SQL.
pub(super) struct Prepared<'a> {
    filter: &'a Filter,
    addresses: Vec<String>,
}

impl<'a> Prepared<'a> {
    /// Asks the database what the filter needs.
    pub(super) async fn of(
        dialect: &dyn Dialect,
        connection: &impl ConnectionTrait,
        filter: &'a Filter,
    ) -> Result<Self> {
        let mut addresses = Vec::new();
        if names_network(filter)
            && let Some(statement) = dialect.known_addresses()
        {
            for row in connection.query_all_raw(statement).await.map_err(failed)? {
                addresses.push(row.try_get_by_index(0).map_err(failed)?);
            }
        }
        Ok(Prepared { filter, addresses })
    }

    /// The filter as SQL, with every value bound.
    pub(super) fn condition(&self, dialect: &dyn Dialect) -> Condition {
        condition(dialect, self.filter, &self.addresses)
    }
}

fn names_network(filter: &Filter) -> bool {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => filters.iter().any(names_network),
        Filter::Not(filter) => names_network(filter),
        Filter::Network(_) => true,
        _ => false,
    }
}

fn condition(dialect: &dyn Dialect, filter: &Filter, addresses: &[String]) -> Condition {
    let nested = |filter| condition(dialect, filter, addresses);
    match filter {
        Filter::All(filters) if filters.is_empty() => constant("TRUE"),
        Filter::All(filters) => filters.iter().map(nested).fold(Condition::all(), Condition::add),
        Filter::Any(filters) if filters.is_empty() => constant("FALSE"),
        Filter::Any(filters) => filters.iter().map(nested).fold(Condition::any(), Condition::add),
        // SQL knows a third answer: what is not known to hold does not hold, and its complement does.
        Filter::Not(filter) => {
            let inner: Expr = nested(filter).into();
            Expr::expr(Func::coalesce([inner, Expr::cust("FALSE")])).not().into_condition()
        }
        Filter::User(ids) => Column::UserId.is_in(ids).into_condition(),
        Filter::HasUser(true) => Column::UserId.is_not_null().into_condition(),
        Filter::HasUser(false) => Column::UserId.is_null().into_condition(),
        Filter::Username(names) => Column::Username.is_in(names).into_condition(),
        Filter::Table(names) => Column::TableName.is_in(names).into_condition(),
        Filter::Record(ids) if ids.is_empty() => constant("FALSE"),
        Filter::Record(ids) => dialect.has_record(ids).into_condition(),
        Filter::Action(actions) => Column::Action.is_in(actions.iter().map(|action| action.as_str())).into_condition(),
        Filter::Start(instant) => column(Column::Timestamp).gte(dialect.instant(*instant)).into_condition(),
        Filter::End(instant) => column(Column::Timestamp).lt(dialect.instant(*instant)).into_condition(),
        Filter::Network(network) => dialect.within(network, &known_within(network, addresses)).into_condition(),
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

fn known_within(network: &IpNet, addresses: &[String]) -> Vec<String> {
    addresses.iter().filter(|address| crate::audit::within(network, address)).cloned().collect()
}

pub(super) fn column(column: Column) -> Expr {
    Expr::col(column.as_column_ref())
}

#[cfg(test)]
mod tests;
