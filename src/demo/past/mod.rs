//! The past of the sample worlds: half a year of requests, each a transaction of its own through the real capture,
//! lived through in a few seconds and dated back at the end.

mod calendar;
mod incidents;
mod opening;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use self::calendar::at;
use super::chores;
use super::ground::ground;
use super::office::Office;
use super::tables::{TABLES, create_tables};
use crate::audit::{Action, Draft, Result};
use crate::capture::{self, Actor, Wish};
use crate::store::{self, Database, Write, failed};

/// Every demo's past falls by these dice.
const SEED: u64 = 20_260_301;
/// The table under which the entry is filed that ends the past.
pub(super) const MARK: &str = "afterimage.demo";
/// The entries of one request follow each other so closely.
const BETWEEN_ENTRIES: TimeDelta = TimeDelta::milliseconds(2);
/// The past ends so long before now.
const SILENCE: TimeDelta = TimeDelta::minutes(2);

/// The past under way.
struct Past<'a> {
    office: Office,
    database: &'a Database,
    /// What time it is in there.
    clock: DateTime<Utc>,
    /// The last entry of each request, and when it was made.
    steps: Vec<(i64, DateTime<Utc>)>,
    now: DateTime<Utc>,
}

/// Makes the sample tables in an empty database, tracks them, and lives through their past up to now.
///
/// # Errors
/// Where the database fails.
pub(super) async fn live_through(
    database: &Database,
    url: &str,
    now: DateTime<Utc>,
    tell: &dyn Fn(&str),
) -> Result<()> {
    tell("making the tables of a stockroom and a workshop, and tracking them");
    create_tables(database).await?;
    for table in TABLES {
        let redacted = (table == "users").then(|| vec!["password_hash".to_owned()]);
        let wish = Wish { redacted, ..Wish::default() };
        capture::track(database, table, &wish, &Actor::default()).await?;
    }
    tell("living through their past, about half a year; this takes a few seconds");
    let days = calendar::working_days(now.date_naive());
    let office = Office::open(database, url, SEED).await?;
    office.hurry().await?;
    let clock = days.first().map_or(now, |day| at(*day, 6, 40));
    let mut past = Past { office, database, clock, steps: Vec::new(), now };
    past.step(3).await?;
    opening::open(&mut past).await?;
    for (number, day) in days.iter().enumerate() {
        incidents::early(&mut past, number, *day).await?;
        for moment in calendar::moments(*day, &mut past.office.dice) {
            if past.reach(moment) {
                chores::any(&mut past.office).await?;
                past.step(0).await?;
            }
        }
        incidents::in_the_evening(&mut past, number, *day).await?;
    }
    let entries = past.steps.last().map_or(0, |(id, _)| *id);
    past.date_back().await?;
    past.office.connection.close().await.map_err(failed)?;
    tell(&format!("the past has {entries} entries"));
    Ok(())
}

impl Past<'_> {
    /// Goes on to this moment, or stays where it is later already; false where that is not past yet.
    fn reach(&mut self, moment: DateTime<Utc>) -> bool {
        let reached = moment < self.now - SILENCE && self.clock < self.now - SILENCE;
        if reached {
            self.clock = self.clock.max(moment);
        }
        reached
    }

    /// What was recorded since the last step was recorded at this time; then time goes on.
    async fn step(&mut self, minutes: i64) -> Result<()> {
        let last = self.last_entry().await?;
        let before = self.steps.last().map_or(0, |(id, _)| *id);
        self.steps.push((last, self.clock));
        let entries = i32::try_from(last - before).unwrap_or(i32::MAX);
        let pause = i64::from(self.office.dice.between(4_000, 30_000));
        self.clock += BETWEEN_ENTRIES * entries + TimeDelta::milliseconds(pause) + TimeDelta::minutes(minutes);
        Ok(())
    }

    async fn last_entry(&self) -> Result<i64> {
        let connection = &self.database.writer;
        let sql = format!("SELECT max(id) FROM {}", self.database.dialect.table("log"));
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await.map_err(failed)?;
        let id = row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose().map_err(failed)?;
        Ok(id.flatten().unwrap_or_default())
    }

    /// Gives the entries the times of the past, and says in the log itself that this was done. It is the one thing that
    /// ever changes entries: on a database that the demo has just made, in one transaction, and never again.
    async fn date_back(&self) -> Result<()> {
        let ground = ground(self.database.kind);
        let write = Write::begin(self.database).await?;
        let transaction = &write.transaction;
        let forbid = ground.lift(transaction).await?;
        let run = async |sql: &str, value: String| {
            let statement = Statement::from_sql_and_values(transaction.get_database_backend(), sql, [value.into()]);
            transaction.execute_raw(statement).await.map_err(failed)
        };
        run(ground.backdate_log(), self.times()).await?;
        let first = self.steps.first().map_or(self.now, |(_, moment)| *moment);
        run(ground.backdate_tracking(), written(first)).await?;
        for statement in forbid {
            transaction.execute_unprepared(&statement).await.map_err(failed)?;
        }
        // Whatever was counted of the times before.
        let position = self.database.dialect.table("rollup_position");
        transaction.execute_unprepared(&format!("DELETE FROM {position}")).await.map_err(failed)?;
        store::append(self.database.dialect, &write, &[mark()]).await?;
        write.commit().await
    }

    /// All entries with their times, as JSON.
    fn times(&self) -> String {
        let mut times = Vec::new();
        let mut before = 0;
        for (last, moment) in &self.steps {
            let mut moment = *moment;
            for id in before + 1..=*last {
                times.push(json!({"id": id, "timestamp": written(moment)}));
                moment += BETWEEN_ENTRIES;
            }
            before = *last;
        }
        serde_json::Value::from(times).to_string()
    }
}

/// An instant in the form in which SQLite's log stores it; PostgreSQL reads it as well.
fn written(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What the log says of the demo.
fn mark() -> Draft {
    Draft {
        action: Action::Create,
        table_name: MARK.to_owned(),
        record_id: None,
        user_id: None,
        username: None,
        old_values: None,
        new_values: None,
        description: Some("the demo made up all entries before this one, and dated them back".to_owned()),
        ip_address: None,
        correlation_id: None,
        metadata: None,
        recorded_by: None,
        trusted: true,
        idempotency_key: None,
    }
}
