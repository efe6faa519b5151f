//! A row of the log as SQLite's driver gives it: SQLite takes any bytes for text, and has no type for documents.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::audit::{Json, Result};
use crate::store::row::{LogRow, unreadable};

impl LogRow for SqliteRow {
    fn number(&self, column: usize) -> Result<Option<i64>> {
        self.try_get(column).map_err(unreadable)
    }

    fn borrowed(&self, column: usize) -> Result<Option<Cow<'_, str>>> {
        // One row that holds others than UTF-8 must not make a page unreadable. What was none reads as U+FFFD.
        let bytes: Option<&[u8]> = self.try_get_unchecked(column).map_err(unreadable)?;
        Ok(bytes.map(String::from_utf8_lossy))
    }

    fn json(&self, column: usize) -> Result<Option<Json>> {
        Ok(self.text(column)?.map(Json::of_database))
    }

    fn instant(&self, column: usize) -> Result<DateTime<Utc>> {
        self.try_get(column).map_err(unreadable)
    }

    fn truth(&self, column: usize) -> Result<bool> {
        self.try_get(column).map_err(unreadable)
    }
}
