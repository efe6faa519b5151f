//! Tracked tables as clients see them.

use async_graphql::{InputObject, Object, SimpleObject};

use super::enums::CaptureHealth;
use super::scalars::DateTime;
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

    /// Columns whose values are never recorded, only that they changed.
    async fn redacted_columns(&self) -> &[String] {
        &self.0.tracked.redacted_columns
    }

    /// Columns that are not captured at all.
    async fn ignored_columns(&self) -> &[String] {
        &self.0.tracked.ignored_columns
    }

    /// Since when its changes are captured.
    async fn tracked_since(&self) -> DateTime {
        DateTime(self.0.tracked.tracked_since)
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
}

/// The table as it is tracked now.
#[derive(SimpleObject)]
pub struct TrackTablePayload {
    /// The table.
    pub(super) tracked_table: TrackedTable,
}

/// The table that is tracked no more.
#[derive(SimpleObject)]
pub struct UntrackTablePayload {
    /// Its name.
    pub(super) table_name: String,
}
