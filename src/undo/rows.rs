//! Reading and writing rows of the user's tables. The statements are the databases' own; what they mean is not.

use std::sync::Mutex;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Statement};

use crate::audit::{Error, Result};
use crate::capture::{Column, Hidden, Reference, Table};
use crate::store::{Kind, failed};

use super::plan::{Group, Step};
use super::{postgres, sqlite};
use afterimage_entity::text::Text;

/// The statements of one database. A row is found by its record id, as the log writes it.
pub(super) trait Dml: Send + Sync {
    /// What must be said before rows are touched, so that values read as the log writes them.
    fn prepare(&self) -> &'static [&'static str];
    /// How many rows one statement is given at the most.
    fn batch(&self) -> usize;
    /// The rows of these ids, at most a batch: each its id, and the values of these columns, as an image writes them;
    /// locks them, in their order, and fails at once where another transaction holds one.
    fn read(&self, table: &Table, columns: &[&Column], record_ids: &[String]) -> Statement;
    /// Whether the value, as it was read, is the value that was written, to the last byte.
    fn is_exact(&self, value: &str) -> bool;
    /// The statements that carry a group of steps out, each with how many rows it must touch, where it must.
    fn perform(&self, group: &Group) -> Vec<(Statement, usize)>;
    /// The rows that point at one of these rows by this foreign key, at most `limit`: each the id of the row that it
    /// points at, and its own. Locks them.
    fn children(
        &self,
        reference: &Reference,
        child: &Table,
        parent: &Table,
        record_ids: &[String],
        limit: usize,
    ) -> Statement;
    /// The id of one of these rows at which a row of a table that is not described points.
    fn is_referenced(&self, reference: &Reference, parent: &Table, record_ids: &[String]) -> Statement;
    /// The unique keys of a table: each row a key's name and one of its columns, together and in order; no column's name
    /// where it is not one of columns alone, or does not hold for all rows.
    fn unique_keys(&self, table: &Table) -> Statement;
    /// The SQL of a column's default; no row, or null, where it has none.
    fn default_of(&self, table: &Table, column: &Column) -> Statement;
    /// What that SQL stands for, as an image writes it.
    fn evaluate(&self, column: &Column, default: &str) -> Statement;
    /// A query that fails where the column's type does not take the value; none where each takes any.
    fn fits(&self, column: &Column, value: &str) -> Option<Statement>;
    /// The ids of other rows that have the step's values in these columns.
    fn same_values(&self, step: &Step, places: &[usize]) -> Option<Statement>;
    /// The foreign keys of the table: number, parent's name, column, and the parent's column. None where the database
    /// itself says which parent is missing.
    fn foreign_keys(&self, table: &Table) -> Option<Statement>;
    /// Finds the row where it refers to no row of the parent by these columns: their values, for a message.
    fn dangling(&self, table: &Table, parent: &str, columns: &[(String, String)], record_id: &str) -> Statement;
    /// Finds a row that refers to these values of the parent, as an image writes them, where no row has them: the columns'
    /// values, for a message, and its id, where its table is described. None where the database itself says so.
    fn left_behind(
        &self,
        reference: &Reference,
        child: Option<&Table>,
        parent: &Table,
        values: &[String],
    ) -> Option<Statement>;
    /// The id of the present transaction, as the log gives it.
    fn transaction_id(&self) -> &'static str;
    /// Lets constraints speak up now that would otherwise speak up at the commit, after a change of this table.
    fn check_constraints(&self, table: &Table) -> Option<String>;
    /// What a refusal of the database means to the one who asked for the undo; none where it is no refusal. The values of
    /// these columns are not told.
    fn refusal(&self, error: &DbErr, hidden: &[String]) -> Option<Error>;
}

/// The user's rows, within one transaction.
pub(super) struct Rows<'a> {
    pub(super) transaction: &'a DatabaseTransaction,
    pub(super) dml: &'static dyn Dml,
    /// The columns of all tables met so far that no message may show.
    hidden: Mutex<Vec<String>>,
}

