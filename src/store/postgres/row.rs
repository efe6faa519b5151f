//! A row of the log as PostgreSQL's driver gives it: in the binary format, in which text and `json` are their own bytes.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};

use crate::audit::{Json, Result};
use crate::store::row::{LogRow, unreadable};

/// PostgreSQL's epoch, the first of January 2000, in microseconds of UNIX time.
const EPOCH: i64 = 946_684_800_000_000;

/// The first and the last microsecond that RFC 3339 can write, in UNIX time: the years 0 to 9999. PostgreSQL stores earlier
/// and later ones, and both infinities.
const SHOWN: (i64, i64) = (-62_167_219_200_000_000, 253_402_300_799_999_999);

/// The earliest instant that is shown, which stands for all before it.
pub(super) const EARLIEST: DateTime<Utc> = DateTime::from_timestamp_micros(SHOWN.0).expect("the year 0");

/// The latest instant that is shown, which stands for all after it.
pub(super) const LATEST: DateTime<Utc> = DateTime::from_timestamp_micros(SHOWN.1).expect("the year 9999");

/// An instant as PostgreSQL counts it.
fn of_micros(micros: i64) -> DateTime<Utc> {
    // None is where the number leaves what is shown.
    let shown = micros.checked_add(EPOCH).filter(|micros| (SHOWN.0..=SHOWN.1).contains(micros));
    shown.and_then(DateTime::from_timestamp_micros).unwrap_or(if micros < 0 { EARLIEST } else { LATEST })
}

/// The text of a column of whatever type whose bytes are text.
fn text(row: &PgRow, column: usize) -> Result<Option<&str>> {
    let value = row.try_get_raw(column).map_err(unreadable)?;
    if value.is_null() { Ok(None) } else { value.as_str().map(Some).map_err(unreadable) }
}

// Whether a column is of the type that is read, the driver asks by comparing types value for value; these columns are
// those of a table of ours.
impl LogRow for PgRow {
    fn number(&self, column: usize) -> Result<Option<i64>> {
        self.try_get_unchecked(column).map_err(unreadable)
    }

    fn borrowed(&self, column: usize) -> Result<Option<Cow<'_, str>>> {
        Ok(text(self, column)?.map(Cow::Borrowed))
    }

    fn json(&self, column: usize) -> Result<Option<Json>> {
        // The type has seen to it that it is a document.
        Ok(text(self, column)?.map(Json::of_json_column))
    }

    fn instant(&self, column: usize) -> Result<DateTime<Utc>> {
        // The driver's own decoding panics beyond what it can represent, and one such entry would fail all that meets it.
        let micros: i64 = self.try_get_unchecked(column).map_err(unreadable)?;
        Ok(of_micros(micros))
    }

    fn truth(&self, column: usize) -> Result<bool> {
        self.try_get_unchecked(column).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_that_cannot_be_shown_is_the_end_of_what_can() {
        assert_eq!(of_micros(0).to_rfc3339(), "2000-01-01T00:00:00+00:00");
        for far in [i64::MAX, i64::MAX - 1, 9_223_371_331_200_000_000 - 1, SHOWN.1 - EPOCH + 1] {
            assert_eq!(of_micros(far), LATEST, "{far}");
        }
        for far in [i64::MIN, i64::MIN + 1, -211_813_488_000_000_000, SHOWN.0 - EPOCH - 1] {
            assert_eq!(of_micros(far), EARLIEST, "{far}");
        }
        assert_eq!(LATEST.to_rfc3339(), "9999-12-31T23:59:59.999999+00:00");
        assert_eq!(EARLIEST.to_rfc3339(), "0000-01-01T00:00:00+00:00");
    }
}
