//! When people work: Monday to Friday, most of all before noon.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};

use crate::demo::dice::Dice;

/// How far back the demo's past goes.
const DAYS: u64 = 182;
/// What is done on a working day, at least and at most.
const REQUESTS: (i32, i32) = (4, 9);
/// The hours of the day, each as often as its share of the work.
const HOURS: [u32; 26] =
    [7, 7, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 12, 13, 13, 14, 14, 14, 15, 15, 16, 17];

/// The days on which someone works, up to and with today.
pub(super) fn working_days(today: NaiveDate) -> Vec<NaiveDate> {
    let days = (0..=DAYS).rev().filter_map(|back| today.checked_sub_days(Days::new(back)));
    days.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)).collect()
}

/// The moments of a day at which something is done, in order.
pub(super) fn moments(day: NaiveDate, dice: &mut Dice) -> Vec<DateTime<Utc>> {
    let number = dice.between(REQUESTS.0, REQUESTS.1);
    let mut moments: Vec<DateTime<Utc>> = (0..number)
        .map(|_| {
            let hour = *dice.one_of(&HOURS);
            at(day, hour, dice.below(60) as u32) + TimeDelta::milliseconds(dice.below(60_000) as i64)
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// A time of a day.
pub(super) fn at(day: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::minutes(i64::from(hour * 60 + minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_works_on_sundays() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let days = working_days(today);
        assert_eq!(days.last(), NaiveDate::from_ymd_opt(2026, 2, 27).as_ref());
        assert!((129..=132).contains(&days.len()));
    }

    #[test]
    fn a_day_s_moments_are_in_order_and_on_that_day() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 27).unwrap();
        let moments = moments(day, &mut Dice::new(1));
        assert!(moments.is_sorted());
        assert!(moments.iter().all(|moment| moment.date_naive() == day));
    }
}