impl<'a> Rows<'a> {
    /// Ready for reading and writing.
    pub(super) async fn open(kind: Kind, transaction: &'a DatabaseTransaction) -> Result<Rows<'a>> {
        let dml: &'static dyn Dml = match kind {
            Kind::Postgres => &postgres::Postgres,
            Kind::Sqlite => &sqlite::Sqlite,
        };
        for statement in dml.prepare() {
            transaction.execute_unprepared(statement).await.map_err(failed)?;
        }
        Ok(Rows { transaction, dml, hidden: Mutex::default() })
    }

    /// From here on no message shows the values of these columns.
    pub(super) fn hide(&self, hidden: &Hidden) {
        if let Ok(mut columns) = self.hidden.lock() {
            columns.extend(hidden.redacted.iter().chain(&hidden.ignored).cloned());
        }
    }

    /// The rows of these ids that there are, locked: each its id, and the values of these columns.
    pub(super) async fn read(
        &self,
        table: &Table,
        columns: &[&Column],
        record_ids: &[String],
    ) -> Result<Vec<(String, Vec<String>)>> {
        let mut found = Vec::with_capacity(record_ids.len());
        for some in record_ids.chunks(self.dml.batch()) {
            let read = self.query(self.dml.read(table, columns, some)).await;
            for row in read.map_err(|error| error.held(&rows_of(table, some)))? {
                let value = |place| row.try_get_by_index::<Text>(place).map(String::from);
                let values = (1..=columns.len()).map(value).collect::<Result<Vec<String>, _>>().map_err(failed)?;
                found.push((value(0).map_err(failed)?, values));
            }
        }
        Ok(found)
    }

    /// Whether the value, as it was read, is the value that was written, to the last byte.
    pub(super) fn is_exact(&self, value: &str) -> bool {
        self.dml.is_exact(value)
    }

    /// Carries a group of steps out.
    pub(super) async fn perform(&self, group: &Group) -> Result<()> {
        for (statement, rows) in self.dml.perform(group) {
            let done = self.transaction.execute_raw(statement).await.map_err(|error| self.refused(error));
            let result = done.map_err(|error| error.held(&what_is_written(group)))?;
            if result.rows_affected() < rows as u64 {
                return Err(prevented(group));
            }
        }
        Ok(())
    }

