//! From the filter that a client writes to the one that the log is asked with. What is out of bounds is refused here.

use std::net::IpAddr;

use async_graphql::{ID, InputObject};
use ipnet::IpNet;

use super::enums::{AuditAction, AuditSource};
use super::scalars::Instant;
use crate::audit::{Error, Filter, FilterLimits, Result};

/// Conditions on one level all hold; within a list, one of them does. What is absent or null is no condition; an empty
/// list matches nothing, `and: []` everything, `or: []` nothing. `not` is the exact complement. Lists hold at most 100
/// values, filters nest at most 8 deep; a filter holds at most 500 conditions and 5,000 values in all.
#[derive(InputObject, Default)]
pub struct AuditLogFilter {
    /// The user is one of these.
    user_id: Option<Vec<ID>>,
    /// Whether there is a user at all.
    has_user: Option<bool>,
    /// The user's name is one of these. No index knows names: what is rare or missing costs what `changedField` costs, and
    /// is narrowed in the same way.
    username: Option<Vec<String>>,
    /// The table is one of these; qualified with its schema where that is not the default one.
    table_name: Option<Vec<String>>,
    /// The object's key is one of these. Together with `tableName`, an index finds it; without, it costs what
    /// `changedField` costs.
    record_id: Option<Vec<ID>>,
    /// The action is one of these.
    action: Option<Vec<AuditAction>>,
    /// At or after this instant.
    start: Option<Instant>,
    /// Before this instant; a calendar date is included to its end.
    end: Option<Instant>,
    /// An address, or a network in CIDR form. What is rare or missing costs what `changedField` costs, and is narrowed in
    /// the same way.
    ip_address: Option<String>,
    /// The correlation id is one of these.
    correlation_id: Option<Vec<String>>,
    /// The transaction is one of these.
    transaction_id: Option<Vec<ID>>,
    /// The source is one of these. No index knows sources: what is rare costs what `changedField` costs.
    source: Option<Vec<AuditSource>>,
    /// Entries that changed one of these fields; of a CREATE or DELETE, those that have one of them. No index knows
    /// fields: every entry that meets the other conditions is read, the most recent first, until the page is full. A
    /// page of what occurs often takes milliseconds; of what is rare or missing, and to count it, some seconds for each
    /// million entries, until the request's time is up (UNAVAILABLE). Narrow a large log by what an index knows:
    /// `start` and `end`, `userId`, or `tableName` together with `recordId`; `tableName` alone does not shorten it.
    changed_field: Option<Vec<String>>,
    /// Entries whose description, username, record id or values contain this text, ASCII letters in either case. No
    /// index knows parts of texts: it costs what `changedField` costs, and is narrowed in the same way.
    search: Option<String>,
    /// All of these hold.
    and: Option<Vec<AuditLogFilter>>,
    /// One of these holds.
    or: Option<Vec<AuditLogFilter>>,
    /// This does not hold.
    not: Option<Box<AuditLogFilter>>,
}

/// The names of a filter's fields in the schema.
pub(super) const FILTER_FIELDS: [&str; 17] = [
    "userId",
    "hasUser",
    "username",
    "tableName",
    "recordId",
    "action",
    "start",
    "end",
    "ipAddress",
    "correlationId",
    "transactionId",
    "source",
    "changedField",
    "search",
    "and",
    "or",
    "not",
];

impl AuditLogFilter {
    /// The filter as the log is asked with it; everything where none is given.
    pub(super) fn read(filter: Option<AuditLogFilter>) -> Result<Filter> {
        match filter {
            Some(filter) => Reader { conditions: 0, values: 0 }.read(filter, 1),
            None => Ok(Filter::everything()),
        }
    }
}

struct Reader {
    conditions: usize,
    values: usize,
}

