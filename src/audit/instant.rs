//! Instants as clients write and read them.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, Utc};

use super::{Error, Result};

/// An instant, always written in UTC with six digits.
pub fn format_timestamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// An instant as a client gives it: a point in time, or a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// A point in time.
    Moment(DateTime<Utc>),
    /// A calendar day in UTC.
    Day(NaiveDate),
}

impl Instant {
    /// Reads RFC 3339, a calendar date, or UNIX seconds.
    ///
    /// # Errors
    /// BAD_USER_INPUT where the text is none of them, or lies outside the years 1 to 9999.
    pub fn parse(text: &str) -> Result<Instant> {
        let refused = || {
            Error::bad_input(format!(
                "{text:?} is no instant: write RFC 3339 (2026-03-01T09:30:00Z), a calendar date (2026-03-01) or UNIX \
                 seconds (1772357400)"
            ))
        };
        let instant = if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            Instant::Moment(moment.to_utc())
        } else if text.len() == 10 && text.is_ascii() {
            match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                Ok(day) => Instant::Day(day),
                Err(_) => return Instant::of_seconds(text.parse().map_err(|_| refused())?),
            }
        } else {
            return Instant::of_seconds(text.parse().map_err(|_| refused())?);
        };
        instant.in_range().ok_or_else(refused)
    }

    /// UNIX seconds.
    ///
    /// # Errors
    /// BAD_USER_INPUT outside the years 1 to 9999.
    pub fn of_seconds(seconds: i64) -> Result<Instant> {
        DateTime::from_timestamp(seconds, 0)
            .and_then(|moment| Instant::Moment(moment).in_range())
            .ok_or_else(|| Error::bad_input(format!("{seconds} seconds lie outside the years 1 to 9999")))
    }

    fn in_range(self) -> Option<Instant> {
        use chrono::Datelike;
        let year = match self {
            Instant::Moment(moment) => moment.year(),
            Instant::Day(day) => day.year(),
        };
        (1..=9999).contains(&year).then_some(self)
    }

    /// The instant as a single one, or as the start of a range: a day begins at midnight.
    pub fn start(self) -> DateTime<Utc> {
        match self {
            Instant::Moment(moment) => moment,
            Instant::Day(day) => day.and_time(NaiveTime::MIN).and_utc(),
        }
    }

    /// The instant as the exclusive end of a range: a day is included to its end.
    pub fn end(self) -> DateTime<Utc> {
        match self {
            Instant::Moment(moment) => moment,
            Instant::Day(day) => day.checked_add_days(Days::new(1)).unwrap_or(day).and_time(NaiveTime::MIN).and_utc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_spellings_are_one_instant() {
        let moment = Instant::parse("2026-03-01T09:30:00Z").unwrap();
        assert_eq!(moment.start().timestamp(), 1772357400);
        assert_eq!(Instant::parse("1772357400").unwrap(), moment);
        assert_eq!(Instant::parse("2026-03-01T10:30:00+01:00").unwrap(), moment);
    }

    #[test]
    fn a_day_begins_at_midnight_and_ends_with_the_next() {
        let day = Instant::parse("2026-02-28").unwrap();
        assert_eq!(format_timestamp(day.start()), "2026-02-28T00:00:00.000000Z");
        assert_eq!(format_timestamp(day.end()), "2026-03-01T00:00:00.000000Z");
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in ["2026-02-30", "yesterday", "", "2026-13-01T00:00:00Z", "99999999999999", "1e9", "10000-01-01"] {
            assert!(Instant::parse(text).is_err(), "{text}");
        }
    }
}