    /// The rows that point at one of these rows by this foreign key: each the row that it points at, and itself.
    pub(super) async fn children(
        &self,
        reference: &Reference,
        child: &Table,
        parent: &Table,
        record_ids: &[String],
        limit: usize,
    ) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        for some in record_ids.chunks(self.dml.batch()) {
            let found_here = self.query(self.dml.children(reference, child, parent, some, limit)).await;
            let of = format!("a row of {:?} that refers to {}", child.name, rows_of(parent, some));
            for row in found_here.map_err(|error| error.held(&of))? {
                found.push((text(&row, 0)?, text(&row, 1)?));
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// The id of one of these rows at which a row points by this foreign key, in a table of which nothing more is known.
    pub(super) async fn is_referenced(
        &self,
        reference: &Reference,
        parent: &Table,
        record_ids: &[String],
    ) -> Result<Option<String>> {
        for some in record_ids.chunks(self.dml.batch()) {
            if let Some(row) = self.query(self.dml.is_referenced(reference, parent, some)).await?.first() {
                return text(row, 0).map(Some);
            }
        }
        Ok(None)
    }

    /// The unique keys of a table, each the names of its columns; empty ones where it is not one of columns alone.
    pub(super) async fn unique_keys(&self, table: &Table) -> Result<Vec<Vec<String>>> {
        let mut keys: Vec<(String, Vec<String>)> = Vec::new();
        for row in self.query(self.dml.unique_keys(table)).await? {
            let (name, column) = (text(&row, 0)?, text(&row, 1)?);
            match keys.last_mut() {
                Some((last, columns)) if *last == name => columns.push(column),
                _ => keys.push((name, vec![column])),
            }
        }
        Ok(keys.into_iter().map(|(_, columns)| columns).collect())
    }

    /// The value that a column has where none is given, as an image writes it; none where a function gives it.
    pub(super) async fn default_of(&self, table: &Table, column: &Column) -> Result<Option<String>> {
        let found = self.query(self.dml.default_of(table, column)).await?;
        let default: Option<String> = match found.first() {
            Some(row) => row.try_get_by_index(0).map_err(failed)?,
            None => None,
        };
        let Some(default) = default else { return Ok(Some("null".to_owned())) };
        // Asked for, a sequence goes on, and so may anything of the user's.
        if CALLS.iter().any(|call| default.to_ascii_lowercase().contains(call)) || is_call(&default) {
            return Ok(None);
        }
        let row = self.query(self.dml.evaluate(column, &default)).await?;
        row.first().map(|row| text(row, 0)).transpose()
    }

    /// The id of the present transaction, as the log gives it.
    pub(super) async fn transaction_id(&self) -> Result<String> {
        let statement = Statement::from_string(self.transaction.get_database_backend(), self.dml.transaction_id());
        let rows = self.query(statement).await?;
        text(rows.first().ok_or_else(|| Error::internal("the transaction has no id"))?, 0)
    }

    /// Lets every constraint speak up, after a change of this table.
    pub(super) async fn check_constraints(&self, table: &Table) -> Result<()> {
        let Some(statement) = self.dml.check_constraints(table) else { return Ok(()) };
        self.transaction.execute_unprepared(&statement).await.map(drop).map_err(|error| self.refused(error))
    }

    /// A statement of the transaction's own.
    pub(super) async fn say(&self, statement: &str) -> Result<()> {
        self.transaction.execute_unprepared(statement).await.map(drop).map_err(failed)
    }

    pub(super) async fn query(&self, statement: Statement) -> Result<Vec<QueryResult>> {
        self.transaction.query_all_raw(statement).await.map_err(|error| self.refused(error))
    }

    /// Whether no message may show the values of one of these columns.
    pub(super) fn is_hidden(&self, names: &[&str]) -> bool {
        self.hidden.lock().is_ok_and(|hidden| hidden.iter().any(|column| names.contains(&column.as_str())))
    }

    fn refused(&self, error: DbErr) -> Error {
        let hidden = self.hidden.lock().map(|hidden| hidden.clone()).unwrap_or_default();
        match self.dml.refusal(&error, &hidden) {
            Some(refusal) => refusal.caused_by(error),
            None => failed(error),
        }
    }
}

/// What asks for the time without looking like a call.
const CALLS: [&str; 5] = ["current_", "localtime", "session_user", "user", "system_user"];

/// Whether the SQL may call a function: a name stands before a bracket.
fn is_call(sql: &str) -> bool {
    sql.match_indices('(').any(|(place, _)| {
        let before = sql[..place].trim_end();
        before.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | '"' | '$'))
    })
}

pub(super) fn text(row: &QueryResult, place: usize) -> Result<String> {
    row.try_get_by_index::<Text>(place).map(String::from).map_err(failed)
}

/// Rows in words: which one, where it is one.
fn rows_of(table: &Table, record_ids: &[String]) -> String {
    match record_ids {
        [record_id] => format!("the row {:?} {record_id:?}", table.name),
        [first, ..] => format!("one of {} rows of {:?}, of which {first:?} is the first", record_ids.len(), table.name),
        [] => format!("{:?}", table.name),
    }
}

/// What a group writes, in words: others may hold the rows, those that they refer to, or keys that they take.
fn what_is_written(group: &Group) -> String {
    let record_ids: Vec<String> = group.steps.iter().map(|step| step.end().to_owned()).collect();
    match group.steps.first() {
        Some(step) => format!("{}, its key, or what it refers to", rows_of(&step.known.table, &record_ids)),
        None => "the rows".to_owned(),
    }
}

/// What it means that fewer rows changed than should have.
fn prevented(group: &Group) -> Error {
    let Some(step) = group.steps.first() else { return Error::internal("an empty group") };
    let table = &step.known.table.name;
    let what = if step.before.is_none() { "inserted" } else { "changed" };
    Error::conflict(match group.steps.len() {
        1 => format!(
            "the row {table:?} {:?} was not {what}: a trigger or a rule of the table prevents it",
            step.record_id
        ),
        count => {
            format!("of {count} rows of {table:?} not all were {what}: a trigger or a rule of the table prevents it")
        }
    })
}
