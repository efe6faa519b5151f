//! What is asked. Each request draws its own arguments.

use chrono::{Days, NaiveDate};

use crate::dice::Dice;
use crate::seed::{BEGIN, DAYS, TABLES, USERS, objects};

/// The queries that everyone is asked.
#[derive(Clone, Copy, PartialEq)]
pub enum Question {
    Newest,
    UserAndDates,
    History,
    One,
    Offset,
}

impl Question {
    pub const ALL: [Question; 5] =
        [Question::Newest, Question::UserAndDates, Question::History, Question::One, Question::Offset];

    pub fn name(self) -> &'static str {
        match self {
            Question::Newest => "newest 50",
            Question::UserAndDates => "by user and dates, 50",
            Question::History => "one object's history, 50",
            Question::One => "one by id",
            Question::Offset => "page at offset 100,000",
        }
    }
}

/// Whom and what a request is about.
pub struct Draw {
    pub user: String,
    pub start: NaiveDate,
    pub end: NaiveDate,
    pub table: String,
    pub record: String,
    pub id: usize,
}

impl Draw {
    /// From a log with this many entries.
    pub fn new(dice: &mut Dice, entries: usize) -> Draw {
        let start = day(dice.below(DAYS - 30));
        Draw {
            user: format!("u{}", dice.skewed(USERS, 2.0)),
            start,
            end: start + Days::new(30),
            table: format!("table_{}", dice.skewed(TABLES, 1.5)),
            record: dice.skewed(objects(entries), 3.0).to_string(),
            id: 1 + dice.below(entries),
        }
    }
}

impl Draw {
    /// Of users and objects that have so many entries that each page is full, also of a small log.
    pub fn long(dice: &mut Dice, entries: usize) -> Draw {
        let start = day(dice.below(DAYS / 2));
        Draw {
            user: format!("u{}", dice.below(20)),
            start,
            end: start + Days::new(DAYS as u64 / 2),
            table: format!("table_{}", dice.below(TABLES / 2)),
            record: dice.below(3).to_string(),
            id: 1 + dice.below(entries),
        }
    }
}

/// So many days after the first entry.
pub fn day(number: usize) -> NaiveDate {
    let begin: NaiveDate = BEGIN.parse().expect("a date");
    begin + Days::new(number as u64)
}
