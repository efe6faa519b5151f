//! Where steps become statements. A statement takes many rows at once: their ids and values travel as one JSON text, out
//! of which PostgreSQL reads each value as its column's type.

use sea_orm::{Statement, Value as Bound};

use super::{is_row, key_definitions, key_members, own, statement};
use crate::audit::{FieldChange, Json};
use crate::capture::postgres::name::identifier;
use crate::capture::{Column, Form};
use crate::undo::plan::{Change, Group, Step, Value};

/// The statements that carry the group out, each with how many rows it must touch.
pub(super) fn perform(group: &Group) -> Vec<(Statement, usize)> {
    let mut values = Vec::new();
    if !group.circle {
        // A row may be gone by the time that it is its turn: a cascade comes back to where it began.
        let deletes = group.steps.first().is_some_and(|step| step.change == Change::Delete);
        let must = if deletes { 0 } else { group.steps.len() };
        let steps: Vec<&Step> = group.steps.iter().collect();
        return vec![(statement(of_one_kind(&steps, &mut values), values), must)];
    }
    // Foreign keys are looked at when the statement is done.
    let mut kinds: Vec<Vec<&Step>> = Vec::new();
    for step in &group.steps {
        match kinds.iter_mut().find(|kind| kind.first().is_some_and(|first| first.goes_with(step))) {
            Some(kind) => kind.push(step),
            None => kinds.push(vec![step]),
        }
    }
    let parts: Vec<String> = kinds
        .iter()
        .enumerate()
        .map(|(number, kind)| format!("s{number} AS ({})", of_one_kind(kind, &mut values)))
        .collect();
    vec![(statement(format!("WITH {} SELECT 1", parts.join(", ")), values), 0)]
}

/// One statement for steps of one kind on rows of one table, which write the same columns.
fn of_one_kind(steps: &[&Step], bound: &mut Vec<Bound>) -> String {
    let Some(first) = steps.first() else { return String::new() };
    let table = &first.known.table;
    let columns: Vec<&Column> = first.values().iter().filter_map(|value| first.known.column(value.place)).collect();
    let inserts = matches!(first.change, Change::Insert(_));
    let rows = steps.iter().filter_map(|step| {
        let mut members = if inserts { Vec::new() } else { key_members(table, &step.record_id)? };
        members.extend(values_of(step.values(), &columns));
        Some(members)
    });
    bound.push(in_json(rows).into());
    let mut definitions = if inserts { Vec::new() } else { key_definitions(table) };
    definitions.extend(columns.iter().enumerate().map(|(number, column)| definition(column, number)));
    let source = format!("json_to_recordset(${}::text::json) AS source({})", bound.len(), definitions.join(", "));
    let names: Vec<String> = columns.iter().map(|column| identifier(&column.name)).collect();
    let expressions: Vec<String> =
        columns.iter().enumerate().map(|(number, column)| expression(column, number)).collect();
    match first.change {
        Change::Insert(_) => format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {source}",
            table.sql_name,
            names.join(", "),
            expressions.join(", ")
        ),
        Change::Update(_) => {
            let set = names.iter().zip(&expressions).map(|(name, expression)| format!("{name} = {expression}"));
            let set: Vec<String> = set.collect();
            format!(
                "UPDATE {} AS t SET {} FROM {source} WHERE {}",
                own(table),
                set.join(", "),
                is_row(table, "t", "source")
            )
        }
        Change::Delete => {
            format!("DELETE FROM {} AS t USING {source} WHERE {}", own(table), is_row(table, "t", "source"))
        }
    }
}

fn values_of<'a>(values: &'a [Value], columns: &'a [&Column]) -> impl Iterator<Item = (String, String)> + 'a {
    let both = values.iter().zip(columns).enumerate();
    both.map(|(number, (value, column))| (format!("v{number}"), member(column, &value.text)))
}

/// A value as a member of a row's JSON. A document goes as a text, since JSON within JSON would be read anew.
pub(super) fn member(column: &Column, value: &str) -> String {
    if column.form != Form::Document || value == "null" {
        return value.to_owned();
    }
    let document = FieldChange::of(&column.name, Some(value), None).old.map(Json::into_string).unwrap_or_default();
    Json::of_text(&document).into_string()
}

/// How the member is read out of the JSON.
pub(super) fn definition(column: &Column, number: usize) -> String {
    let type_name = if column.form == Form::Document { "text" } else { &column.type_name };
    format!("v{number} {type_name}")
}

/// The value that was read.
pub(super) fn expression(column: &Column, number: usize) -> String {
    match column.form {
        Form::Document => format!("source.v{number}::{}", column.type_name),
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
