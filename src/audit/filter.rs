//! Which entries are meant. A filter is asked of the database as SQL, and of entries in memory for subscribers: both
//! must give the same answer, which a property test holds them to.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use super::json::plain_text;
use super::{Action, Entry, Error, Json, Result, Source};

/// A condition on entries, of any depth.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them hold; of none, everything.
    All(Vec<Filter>),
    /// One of them holds; of none, nothing.
    Any(Vec<Filter>),
    /// It does not hold: the exact complement.
    Not(Box<Filter>),
    /// The user is one of these.
    User(Vec<String>),
    /// There is a user.
    HasUser(bool),
    /// The user's name is one of these.
    Username(Vec<String>),
    /// The table is one of these.
    Table(Vec<String>),
    /// The key is one of these.
    Record(Vec<String>),
    /// The action is one of these.
    Action(Vec<Action>),
    /// At or after this instant.
    Start(DateTime<Utc>),
    /// Before this instant.
    End(DateTime<Utc>),
    /// The address lies in this network.
    Network(IpNet),
    /// The correlation id is one of these.
    Correlation(Vec<String>),
    /// The transaction is one of these.
    Transaction(Vec<String>),
    /// The source is one of these.
    Source(Vec<Source>),
    /// One of these fields stands in an image, or is redacted.
    ChangedField(Vec<String>),
    /// This text stands in the description, the user's name, the key or a value, ASCII letters in either case.
    Search(String),
}

/// Bounds that a filter is held to where it comes in, so that everything behind can rely on them.
pub struct FilterLimits;

impl FilterLimits {
    /// Values in one list.
    pub const LIST: usize = 100;
    /// Filters in filters.
    pub const DEPTH: usize = 8;
    /// Conditions in all.
    pub const CONDITIONS: usize = 500;
    /// Values in all lists together: each is a parameter of the statement, some are three, and SQLite takes 32,766.
    pub const VALUES: usize = 5_000;
    /// Bytes of one text.
    pub const TEXT: usize = 4_096;

    /// Whether the log can be asked for this text.
    ///
    /// # Errors
    /// BAD_USER_INPUT where it is too long, or holds what no text in the log can.
    pub fn check(name: &str, text: &str) -> Result<()> {
        if text.contains('\0') {
            return Err(Error::bad_input(format!("`{name}` holds a NUL character, which no text in the log can")));
        }
        if text.len() > FilterLimits::TEXT {
            return Err(Error::bad_input(format!(
                "`{name}` holds a text of {} bytes; at most {} are compared",
                text.len(),
                FilterLimits::TEXT
            )));
        }
        Ok(())
    }
}

impl Filter {
    /// The filter that lets everything through.
    pub fn everything() -> Filter {
        Filter::All(Vec::new())
    }

    /// Both.
    pub fn and(self, other: Filter) -> Filter {
        Filter::All(vec![self, other])
    }

    /// The entries of one object.
    pub fn object(table_name: String, record_id: String) -> Filter {
        Filter::Table(vec![table_name]).and(Filter::Record(vec![record_id]))
    }

    /// Whether the entry is meant.
    pub fn matches(&self, entry: &Entry) -> bool {
        match self {
            Filter::All(filters) => filters.iter().all(|filter| filter.matches(entry)),
            Filter::Any(filters) => filters.iter().any(|filter| filter.matches(entry)),
            Filter::Not(filter) => !filter.matches(entry),
            Filter::User(ids) => is_one_of(entry.user_id.as_ref(), ids),
            Filter::HasUser(has) => entry.user_id.is_some() == *has,
            Filter::Username(names) => is_one_of(entry.username.as_ref(), names),
            Filter::Table(names) => names.contains(&entry.table_name),
            Filter::Record(ids) => is_one_of(entry.record_id.as_ref(), ids),
            Filter::Action(actions) => actions.contains(&entry.action),
            Filter::Start(instant) => entry.timestamp >= *instant,
            Filter::End(instant) => entry.timestamp < *instant,
            Filter::Network(network) => entry.ip_address.as_deref().is_some_and(|text| within(network, text)),
            Filter::Correlation(ids) => is_one_of(entry.correlation_id.as_ref(), ids),
            Filter::Transaction(ids) => is_one_of(entry.transaction_id.as_ref(), ids),
            Filter::Source(sources) => sources.contains(&entry.source),
            Filter::ChangedField(names) => entry.action != Action::Read && has_field(entry, names),
            Filter::Search(text) => contains_text(entry, text),
        }
    }
}

/// Whether the text is an address of the network. An IPv4 address in IPv6 clothes is not one of IPv4.
pub fn within(network: &IpNet, text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
}

fn is_one_of(value: Option<&String>, list: &[String]) -> bool {
    value.is_some_and(|value| list.contains(value))
}

fn has_field(entry: &Entry, names: &[String]) -> bool {
    let in_image = |image: &Option<Json>| {
        let fields = image.as_ref().and_then(Json::fields).unwrap_or_default();
        fields.iter().any(|(field, _)| names.iter().any(|name| name == field))
    };
    in_image(&entry.old_values)
        || in_image(&entry.new_values)
        || entry.redacted.iter().any(|(field, _)| names.contains(field))
}

fn contains_text(entry: &Entry, needle: &str) -> bool {
    let needle = needle.to_ascii_lowercase();
    let found = |text: &str| text.to_ascii_lowercase().contains(&needle);
    let in_image = |image: &Option<Json>| {
        let fields = image.as_ref().and_then(Json::fields).unwrap_or_default();
        fields.iter().any(|(_, value)| searchable(value).is_some_and(|text| found(&text)))
    };
    [&entry.description, &entry.username, &entry.record_id].into_iter().flatten().any(|text| found(text))
        || in_image(&entry.old_values)
        || in_image(&entry.new_values)
}

/// What a search sees of a value: what a string holds, of anything else but null its JSON.
fn searchable(value: &str) -> Option<String> {
    match value.as_bytes().first() {
        Some(b'{' | b'[') => Some(value.to_owned()),
        _ => plain_text(value),
    }
}
