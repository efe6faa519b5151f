//! The user's rows on SQLite.

mod refusal;
mod write;

use sea_orm::{DbBackend, DbErr, Statement, Value};

use super::plan::{Group, Step};
use super::rows::Dml;
use crate::audit::Error;
use crate::capture::sqlite::read::is_row;
use crate::capture::sqlite::{catalogued, identifier, record_id_of, value_of};
use crate::capture::{Column, Reference, Table};

pub(super) struct Sqlite;

fn statement(sql: String, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

/// The row of the one id that there is: a batch holds no more.
fn is_one_of(table: &Table, alias: &str, record_ids: &[String], values: &mut Vec<Value>) -> String {
    record_ids.first().map_or_else(|| "FALSE".to_owned(), |record_id| is_row(table, alias, record_id, values))
}

impl Dml for Sqlite {
    fn prepare(&self) -> &'static [&'static str] {
        // Rows that refer to each other go one by one, and only what is left at the end counts.
        &["PRAGMA defer_foreign_keys = ON"]
    }

    fn batch(&self) -> usize {
        // Nothing lies between the server and the file: one row a statement, which is prepared once.
        1
    }

    fn read(&self, table: &Table, columns: &[&Column], record_ids: &[String]) -> Statement {
        let mut values = Vec::new();
        let condition = is_one_of(table, "t", record_ids, &mut values);
        let columns: Vec<String> =
            [record_id_of(table, "t")].into_iter().chain(columns.iter().map(|column| value_of(column, "t"))).collect();
        statement(format!("SELECT {} FROM {} AS t WHERE {condition}", columns.join(", "), table.sql_name), values)
    }

    fn is_exact(&self, value: &str) -> bool {
        // What was no UTF-8 is read with this character in its place.
        !value.contains(char::REPLACEMENT_CHARACTER)
    }

    fn perform(&self, group: &Group) -> Vec<(Statement, usize)> {
        group.steps.iter().map(write::perform).collect()
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
        let from = pointing(reference, parent, record_ids, &mut values);
        let (parent, child) = (record_id_of(parent, "p"), record_id_of(child, "c"));
        statement(format!("SELECT {parent}, {child} {from} ORDER BY 2 LIMIT {limit}"), values)
    }

    fn is_referenced(&self, reference: &Reference, parent: &Table, record_ids: &[String]) -> Statement {
        let mut values = Vec::new();
        let from = pointing(reference, parent, record_ids, &mut values);
        statement(format!("SELECT {} {from} LIMIT 1", record_id_of(parent, "p")), values)
    }

    fn unique_keys(&self, table: &Table) -> Statement {
        // A partial index is no key; of an expression there is no column.
        let sql = "SELECT i.name, x.name FROM pragma_index_list(?, 'main') AS i \
                   JOIN pragma_index_info(i.name, 'main') AS x \
                   WHERE i.\"unique\" AND NOT i.partial \
                   AND NOT EXISTS (SELECT 1 FROM pragma_index_info(i.name, 'main') AS e WHERE e.name IS NULL) \
                   UNION ALL SELECT '', name FROM (SELECT name FROM pragma_table_info(?, 'main') WHERE pk > 0 ORDER BY pk)";
        let name = catalogued(&table.name);
        statement(sql.to_owned(), vec![name.clone().into(), name.into()])
    }

    fn default_of(&self, table: &Table, column: &Column) -> Statement {
        let sql = "SELECT dflt_value FROM pragma_table_xinfo(?, 'main') WHERE cid = ?";
        statement(sql.to_owned(), vec![catalogued(&table.name).into(), column.number.into()])
    }

    fn evaluate(&self, column: &Column, default: &str) -> Statement {
        let value = value_of(column, "d");
        statement(format!("SELECT {value} FROM (SELECT ({default}) AS {}) AS d", identifier(&column.name)), Vec::new())
    }

    fn fits(&self, _column: &Column, _value: &str) -> Option<Statement> {
        None
    }

    fn same_values(&self, step: &Step, places: &[usize]) -> Option<Statement> {
        let (table, row) = (&step.known.table, step.after.as_ref()?);
        let (mut values, mut conditions) = (Vec::new(), Vec::new());
        for place in places {
            let (column, image) = (step.known.column(*place)?, row.get(*place)?.as_ref()?);
            values.push(write::value(image));
            conditions.push(format!("t.{} = {}", identifier(&column.name), write::place(image)));
        }
        values.push(step.record_id.clone().into());
        let (id, conditions) = (record_id_of(table, "t"), conditions.join(" AND "));
        let sql = format!("SELECT {id} FROM {} AS t WHERE {conditions} AND {id} <> ? LIMIT 1", table.sql_name);
        Some(statement(sql, values))
    }

    fn foreign_keys(&self, table: &Table) -> Option<Statement> {
        // A clause that names no column of the parent means its key.
        let sql = "SELECT f.id, f.\"table\", f.\"from\", coalesce(f.\"to\", \
                   (SELECT name FROM pragma_table_info(f.\"table\", 'main') WHERE pk = f.seq + 1)) \
                   FROM pragma_foreign_key_list(?, 'main') AS f ORDER BY f.id, f.seq";
        Some(statement(sql.to_owned(), vec![catalogued(&table.name).into()]))
    }

    fn dangling(&self, table: &Table, parent: &str, columns: &[(String, String)], record_id: &str) -> Statement {
        let mut values = Vec::new();
        let list = |text: fn(&(String, String)) -> String, between: &str| {
            columns.iter().map(text).collect::<Vec<_>>().join(between)
        };
        let shown = list(|(from, _)| format!("quote(t.{})", identifier(from)), " || ', ' || ");
        let given = list(|(from, _)| format!("t.{} IS NOT NULL", identifier(from)), " AND ");
        let same = list(|(from, to)| format!("p.{} = t.{}", identifier(to), identifier(from)), " AND ");
        let condition = is_row(table, "t", record_id, &mut values);
        let sql = format!(
            "SELECT {shown} FROM {} AS t WHERE {condition} AND {given} \
             AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {same})",
            table.sql_name,
            identifier(parent)
        );
        statement(sql, values)
    }

    fn left_behind(
        &self,
        reference: &Reference,
        child: Option<&Table>,
        parent: &Table,
        values: &[String],
    ) -> Option<Statement> {
        let columns = || reference.columns.iter().enumerate();
        let list = |texts: Vec<String>, between: &str| texts.join(between);
        // The values are compared as those of the parent's columns are: the first half, which is empty, says how, unless
        // the second may be of another class.
        let like = columns().map(|(place, (_, to))| format!("{} AS v{place}", identifier(to))).collect();
        let places = values.iter().map(|image| write::place_of_class(image).to_owned()).collect();
        let referring = columns().map(|(place, (from, _))| format!("gone.v{place} = c.{}", identifier(from))).collect();
        let same = columns().map(|(_, (from, to))| format!("p.{} = c.{}", identifier(to), identifier(from))).collect();
        let shown = columns().map(|(_, (from, _))| format!("quote(c.{})", identifier(from))).collect();
        let sql = format!(
            "SELECT {}, {} FROM (SELECT {} FROM {parent} WHERE 0 UNION ALL SELECT {}) AS gone \
             JOIN {} AS c ON {} WHERE NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {}) LIMIT 1",
            list(shown, " || ', ' || "),
            child.map_or_else(|| "NULL".to_owned(), |child| record_id_of(child, "c")),
            list(like, ", "),
            list(places, ", "),
            reference.child_sql_name,
            list(referring, " AND "),
            list(same, " AND "),
            parent = parent.sql_name,
        );
        Some(statement(sql, values.iter().map(|image| write::value(image)).collect()))
    }

    fn transaction_id(&self) -> &'static str {
        "SELECT 's' || max(id) FROM afterimage_server_context"
    }

    fn check_constraints(&self, _table: &Table) -> Option<String> {
        None
    }

    fn refusal(&self, error: &DbErr, _hidden: &[String]) -> Option<Error> {
        refusal::refusal(error)
    }
}

/// FROM and WHERE of the rows `c` that point at the row `p`.
fn pointing(reference: &Reference, parent: &Table, record_ids: &[String], values: &mut Vec<Value>) -> String {
    let joined: Vec<String> = reference
        .columns
        .iter()
        .map(|(child, parent)| format!("p.{} = c.{}", identifier(parent), identifier(child)))
        .collect();
    let condition = is_one_of(parent, "p", record_ids, values);
    format!(
        "FROM {} AS p JOIN {} AS c ON {} WHERE {condition}",
        parent.sql_name,
        reference.child_sql_name,
        joined.join(" AND ")
    )
}