impl Reader {
    fn read(&mut self, filter: AuditLogFilter, depth: usize) -> Result<Filter> {
        if depth > FilterLimits::DEPTH {
            return Err(Error::bad_input(format!("filters nest at most {} deep", FilterLimits::DEPTH)));
        }
        let mut all = Vec::new();
        let ids = |ids: Vec<ID>| ids.into_iter().map(|id| id.0).collect::<Vec<_>>();
        self.texts(&mut all, "userId", filter.user_id.map(ids), Filter::User)?;
        all.extend(filter.has_user.map(Filter::HasUser));
        self.texts(&mut all, "username", filter.username, Filter::Username)?;
        self.texts(&mut all, "tableName", filter.table_name, Filter::Table)?;
        self.texts(&mut all, "recordId", filter.record_id.map(ids), Filter::Record)?;
        if let Some(actions) = filter.action {
            self.bounded("action", &actions)?;
            all.push(Filter::Action(actions.into_iter().map(Into::into).collect()));
        }
        all.extend(filter.start.map(|instant| Filter::Start(instant.0.start())));
        all.extend(filter.end.map(|instant| Filter::End(instant.0.end())));
        all.extend(filter.ip_address.map(|text| network(&text)).transpose()?.map(Filter::Network));
        self.texts(&mut all, "correlationId", filter.correlation_id, Filter::Correlation)?;
        self.texts(&mut all, "transactionId", filter.transaction_id.map(ids), Filter::Transaction)?;
        if let Some(sources) = filter.source {
            self.bounded("source", &sources)?;
            all.push(Filter::Source(sources.into_iter().map(Into::into).collect()));
        }
        self.texts(&mut all, "changedField", filter.changed_field, Filter::ChangedField)?;
        if let Some(text) = filter.search {
            FilterLimits::check("search", &text)?;
            all.push(Filter::Search(text));
        }
        if let Some(filters) = filter.and {
            all.push(Filter::All(self.nested("and", filters, depth)?));
        }
        if let Some(filters) = filter.or {
            all.push(Filter::Any(self.nested("or", filters, depth)?));
        }
        if let Some(filter) = filter.not {
            all.push(Filter::Not(Box::new(self.read(*filter, depth + 1)?)));
        }
        self.conditions += all.len() + 1;
        if self.conditions > FilterLimits::CONDITIONS {
            return Err(Error::bad_input(format!(
                "a filter holds at most {} conditions in all",
                FilterLimits::CONDITIONS
            )));
        }
        Ok(Filter::All(all))
    }

    fn texts(
        &mut self,
        all: &mut Vec<Filter>,
        name: &str,
        list: Option<Vec<String>>,
        condition: fn(Vec<String>) -> Filter,
    ) -> Result<()> {
        let Some(list) = list else { return Ok(()) };
        self.bounded(name, &list)?;
        list.iter().try_for_each(|text| FilterLimits::check(name, text))?;
        all.push(condition(list));
        Ok(())
    }

    fn nested(&mut self, name: &str, filters: Vec<AuditLogFilter>, depth: usize) -> Result<Vec<Filter>> {
        self.bounded(name, &filters)?;
        filters.into_iter().map(|filter| self.read(filter, depth + 1)).collect()
    }

    fn bounded<T>(&mut self, name: &str, list: &[T]) -> Result<()> {
        if list.len() > FilterLimits::LIST {
            return Err(Error::bad_input(format!(
                "`{name}` holds {} values; a list of a filter holds at most {}",
                list.len(),
                FilterLimits::LIST
            )));
        }
        self.values += list.len();
        if self.values > FilterLimits::VALUES {
            return Err(Error::bad_input(format!(
                "a filter holds at most {} values in all its lists together",
                FilterLimits::VALUES
            )));
        }
        Ok(())
    }
}

fn network(text: &str) -> Result<IpNet> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
        Error::bad_input(format!(
            "`ipAddress` is {text:?}; write an address (10.0.0.7, 2001:db8::1) or a network in CIDR form (10.0.0.0/8)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_filters_are_those_of_the_schema() {
        assert_eq!(crate::graphql::input_fields("AuditLogFilter"), FILTER_FIELDS);
    }
}
