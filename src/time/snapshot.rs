//! The database as of one moment, as far as one object goes: what the log says about it, and its row.

use sea_orm::{ColumnTrait, ExprTrait};

use super::object::Object;
use super::tracking::Tracking;
use crate::audit::{Code, Result};
use crate::capture::{self, Health, Hidden, TRACKED_TABLE, Table, dispatch};
use crate::store::{self, Changes, Database, ReadTransaction, Tracked, failed};
use afterimage_entity::log::Column;

/// Everything here is read as of one moment: a change that commits in between would otherwise be seen in the row and not
/// in the log.
pub(super) struct Snapshot<'a> {
    database: &'a Database,
    pub(super) transaction: ReadTransaction,
    pub(super) object: &'a Object,
    pub(super) tracked: Option<Tracked>,
}

/// The row as it is: its shown columns, and their values as images write them.
pub(super) type Row = Vec<(String, String)>;

impl<'a> Snapshot<'a> {
    pub(super) async fn take(database: &'a Database, object: &'a Object) -> Result<Snapshot<'a>> {
        let options = database.dialect.read_options();
        let transaction = database.reader.begin_with_options(options).await.map_err(failed)?;
        let tracked = store::tracked_or_paused(database.dialect, &transaction, &object.table_name).await?;
        Ok(Snapshot { database, transaction, object, tracked })
    }

    /// Ends the transaction, which has changed nothing.
    pub(super) async fn close(self) -> Result<()> {
        self.transaction.commit().await.map_err(failed)
    }

    /// What the log says about the object's states. Entries that anyone made by hand say nothing about a table whose
    /// changes are captured.
    pub(super) fn changes(&self) -> Changes<'_> {
        Changes {
            dialect: self.database.dialect,
            table_name: &self.object.table_name,
            record_id: &self.object.record_id,
            untrusted: self.tracked.is_none(),
        }
    }

    /// What the log says about the capture of the table.
    pub(super) async fn tracking(&self) -> Result<Tracking> {
        let dialect = self.database.dialect;
        let entries = store::about(dialect, TRACKED_TABLE, &[&self.object.table_name]).and(Column::Trusted.eq(true));
        Ok(Tracking::of(&store::matching(dialect, &self.transaction, entries).await?))
    }

    /// What is hidden now; of a table that is not tracked any more, what was hidden when that ended.
    pub(super) fn hidden(&self, tracking: &Tracking) -> Hidden {
        match &self.tracked {
            Some(tracked) => hidden_of(tracked),
            None => tracking.hidden_at_the_end(),
        }
    }

    /// Whether every change of the table is recorded at present.
    pub(super) async fn is_captured(&self) -> Result<bool> {
        let Some(tracked) = &self.tracked else { return Ok(false) };
        match capture::health(self.database, &self.transaction, tracked).await? {
            Health::Ok => Ok(true),
            // A row that is found by another key is not the one that the log calls so.
            Health::Outdated => {
                let table = self.table(tracked).await?;
                Ok(table.is_none_or(|table| table.primary_key == tracked.primary_key))
            }
            Health::Missing | Health::Disabled => Ok(false),
        }
    }

    /// The table as it is; none where it is gone, or what bears its name is none that could be tracked.
    async fn table(&self, tracked: &Tracked) -> Result<Option<Table>> {
        match dispatch::describe(self.database.kind, &self.transaction, &tracked.table_name).await {
            Err(error) if matches!(error.code(), Code::NotFound | Code::BadUserInput) => Ok(None),
            table => table.map(Some),
        }
    }

    /// The row, where the table is tracked and has it.
    pub(super) async fn row(&self) -> Result<Option<Row>> {
        let Some(tracked) = &self.tracked else { return Ok(None) };
        let Some(table) = self.table(tracked).await? else { return Ok(None) };
        let columns = shown(tracked, &table);
        let columns: Vec<_> = table.columns.iter().filter(|column| columns.contains(&column.name.as_str())).collect();
        let id = &self.object.record_id;
        let values = dispatch::read_row(self.database.kind, &self.transaction, &table, &columns, id).await?;
        let named = |values: Vec<String>| columns.iter().map(|column| column.name.clone()).zip(values).collect();
        Ok(values.map(named))
    }
}

fn hidden_of(tracked: &Tracked) -> Hidden {
    Hidden { redacted: tracked.redacted_columns.clone(), ignored: tracked.ignored_columns.clone() }
}

/// The columns that may be shown.
fn shown<'a>(tracked: &Tracked, table: &'a Table) -> Vec<&'a str> {
    let hidden = capture::hidden(table, tracked);
    let names = table.columns.iter().map(|column| column.name.as_str());
    names.filter(|name| !hidden.is_redacted(name) && !hidden.is_ignored(name)).collect()
}
