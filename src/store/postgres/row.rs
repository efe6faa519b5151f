//! A row of the log as PostgreSQL's driver gives it: in the binary format, in which text and `json` are their own bytes.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};

use crate::audit::{Json, Result};
use crate::store::row::{LogRow, unreadable};

/// The text of a column of whatever type whose bytes are text.
fn text(row: &PgRow, column: usize) -> Result<Option<&str>> {
    let value = row.try_get_raw(column).map_err(unreadable)?;
    if value.is_null() { Ok(None) } else { value.as_str().map(Some).map_err(unreadable) }
}

impl LogRow for PgRow {
    fn number(&self, column: usize) -> Result<Option<i64>> {
        self.try_get(column).map_err(unreadable)
    }

    fn text(&self, column: usize) -> Result<Option<String>> {
        Ok(text(self, column)?.map(str::to_owned))
    }

    fn json(&self, column: usize) -> Result<Option<Json>> {
        // The type has seen to it that it is a document.
        Ok(text(self, column)?.map(Json::of_json_column))
    }

    fn instant(&self, column: usize) -> Result<DateTime<Utc>> {
        self.try_get(column).map_err(unreadable)
    }

    fn truth(&self, column: usize) -> Result<bool> {
        self.try_get(column).map_err(unreadable)
    }
}
