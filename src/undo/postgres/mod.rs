//! The user's rows on PostgreSQL.

mod refusal;
mod write;

use sea_orm::{DbBackend, DbErr, Statement, Value};

use super::plan::{Group, Step};
use super::rows::Dml;
use crate::audit::{Error, Json};
use crate::capture::postgres::image::{record_id as record_id_of, value_text_anywhere};
use crate::capture::postgres::name::identifier;
use crate::capture::postgres::read::{SETTINGS, own};
use crate::capture::{Column, Reference, Table, key_parts};
use write::{definition, expression, in_json};

pub(super) struct Postgres;

/// How many rows go into one statement: their values travel as one JSON text.
const BATCH: usize = 1_000;

fn statement(sql: String, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// The members of a row's JSON by which it is found: its id, and the parts of its key. None where the id is no key of
/// this table's.
fn key_members(table: &Table, record_id: &str) -> Option<Vec<(String, String)>> {
    let parts = key_parts(table, record_id)?;
    let text = |text: &str| Json::of_text(text).into_string();
    let parts = parts.iter().enumerate().map(|(place, part)| (format!("k{place}"), text(part)));
    Some([("id".to_owned(), text(record_id))].into_iter().chain(parts).collect())
}

/// The definitions of those members.
fn key_definitions(table: &Table) -> Vec<String> {
    let parts = (0..table.primary_key.len()).map(|place| format!("k{place} text"));
    ["id text".to_owned()].into_iter().chain(parts).collect()
}

/// A row is found by the key's own type, so that its index serves, and held against the id's text.
fn is_row(table: &Table, alias: &str, source: &str) -> String {
    let parts = table.primary_key.iter().enumerate().map(|(place, key)| {
        let type_name = table.column(key).map_or("text", |column| column.type_name.as_str());
        format!("{alias}.{} = {source}.k{place}::{type_name}", identifier(key))
    });
    let mut conditions: Vec<String> = parts.collect();
    conditions.push(format!("{} = {source}.id", record_id_of(table, alias)));
    conditions.join(" AND ")
}

/// The rows of these ids, as something to join: each with its place in the order.
fn wanted(table: &Table, record_ids: &[String], values: &mut Vec<Value>) -> String {
    let rows = record_ids.iter().enumerate().filter_map(|(place, record_id)| {
        let mut members = key_members(table, record_id)?;
        members.push(("place".to_owned(), place.to_string()));
        Some(members)
    });
    values.push(in_json(rows).into());
    let mut definitions = key_definitions(table);
    definitions.push("place int".to_owned());
    format!("json_to_recordset(${}::text::json) AS wanted({})", values.len(), definitions.join(", "))
}

/// FROM of the rows `c` that point at the wanted rows `p`.
fn pointing(reference: &Reference, child: &str, parent: &Table, ids: &[String], values: &mut Vec<Value>) -> String {
    let wanted = wanted(parent, ids, values);
    let joined: Vec<String> = reference
        .columns
        .iter()
        .map(|(child, parent)| format!("c.{} = p.{}", identifier(child), identifier(parent)))
        .collect();
    format!(
        "FROM {wanted} JOIN {} AS p ON {} JOIN {child} AS c ON {}",
        own(parent),
        is_row(parent, "p", "wanted"),
        joined.join(" AND ")
    )
}

impl Dml for Postgres {
    fn prepare(&self) -> &'static [&'static str] {
        // Rows are asked for without waiting, but a key that another transaction is about to take, or a parent that it
        // is about to delete, is only met in writing: to wait there is to risk that the other one is found in a
        // deadlock. And rows that refer to each other come and go in any order as far as their constraints allow.
        &[SETTINGS, "SET LOCAL lock_timeout = '10ms'; SET CONSTRAINTS ALL DEFERRED"]
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn read(&self, table: &Table, columns: &[&Column], record_ids: &[String]) -> Statement {
        let mut values = Vec::new();
        let wanted = wanted(table, record_ids, &mut values);
        let selected: Vec<String> = [record_id_of(table, "t")]
            .into_iter()
            .chain(columns.iter().map(|column| value_text_anywhere(column, "t")))
            .collect();
        let sql = format!(
            "SELECT {} FROM {wanted} JOIN {} AS t ON {} ORDER BY wanted.place FOR UPDATE OF t NOWAIT",
            selected.join(", "),
            own(table),
            is_row(table, "t", "wanted")
        );
        statement(sql, values)
    }

    fn is_exact(&self, _value: &str) -> bool {
        true
    }

    fn perform(&self, group: &Group) -> Vec<(Statement, usize)> {
        write::perform(group)
    }

    fn children(
        &self,
        reference: &Reference,
        child: &Table,
        parent: &Table,
        record_ids: &[String],
        limit: usize,
    ) -> Statement {
        let mut values = Vec::new();
        let from = pointing(reference, &own(child), parent, record_ids, &mut values);
        let sql = format!(
            "SELECT wanted.id, {} {from} ORDER BY wanted.place, 2 LIMIT {limit} FOR UPDATE OF c NOWAIT",
            record_id_of(child, "c")
        );
        statement(sql, values)
    }

    fn is_referenced(&self, reference: &Reference, parent: &Table, record_ids: &[String]) -> Statement {
        let mut values = Vec::new();
        let from = pointing(reference, &reference.child_sql_name, parent, record_ids, &mut values);
        statement(format!("SELECT wanted.id {from} LIMIT 1"), values)
    }

    fn unique_keys(&self, table: &Table) -> Statement {
        // One that holds for some rows, or of what is computed, is none of columns.
        let sql = "SELECT i.indexrelid::text, CASE WHEN bool_or(k.other) OVER (PARTITION BY i.indexrelid) THEN '' \
                          ELSE k.name END \
                     FROM pg_catalog.pg_index i \
                     CROSS JOIN LATERAL ( \
                          SELECT key.place, a.attname::text AS name, \
                                 i.indisexclusion OR i.indpred IS NOT NULL OR a.attgenerated IS DISTINCT FROM '' AS other \
                            FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS key (number, place) \
                            LEFT JOIN pg_catalog.pg_attribute a \
                                   ON a.attrelid = i.indrelid AND a.attnum = key.number AND key.number > 0 \
                           WHERE key.place <= i.indnkeyatts) AS k \
                    WHERE i.indrelid = $1::oid AND (i.indisunique OR i.indisexclusion) \
                    ORDER BY i.indexrelid, k.place";
        statement(sql.to_owned(), vec![table.relation.into()])
    }

    fn default_of(&self, table: &Table, column: &Column) -> Statement {
        let sql = "SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d \
                    WHERE d.adrelid = $1::oid AND d.adnum = $2";
        statement(sql.to_owned(), vec![table.relation.into(), column.number.into()])
    }

    fn evaluate(&self, column: &Column, default: &str) -> Statement {
        let name = identifier(&column.name);
        let value = value_text_anywhere(column, "d");
        statement(format!("SELECT {value} FROM (SELECT ({default})::{} AS {name}) AS d", column.type_name), Vec::new())
    }

    fn fits(&self, column: &Column, value: &str) -> Option<Statement> {
        let json = in_json([vec![("v0".to_owned(), write::member(column, value))]].into_iter());
        let sql = format!(
            "SELECT count({}) FROM json_to_recordset($1::text::json) AS source({})",
            expression(column, 0),
            definition(column, 0)
        );
        Some(statement(sql, vec![json.into()]))
    }

    fn same_values(&self, step: &Step, places: &[usize]) -> Option<Statement> {
        let (table, row) = (&step.known.table, step.after.as_ref()?);
        let (mut members, mut definitions, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
        for (number, place) in places.iter().enumerate() {
            let (column, value) = (step.known.column(*place)?, row.get(*place)?.as_ref()?);
            members.push((format!("v{number}"), write::member(column, value)));
            definitions.push(definition(column, number));
            conditions.push(format!("t.{} = {}", identifier(&column.name), expression(column, number)));
        }
        let values = vec![in_json([members].into_iter()).into(), step.record_id.clone().into()];
        let id = record_id_of(table, "t");
        let sql = format!(
            "SELECT {id} FROM json_to_recordset($1::text::json) AS source({}) JOIN {} AS t ON {} WHERE {id} <> $2 LIMIT 1",
            definitions.join(", "),
            own(table),
            conditions.join(" AND ")
        );
        Some(statement(sql, values))
    }

    fn foreign_keys(&self, _table: &Table) -> Option<Statement> {
        None
    }

    fn dangling(&self, _table: &Table, _parent: &str, _columns: &[(String, String)], _record_id: &str) -> Statement {
        statement("SELECT ''::text WHERE false".to_owned(), Vec::new())
    }

    fn left_behind(
        &self,
        _reference: &Reference,
        _child: Option<&Table>,
        _parent: &Table,
        _values: &[String],
    ) -> Option<Statement> {
        None
    }

    fn transaction_id(&self) -> &'static str {
        "SELECT afterimage.current_era() || '.' || pg_current_xact_id()"
    }

    fn check_constraints(&self, table: &Table) -> Option<String> {
        Some(write::check_constraints(table))
    }

    fn refusal(&self, error: &DbErr, hidden: &[String]) -> Option<Error> {
        refusal::refusal(error, hidden)
    }
}
