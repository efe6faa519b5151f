//! Reading and writing rows of the user's tables. The statements are the databases' own; what they mean is not.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement};

use crate::audit::{Error, Result};
use crate::capture::{Column, Reference, Table};
use crate::store::{Kind, failed};

use super::{postgres, sqlite};
use afterimage_entity::text::Text;

/// A column and a value for it, as an image writes it.
pub(super) type Assignment<'a> = (&'a Column, &'a str);

/// The statements of one database. A row is found by its record id, as the log writes it.
pub(super) trait Dml: Send + Sync {
    /// What must be said before rows are touched, so that values read as the log writes them.
    fn prepare(&self) -> &'static [&'static str];
    /// The values of these columns, as an image writes them; locks the row, and fails at once where another holds it.
    fn read(&self, table: &Table, columns: &[&Column], record_id: &str) -> Statement;
    /// Whether the value, as it was read, is the value that was written, to the last byte.
    fn is_exact(&self, value: &str) -> bool;
    /// Sets columns of a row.
    fn update(&self, table: &Table, values: &[Assignment<'_>], record_id: &str) -> Statement;
    /// Deletes a row.
    fn delete(&self, table: &Table, record_id: &str) -> Statement;
    /// Deletes rows that refer to each other in a circle, all at once; none where they may as well go one by one.
    fn delete_together(&self, rows: &[(&Table, &str)]) -> Option<Statement>;
    /// Inserts a row.
    fn insert(&self, table: &Table, values: &[Assignment<'_>]) -> Statement;
    /// The record ids of the rows that point at a row by this foreign key; at most `limit` of them. Locks them.
    fn children(
        &self,
        reference: &Reference,
        child: &Table,
        parent: &Table,
        record_id: &str,
        limit: usize,
    ) -> Statement;
    /// Whether any row of a table that is not described points at the row.
    fn is_referenced(&self, reference: &Reference, parent: &Table, record_id: &str) -> Statement;
    /// The foreign keys of the table: number, parent's name, column, and the parent's column. None where the database
    /// itself says which parent is missing.
    fn foreign_keys(&self, table: &Table) -> Option<Statement>;
    /// Finds the row where it refers to no row of the parent by these columns.
    fn dangling(&self, table: &Table, parent: &str, columns: &[(String, String)], record_id: &str) -> Statement;
    /// The id of the present transaction, as the log gives it.
    fn transaction_id(&self) -> &'static str;
    /// Lets constraints speak up now that would otherwise speak up at the commit.
    fn check_constraints(&self) -> Option<&'static str>;
    /// What a refusal of the database means to the one who asked for the undo; none where it is no refusal.
    fn refusal(&self, error: &DbErr) -> Option<Error>;
}

/// The user's rows, within one transaction.
pub(super) struct Rows<'a> {
    pub(super) transaction: &'a DatabaseTransaction,
    dml: &'static dyn Dml,
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
        Ok(Rows { transaction, dml })
    }

    /// The values of these columns, locked; none where there is no such row.
    pub(super) async fn read(
        &self,
        table: &Table,
        columns: &[&Column],
        record_id: &str,
    ) -> Result<Option<Vec<String>>> {
        let statement = self.dml.read(table, columns, record_id);
        let Some(row) = self.transaction.query_one_raw(statement).await.map_err(|error| self.refused(error))? else {
            return Ok(None);
        };
        let values = (0..columns.len()).map(|place| row.try_get_by_index::<Text>(place).map(String::from));
        values.collect::<Result<Vec<String>, _>>().map(Some).map_err(failed)
    }

    /// Whether the value, as it was read, is the value that was written, to the last byte.
    pub(super) fn is_exact(&self, value: &str) -> bool {
        self.dml.is_exact(value)
    }

    /// Sets columns of a row; whether it was there.
    pub(super) async fn update(&self, table: &Table, values: &[Assignment<'_>], record_id: &str) -> Result<bool> {
        self.execute(self.dml.update(table, values, record_id)).await
    }

    /// Deletes rows, in this order; `cyclic` where they refer to each other in a circle. A row may be gone by the time
    /// that it is its turn: the database's own cascade comes back to where it began.
    pub(super) async fn delete(&self, rows: &[(&Table, &str)], cyclic: bool) -> Result<()> {
        let together = if cyclic { self.dml.delete_together(rows) } else { None };
        if let Some(statement) = together {
            return self.execute(statement).await.map(drop);
        }
        for (table, record_id) in rows {
            self.execute(self.dml.delete(table, record_id)).await?;
        }
        Ok(())
    }

    /// Inserts a row; whether the database took it.
    pub(super) async fn insert(&self, table: &Table, values: &[Assignment<'_>]) -> Result<bool> {
        self.execute(self.dml.insert(table, values)).await
    }

    /// The record ids of the rows that point at a row by this foreign key.
    pub(super) async fn children(
        &self,
        reference: &Reference,
        child: &Table,
        parent: &Table,
        record_id: &str,
        limit: usize,
    ) -> Result<Vec<String>> {
        let statement = self.dml.children(reference, child, parent, record_id, limit);
        let rows = self.transaction.query_all_raw(statement).await.map_err(|error| self.refused(error))?;
        rows.iter().map(|row| row.try_get_by_index(0).map_err(failed)).collect()
    }

    /// Whether a row points at the row by this foreign key, in a table of which nothing more is known.
    pub(super) async fn is_referenced(&self, reference: &Reference, parent: &Table, record_id: &str) -> Result<bool> {
        let statement = self.dml.is_referenced(reference, parent, record_id);
        let row = self.transaction.query_one_raw(statement).await.map_err(|error| self.refused(error))?;
        Ok(row.is_some())
    }

    /// A row that this one refers to by one of these columns and that is not there, in words; none where all are, or
    /// where the database would have said so.
    pub(super) async fn missing_parent(
        &self,
        table: &Table,
        set: &[&Column],
        record_id: &str,
    ) -> Result<Option<String>> {
        let Some(statement) = self.dml.foreign_keys(table) else { return Ok(None) };
        type ForeignKey = (i64, String, Vec<(String, String)>);
        let mut keys: Vec<ForeignKey> = Vec::new();
        for row in self.transaction.query_all_raw(statement).await.map_err(failed)? {
            let number: i64 = row.try_get_by_index(0).map_err(failed)?;
            let parent: String = row.try_get_by_index(1).map_err(failed)?;
            let pair = (row.try_get_by_index(2).map_err(failed)?, row.try_get_by_index(3).map_err(failed)?);
            match keys.last_mut() {
                Some((last, _, columns)) if *last == number => columns.push(pair),
                _ => keys.push((number, parent, vec![pair])),
            }
        }
        let is_set = |name: &str| set.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        keys.retain(|(_, _, columns)| columns.iter().any(|(column, _)| is_set(column)));
        for (_, parent, columns) in keys {
            let statement = self.dml.dangling(table, &parent, &columns, record_id);
            if let Some(row) = self.transaction.query_one_raw(statement).await.map_err(failed)? {
                let value: String = row.try_get_by_index(0).map_err(failed)?;
                let columns: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
                let columns = columns.join(", ");
                return Ok(Some(format!("a row of {parent:?} that is not there: its {columns:?} is {value}")));
            }
        }
        Ok(None)
    }

    /// The id of the present transaction, as the log gives it.
    pub(super) async fn transaction_id(&self) -> Result<String> {
        let statement = Statement::from_string(self.transaction.get_database_backend(), self.dml.transaction_id());
        let row = self.transaction.query_one_raw(statement).await.map_err(failed)?;
        let row = row.ok_or_else(|| Error::internal("the transaction has no id"))?;
        row.try_get_by_index(0).map_err(failed)
    }

    /// Lets every constraint speak up.
    pub(super) async fn check_constraints(&self) -> Result<()> {
        let Some(statement) = self.dml.check_constraints() else { return Ok(()) };
        self.transaction.execute_unprepared(statement).await.map(drop).map_err(|error| self.refused(error))
    }

    async fn execute(&self, statement: Statement) -> Result<bool> {
        let result = self.transaction.execute_raw(statement).await.map_err(|error| self.refused(error))?;
        Ok(result.rows_affected() > 0)
    }

    fn refused(&self, error: DbErr) -> Error {
        match self.dml.refusal(&error) {
            Some(refusal) => refusal.caused_by(error),
            None => failed(error),
        }
    }
}

/// The parts of a record id: of a single key the text itself, of a composite one the strings of its array. None where
/// it does not fit the table's key.
pub(super) fn key_parts(table: &Table, record_id: &str) -> Option<Vec<String>> {
    if table.primary_key.len() == 1 {
        return Some(vec![record_id.to_owned()]);
    }
    let parts: Vec<String> = serde_json::from_str(record_id).ok()?;
    (parts.len() == table.primary_key.len()).then_some(parts)
}
