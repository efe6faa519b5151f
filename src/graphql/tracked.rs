//! Tracked tables as clients see them.

use async_graphql::{InputObject, Object, SimpleObject};

use super::enums::CaptureHealth;
use super::scalars::{DateTime, Long};
use crate::capture::Report;

/// A tracked table, and how its triggers are.
pub struct TrackedTable(pub(super) Report);

/// A table whose changes are captured.
#[Object]
impl TrackedTable {
    /// The table's name; qualified with its schema where that is not the default one.
    async fn table_name(&self) -> &str {
        &self.0.tracked.table_name
    }

    /// The columns of its primary key, in key order.
    async fn primary_key(&self) -> &[String] {
        &self.0.tracked.primary_key
    }

    /// Its columns, in table order.
    async fn columns(&self) -> &[String] {
        &self.0.tracked.columns
    }

    /// Columns whose values are never recorded, only that they changed; those that were renamed under their former names
    /// too.
    async fn redacted_columns(&self) -> &[String] {
        &self.0.tracked.redacted_columns
    }

    /// Columns that are not captured at all; those that were renamed under their former names too.
    async fn ignored_columns(&self) -> &[String] {
        &self.0.tracked.ignored_columns
    }

    /// Since when its changes are captured.
    async fn tracked_since(&self) -> DateTime {
        DateTime(self.0.tracked.tracked_since)
    }

    /// Whether writes to it that carry no user are refused.
    async fn requires_user(&self) -> bool {
        self.0.tracked.requires_user
    }

    /// Since when its capture is paused, for a migration; null while it is not. A table that is paused has the health
    /// MISSING, and `trackTable` resumes it.
    async fn paused_since(&self) -> Option<DateTime> {
        self.0.tracked.paused_since.map(DateTime)
    }

    /// Whether the triggers in the database are those that this server would install today.
    async fn health(&self) -> CaptureHealth {
        self.0.health.into()
    }
}

/// A table to capture, and what to leave out.
#[derive(InputObject)]
pub struct TrackTableInput {
    /// The table, as the database's catalogue spells it; qualified with its schema where that is not the default one.
    pub(super) table_name: String,
    /// Columns whose values are never recorded, only that they changed.
    pub(super) redacted_columns: Option<Vec<String>>,
    /// Columns that are not captured at all.
    pub(super) ignored_columns: Option<Vec<String>>,
    /// Whether writes that carry no user are refused: with a user id in the context, as the README shows it, they go
    /// through. Stays as it is where it is not given.
    pub(super) require_user: Option<bool>,
    /// Record the rows that are there already, each as one entry: a READ whose `newValues` is the whole row, and whose
    /// metadata is `{"baseline": true}`, in the same transaction, so that it is exactly the rows before the first change
    /// that is captured. Given again, it records them again. On a large table use the command `afterimage track
    /// --baseline`, which no request's time limits.
    pub(super) baseline: Option<bool>,
}

/// The table as it is tracked now.
#[derive(SimpleObject)]
pub struct TrackTablePayload {
    /// The table.
    pub(super) tracked_table: TrackedTable,
    /// How many rows were recorded as they are; null where `baseline` was not asked for.
    pub(super) baseline_rows: Option<Long>,
    /// What became of hidden columns that were renamed or moved since the table was tracked last, where lists were not
    /// given: which columns are hidden now for their sake, in sentences.
    pub(super) warnings: Vec<String>,
}

/// The table that is tracked no more.
#[derive(SimpleObject)]
pub struct UntrackTablePayload {
    /// Its name.
    pub(super) table_name: String,
}
