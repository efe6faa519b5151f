//! Where steps become statements. They go through a function of the table's owner, since the triggers of the table fire
//! in them; it takes many rows at once, as JSON, out of which PostgreSQL reads each value as its column's type.

use sea_orm::{Statement, Value as Bound};

use super::{key_members, statement};
use crate::audit::{FieldChange, Json};
use crate::capture::postgres::writer;
use crate::capture::{Column, Form, Table};
use crate::undo::plan::{Change, Group, Step, Value};

/// The statements that carry the group out, each with how many rows it must touch.
pub(super) fn perform(group: &Group) -> Vec<(Statement, usize)> {
    let Some(first) = group.steps.first() else { return Vec::new() };
    // Foreign keys are looked at when a statement is done: what circles goes in one.
    let mut kinds: Vec<Vec<&Step>> = Vec::new();
    for step in &group.steps {
        match kinds.iter_mut().find(|kind| kind.first().is_some_and(|first| first.goes_with(step))) {
            Some(kind) => kind.push(step),
            None => kinds.push(vec![step]),
        }
    }
    // A row may be gone by the time that it is its turn, or bear its new key: a foreign key's action was there before.
    let table = &first.known.table;
    let itself = first.known.references.iter().any(|of| of.on_update_writes && of.child == table.name);
    let may_be_done = first.change == Change::Delete || first.becomes.is_some() || itself;
    let must = if group.circle || may_be_done { 0 } else { group.steps.len() };
    let parts: Vec<String> = kinds.iter().map(|kind| part(kind)).collect();
    let function = writer::name(table.owner.unwrap_or_default());
    // One row for each that was met, which is what the driver counts.
    let sql = format!("SELECT FROM generate_series(1, ({function}($1::text::json))[1])");
    vec![(statement(sql, vec![Bound::from(format!("[[{}]]", parts.join(",")))]), must)]
}

/// Lets deferred constraints have their say, and the triggers among them, with the rights of the table's owner.
pub(super) fn check_constraints(table: &Table) -> String {
    format!("SELECT {}('[[]]'::json)", writer::name(table.owner.unwrap_or_default()))
}

/// Steps of one kind on rows of one table, which write the same columns, as the function takes them.
fn part(steps: &[&Step]) -> String {
    let Some(first) = steps.first() else { return "{}".to_owned() };
    let table = &first.known.table;
    let columns: Vec<&Column> = first.values().iter().filter_map(|value| first.known.column(value.place)).collect();
    let (action, inserts) = match first.change {
        Change::Insert(_) => ("INSERT", true),
        Change::Update(_) => ("UPDATE", false),
        Change::Delete => ("DELETE", false),
    };
    let rows = steps.iter().filter_map(|step| {
        let mut members = if inserts { Vec::new() } else { key_members(table, &step.record_id)? };
        members.extend(values_of(step.values(), &columns));
        Some(members)
    });
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let documents: Vec<bool> = columns.iter().map(|column| column.form.is_document()).collect();
    Json::of_fields([
        ("action", Json::of_text(action).as_str()),
        ("table", table.relation.unwrap_or_default().to_string().as_str()),
        ("columns", serde_json::Value::from(names).to_string().as_str()),
        ("documents", serde_json::Value::from(documents).to_string().as_str()),
        ("rows", in_json(rows).as_str()),
    ])
    .into_string()
}

fn values_of<'a>(values: &'a [Value], columns: &'a [&Column]) -> impl Iterator<Item = (String, String)> + 'a {
    let both = values.iter().zip(columns).enumerate();
    both.map(|(number, (value, column))| (format!("v{number}"), member(column, &value.text)))
}

/// A value as a member of a row's JSON. A document goes as a text, since JSON within JSON would be read anew.
pub(super) fn member(column: &Column, value: &str) -> String {
    if !column.form.is_document() || value == "null" {
        return value.to_owned();
    }
    let document = FieldChange::of(&column.name, Some(value), None).old.map(Json::into_string).unwrap_or_default();
    Json::of_text(&document).into_string()
}

/// How the member is read out of the JSON.
pub(super) fn definition(column: &Column, number: usize) -> String {
    let type_name = if column.form.is_document() { "text" } else { &column.type_name };
    format!("v{number} {type_name}")
}

/// The value that was read.
pub(super) fn expression(column: &Column, number: usize) -> String {
    match column.form {
        Form::Document | Form::BinaryDocument => format!("source.v{number}::{}", column.type_name),
        _ => format!("source.v{number}"),
    }
}

/// An array of rows, each of these members.
pub(super) fn in_json(rows: impl Iterator<Item = Vec<(String, String)>>) -> String {
    let rows = rows.map(|members| {
        let members = members.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Json::of_fields(members).into_string()
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}
