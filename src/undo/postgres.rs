//! The user's rows on PostgreSQL.

use sea_orm::{DbBackend, DbErr, RuntimeErr, Statement, Value};
use sqlx::postgres::PgDatabaseError;

use super::rows::{Assignment, Dml, key_parts};
use crate::audit::{Error, Json};
use crate::capture::postgres::image::{record_id as record_id_of, value_text_anywhere};
use crate::capture::postgres::name::identifier;
use crate::capture::{Column, Form, Reference, Table};

pub(super) struct Postgres;

fn statement(sql: String, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// The table's own rows: those of tables that inherit from it are theirs.
fn own(table: &Table) -> String {
    if table.partitioned { table.sql_name.clone() } else { format!("ONLY {}", table.sql_name) }
}

/// The row of this id: found by the key's own type, so that its index serves, and held against the id's text.
fn is_row(table: &Table, alias: &str, record_id: &str, values: &mut Vec<Value>) -> String {
    let Some(parts) = key_parts(table, record_id) else { return "false".to_owned() };
    let mut conditions = Vec::new();
    for (key, part) in table.primary_key.iter().zip(parts) {
        let type_name = table.column(key).map_or("text", |column| column.type_name.as_str());
        values.push(part.into());
        conditions.push(format!("{alias}.{} = ${}::text::{type_name}", identifier(key), values.len()));
    }
    values.push(record_id.into());
    conditions.push(format!("{} = ${}", record_id_of(table, alias), values.len()));
    conditions.join(" AND ")
}

/// Values as their columns' types: a record that PostgreSQL reads out of JSON, and beside it the documents as their own
/// text, since JSON within JSON would be read anew.
struct Source {
    from: String,
    expressions: Vec<String>,
}

fn source(assignments: &[Assignment<'_>], values: &mut Vec<Value>) -> Source {
    let mut record = Vec::new();
    let mut definitions = Vec::new();
    let mut expressions = Vec::new();
    for (column, value) in assignments {
        let name = identifier(&column.name);
        if column.form == Form::Document {
            let text = crate::audit::FieldChange::of(&column.name, Some(value), None);
            let document = match *value {
                "null" => None,
                _ => text.old.map(Json::into_string),
            };
            values.push(document.into());
            expressions.push(format!("(${}::text)::{}", values.len(), column.type_name));
        } else {
            record.push((column.name.as_str(), *value));
            definitions.push(format!("{name} {}", column.type_name));
            expressions.push(format!("source.{name}"));
        }
    }
    let from = match definitions.is_empty() {
        true => "(SELECT 1) AS source".to_owned(),
        false => {
            values.push(Json::of_fields(record).into_string().into());
            format!("json_to_record(${}::text::json) AS source({})", values.len(), definitions.join(", "))
        }
    };
    Source { from, expressions }
}

impl Dml for Postgres {
    fn prepare(&self) -> &'static [&'static str] {
        // What capture pins for its functions. And rows that a policy hides must not be missed in silence: where the
        // role may not see all, this makes it an error. And rows are asked for without waiting, but a key that another
        // transaction is about to take, or a parent that it is about to delete, is only met in writing.
        &["SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1; \
           SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL lc_monetary = 'C'; \
           SET LOCAL row_security = off; \
           SET LOCAL lock_timeout = '200ms'"]
    }

    fn read(&self, table: &Table, columns: &[&Column], record_id: &str) -> Statement {
        let mut values = Vec::new();
        let condition = is_row(table, "t", record_id, &mut values);
        let columns: Vec<String> = columns.iter().map(|column| value_text_anywhere(column, "t")).collect();
        let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        let sql = format!("SELECT {columns} FROM {} AS t WHERE {condition} FOR UPDATE NOWAIT", own(table));
        statement(sql, values)
    }

    fn is_exact(&self, _value: &str) -> bool {
        true
    }

    fn update(&self, table: &Table, assignments: &[Assignment<'_>], record_id: &str) -> Statement {
        let mut values = Vec::new();
        let source = source(assignments, &mut values);
        let set: Vec<String> = assignments
            .iter()
            .zip(&source.expressions)
            .map(|((column, _), expression)| format!("{} = {expression}", identifier(&column.name)))
            .collect();
        let condition = is_row(table, "t", record_id, &mut values);
        let sql = format!("UPDATE {} AS t SET {} FROM {} WHERE {condition}", own(table), set.join(", "), source.from);
        statement(sql, values)
    }

    fn delete(&self, table: &Table, record_id: &str) -> Statement {
        let mut values = Vec::new();
        let condition = is_row(table, "t", record_id, &mut values);
        statement(format!("DELETE FROM {} AS t WHERE {condition}", own(table)), values)
    }

    fn delete_together(&self, rows: &[(&Table, &str)]) -> Option<Statement> {
        // Constraints that are not deferrable are looked at when the statement ends.
        let mut values = Vec::new();
        let mut tables: Vec<(&Table, Vec<String>)> = Vec::new();
        for (table, record_id) in rows {
            let condition = format!("({})", is_row(table, "t", record_id, &mut values));
            match tables.iter_mut().find(|(known, _)| known.name == table.name) {
                Some((_, conditions)) => conditions.push(condition),
                None => tables.push((table, vec![condition])),
            }
        }
        let deletions: Vec<String> = tables
            .iter()
            .enumerate()
            .map(|(number, (table, conditions))| {
                format!("d{number} AS (DELETE FROM {} AS t WHERE {})", own(table), conditions.join(" OR "))
            })
            .collect();
        Some(statement(format!("WITH {} SELECT 1", deletions.join(", ")), values))
    }

    fn insert(&self, table: &Table, assignments: &[Assignment<'_>]) -> Statement {
        let mut values = Vec::new();
        let source = source(assignments, &mut values);
        let columns: Vec<String> = assignments.iter().map(|(column, _)| identifier(&column.name)).collect();
        let sql = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}",
            table.sql_name,
            columns.join(", "),
            source.expressions.join(", "),
            source.from
        );
        statement(sql, values)
    }

    fn children(
        &self,
        reference: &Reference,
        child: &Table,
        parent: &Table,
        record_id: &str,
        limit: usize,
    ) -> Statement {
        let mut values = Vec::new();
        let from = pointing(reference, &own(child), parent, record_id, &mut values);
        let sql = format!("SELECT {} {from} ORDER BY 1 LIMIT {limit} FOR UPDATE OF c NOWAIT", record_id_of(child, "c"));
        statement(sql, values)
    }

    fn is_referenced(&self, reference: &Reference, parent: &Table, record_id: &str) -> Statement {
        let mut values = Vec::new();
        let from = pointing(reference, &reference.child_sql_name, parent, record_id, &mut values);
        statement(format!("SELECT 1 {from} LIMIT 1"), values)
    }

    fn foreign_keys(&self, _table: &Table) -> Option<Statement> {
        None
    }

    fn dangling(&self, _table: &Table, _parent: &str, _columns: &[(String, String)], _record_id: &str) -> Statement {
        statement("SELECT ''::text WHERE false".to_owned(), Vec::new())
    }

    fn transaction_id(&self) -> &'static str {
        "SELECT afterimage.current_era() || '.' || pg_current_xact_id()"
    }

    fn check_constraints(&self) -> Option<&'static str> {
        Some("SET CONSTRAINTS ALL IMMEDIATE")
    }

    fn refusal(&self, error: &DbErr) -> Option<Error> {
        let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
            return None;
        };
        let sqlx::Error::Database(refusal) = &**cause else { return None };
        let refusal = refusal.try_downcast_ref::<PgDatabaseError>()?;
        let (code, table) = (refusal.code(), refusal.table().unwrap_or("the table"));
        let detail = refusal.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        let constraint = refusal.constraint().unwrap_or("without a name");
        match code {
            "42501" => Some(Error::forbidden(format!(
                "the server's database role may not do this: {}; as the table's owner, GRANT USAGE on its schema and \
                 GRANT SELECT, INSERT, UPDATE, DELETE on the table to that role",
                refusal.message()
            ))),
            "23503" => {
                Some(Error::conflict(format!("the foreign key {constraint:?} of {table:?} stands in the way{detail}")))
            }
            "23505" | "23P01" => {
                Some(Error::conflict(format!("the constraint {constraint:?} of {table:?} is taken{detail}")))
            }
            "23514" => Some(Error::conflict(format!("the check {constraint:?} of {table:?} refuses the row"))),
            "23502" => Some(Error::not_undoable(format!(
                "the column {:?} of {table:?} must have a value, and the log has none for it",
                refusal.column().unwrap_or_default()
            ))),
            "428C9" => {
                Some(Error::not_undoable(format!("{table:?} lets nobody set that column: {}", refusal.message())))
            }
            // A value that the column's present type does not take, or an error that a trigger of the user's raised.
            code if !is_ours(code) => {
                Some(Error::conflict(format!("the database refuses the change: {}", refusal.message())))
            }
            _ => None,
        }
    }
}

/// Whether the error is about the server, its connection or its rights, and not about the user's data: these are the
/// classes of the standard and of PostgreSQL's that speak of such; a trigger may raise any other.
fn is_ours(code: &str) -> bool {
    ["08", "25", "28", "34", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "F0", "HV", "XX"]
        .iter()
        .any(|class| code.starts_with(class))
}

/// FROM and WHERE of the rows `c` that point at the row `p`.
fn pointing(reference: &Reference, child: &str, parent: &Table, record_id: &str, values: &mut Vec<Value>) -> String {
    let joined: Vec<String> = reference
        .columns
        .iter()
        .map(|(child, parent)| format!("c.{} = p.{}", identifier(child), identifier(parent)))
        .collect();
    let condition = is_row(parent, "p", record_id, values);
    format!("FROM {} AS c JOIN {} AS p ON {} WHERE {condition}", child, own(parent), joined.join(" AND "))
}
