//! The arguments of a plan's fields, from the variables of a request.

use async_graphql::{ID, InputType, Name, Value, Variables};

use super::fields::{Arguments, Plan, Variable, marked};
use crate::audit::{Filter, PageRequest, Result};
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
        let given = self.arguments.iter().find(|(argument, _)| argument == name).map(|(_, value)| value);
        let value = given.map(|value| self.fill(value)).transpose()?;
        T::parse(value).map_err(|_| Declined)
    }

    /// The text of an argument that is an id.
    pub(super) fn id(&self, name: &str) -> Result<String, Declined> {
        self.read::<ID>(name).map(|id| id.0)
    }

    /// The filter, as the log is asked with it.
    pub(super) fn filter(&self) -> Result<Filter, Declined> {
        AuditLogFilter::read(self.read("filter")?).map_err(|_| Declined)
    }

    /// The arguments of a connection.
    pub(super) fn page(&self) -> Result<PageRequest, Declined> {
        let (after, before): (Option<String>, Option<String>) = (self.read("after")?, self.read("before")?);
        let (first, last, offset) = (self.read("first")?, self.read("last")?, self.read("offset")?);
        PageRequest::new(first, after.as_deref(), last, before.as_deref(), offset).map_err(|_| Declined)
    }

    fn fill(&self, value: &Value) -> Result<Value, Declined> {
        Ok(match value {
            Value::Enum(name) => match marked(name) {
                Some(variable) => self.variable(variable)?,
                None => value.clone(),
            },
            Value::List(items) => Value::List(items.iter().map(|item| self.fill(item)).collect::<Result<_, _>>()?),
            Value::Object(members) => {
                let member = |(name, value): (&Name, &Value)| Ok((name.clone(), self.fill(value)?));
                Value::Object(members.iter().map(member).collect::<Result<_, Declined>>()?)
            }
            other => other.clone(),
        })
    }

    fn variable(&self, name: &str) -> Result<Value, Declined> {
        let Variable { nullable, default, .. } =
            self.plan.variables.iter().find(|variable| variable.name == name).ok_or(Declined)?;
        match (self.variables.get(name), default) {
            (Some(Value::Null), _) if !nullable => Err(Declined),
            (Some(value), _) if is_known(value) => Ok(value.clone()),
            (Some(_), _) => Err(Declined),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) if *nullable => Ok(Value::Null),
            (None, None) => Err(Declined),
        }
    }
}

/// Whether a value holds no member that filters, the only input objects among the arguments of plans, have not: the
/// types that read them pass over what they do not know, and validation, which does not, has not seen this value.
fn is_known(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().all(is_known),
        Value::Object(members) => {
            members.iter().all(|(name, value)| FILTER_FIELDS.contains(&name.as_str()) && is_known(value))
        }
        _ => true,
    }
}
