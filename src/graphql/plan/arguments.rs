//! The arguments of a plan's fields, from the variables of a request.

use async_graphql::{ID, InputType, Name, Value, Variables};

use super::fields::{Arguments, Plan, Variable, marked};
use crate::audit::{Filter, NewEntry, PageRequest, Result};
use crate::graphql::create::{CreateAuditLogInput, INPUT_FIELDS};
use crate::graphql::filter::{AuditLogFilter, FILTER_FIELDS};

/// The arguments of a field, with the values of this request.
pub(super) struct Given<'a> {
    plan: &'a Plan,
    variables: &'a Variables,
    arguments: &'a Arguments,
}

/// Declined: the library has to look at it.
pub(super) struct Declined;

impl<'a> Given<'a> {
    pub(super) fn new(plan: &'a Plan, variables: &'a Variables, arguments: &'a Arguments) -> Self {
        Given { plan, variables, arguments }
    }

    /// The value of an argument, as the schema's own type reads it.
    pub(super) fn read<T: InputType>(&self, name: &str) -> Result<T, Declined> {
        T::parse(self.value(name)?).map_err(|_| Declined)
    }

    /// The same of an argument that holds input objects, if it passes the check of their members: the types that read
    /// them pass over what they do not know, and validation, which does not, has not seen the variables.
    fn read_checked<T: InputType>(&self, name: &str, is_known: fn(&Value) -> bool) -> Result<T, Declined> {
        let value = self.value(name)?;
        if !value.as_ref().is_none_or(is_known) {
            return Err(Declined);
        }
        T::parse(value).map_err(|_| Declined)
    }

    fn value(&self, name: &str) -> Result<Option<Value>, Declined> {
        let given = self.arguments.iter().find(|(argument, _)| argument == name).map(|(_, value)| value);
        given.map_or(Ok(None), |value| self.fill(value))
    }

    /// The text of an argument that is an id.
    pub(super) fn id(&self, name: &str) -> Result<String, Declined> {
        self.read::<ID>(name).map(|id| id.0)
    }

    /// The filter, as the log is asked with it.
    pub(super) fn filter(&self) -> Result<Filter, Declined> {
        AuditLogFilter::read(self.read_checked("filter", is_filter)?).map_err(|_| Declined)
    }

    /// The entry to record.
    pub(super) fn entry(&self) -> Result<NewEntry, Declined> {
        self.read_checked::<CreateAuditLogInput>("input", is_entry).map(NewEntry::from)
    }

    /// The entries to record.
    pub(super) fn entries(&self) -> Result<Vec<NewEntry>, Declined> {
        let inputs = self.read_checked::<Vec<CreateAuditLogInput>>("inputs", is_entry)?;
        Ok(inputs.into_iter().map(NewEntry::from).collect())
    }

    /// The arguments of a connection.
    pub(super) fn page(&self) -> Result<PageRequest, Declined> {
        let (after, before): (Option<String>, Option<String>) = (self.read("after")?, self.read("before")?);
        let (first, last, offset) = (self.read("first")?, self.read("last")?, self.read("offset")?);
        PageRequest::new(first, after.as_deref(), last, before.as_deref(), offset).map_err(|_| Declined)
    }

    /// The value with those of the variables in it; none for a variable that is not given. A member of an object is then
    /// not given either.
    fn fill(&self, value: &Value) -> Result<Option<Value>, Declined> {
        Ok(Some(match value {
            Value::Enum(name) => match marked(name) {
                Some(variable) => return self.variable(variable),
                None => value.clone(),
            },
            Value::List(items) => {
                let item = |item| Ok(self.fill(item)?.unwrap_or_default());
                Value::List(items.iter().map(item).collect::<Result<_, Declined>>()?)
            }
            Value::Object(members) => {
                let member = |(name, value): (&Name, &Value)| {
                    self.fill(value).map(|value| Some((name.clone(), value?))).transpose()
                };
                Value::Object(members.iter().filter_map(member).collect::<Result<_, Declined>>()?)
            }
            other => other.clone(),
        }))
    }

    fn variable(&self, name: &str) -> Result<Option<Value>, Declined> {
        let Variable { nullable, default, .. } =
            self.plan.variables.iter().find(|variable| variable.name == name).ok_or(Declined)?;
        match (self.variables.get(name), default) {
            (Some(Value::Null), _) if !nullable => Err(Declined),
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(default)) => Ok(Some(default.clone())),
            (None, None) if *nullable => Ok(None),
            (None, None) => Err(Declined),
        }
    }
}

/// Whether a value holds no member that filters have not.
fn is_filter(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().all(is_filter),
        Value::Object(members) => {
            members.iter().all(|(name, value)| FILTER_FIELDS.contains(&name.as_str()) && is_filter(value))
        }
        _ => true,
    }
}

/// Whether a value, or each of several, has no member that entries have not. What stands below are images.
fn is_entry(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().all(is_entry),
        Value::Object(members) => members.keys().all(|name| INPUT_FIELDS.contains(&name.as_str())),
        _ => true,
    }
}
