//! Keeping the triggers of a database whole where the user's schema changes can take them away.
//!
//! SQLite drops a table's triggers with the table, and a rebuild drops the table; a column that is added afterwards is
//! unknown to them. The server looks at the schema's number several times a second, and where it has changed at the health
//! of each table; what is not as it should be is installed anew, and recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, Utc};

use self::pace::Pace;
use super::install::Installation;
use super::record::Event;
use super::table::Health;
use super::track::Actor;
use super::{choice, dispatch, reports};
use crate::audit::{Code, Result};
use crate::store::{self, Database, Write};

mod pace;

/// How often it is written down that all is well, so that after a crash a gap is not thought longer than that.
const SAVED_EVERY: Duration = Duration::from_secs(3_600);

/// What a server knows of the triggers of its database.
#[derive(Debug, Default)]
pub struct Watch {
    /// The schema's number at the last look.
    version: Option<i64>,
    /// When that was.
    seen_at: Option<DateTime<Utc>>,
    /// The tables whose triggers could not be mended, each with the instant at which they were last whole, if that is
    /// known better than from the database.
    broken: BTreeMap<String, Option<DateTime<Utc>>>,
    /// What was warned of.
    told: BTreeSet<String>,
    /// How often each table was mended lately.
    paces: BTreeMap<String, Pace>,
    /// When the next repair is due that has to wait.
    due: Option<Instant>,
    saved: Option<Instant>,
}

impl Watch {
    /// Looks whether the schema has changed since the last look, and mends what needs it.
    ///
    /// # Errors
    /// Where the database fails; the next look begins anew.
    pub async fn look(&mut self, database: &Database) -> Result<()> {
        // The log's clock counts milliseconds.
        let now = Utc::now().trunc_subsecs(3);
        let Some(version) = dispatch::schema_version(database.kind, &database.reader).await? else { return Ok(()) };
        if self.version != Some(version) || self.due.is_some_and(|due| due <= Instant::now()) {
            self.due = None;
            let broken = self.mend_all(database).await?;
            self.broken = broken;
            self.version = Some(version);
        }
        self.seen_at = Some(now);
        if self.saved.is_none_or(|saved| saved.elapsed() > SAVED_EVERY) {
            self.save(database).await?;
        }
        Ok(())
    }

    /// Writes down that all was well at the last look. Call it when the server ends.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn save(&mut self, database: &Database) -> Result<()> {
        let Some(seen_at) = self.seen_at else { return Ok(()) };
        if !store::tracked_tables(database.dialect, &database.reader).await?.is_empty() {
            let except: Vec<String> = self.broken.keys().cloned().collect();
            let write = Write::begin(database).await?;
            store::save_whole(database.dialect, &write.transaction, seen_at, &except).await?;
            write.commit().await?;
        }
        self.saved = Some(Instant::now());
        Ok(())
    }

    /// Mends every table that needs it; those that cannot be.
    async fn mend_all(&mut self, database: &Database) -> Result<BTreeMap<String, Option<DateTime<Utc>>>> {
        let mut broken = BTreeMap::new();
        for report in reports(database).await? {
            let name = report.tracked.table_name;
            if report.tracked.paused_since.is_some() {
                continue;
            }
            let whole_at = self.broken.get(&name).copied().unwrap_or(self.seen_at);
            let whole =
                report.health == Health::Ok || (self.may_mend(&name) && self.mend(database, &name, whole_at).await?);
            if whole {
                self.told.remove(&name);
            } else {
                broken.insert(name, whole_at);
            }
        }
        Ok(broken)
    }

    /// Whether a table was not mended too often of late; else when it will be looked at again.
    fn may_mend(&mut self, name: &str) -> bool {
        let now = Instant::now();
        let wait = self.paces.get(name).map_or(Duration::ZERO, |pace| pace.wait(now));
        if !wait.is_zero() {
            let due = now + wait;
            self.due = Some(self.due.map_or(due, |other| other.min(due)));
            self.warn(name, &format!("they were mended again and again; the next try is in {} s", wait.as_secs() + 1));
        }
        wait.is_zero()
    }

    /// Installs the triggers of one table anew; whether it could.
    async fn mend(&mut self, database: &Database, name: &str, whole_at: Option<DateTime<Utc>>) -> Result<bool> {
        let write = Write::begin(database).await?;
        // It may have been mended, paused or left while the lock was waited for.
        let before = store::tracked(database.dialect, &write.transaction, name).await?;
        let Some(before) = before else { return Ok(true) };
        let table = match dispatch::describe(database.kind, &write.transaction, name).await {
            Ok(table) if table.name == name => table,
            Ok(table) => return Ok(self.warn(name, &format!("it is called {} now", table.name))),
            Err(error) if matches!(error.code(), Code::NotFound | Code::BadUserInput) => {
                return Ok(self.warn(name, error.message()));
            }
            Err(error) => return Err(error),
        };
        let chosen = match choice::cautious(&table, &before) {
            Ok(chosen) => chosen,
            Err(error) => return Ok(self.warn(name, error.message())),
        };
        let told = chosen.told.clone();
        let installation =
            Installation { database, write: &write, table: &table, before: Some(&before), chosen, whole_at };
        let event = match installation.run(&Actor::default()).await {
            Ok((_, event)) => event,
            Err(error) if error.code() == Code::BadUserInput => return Ok(self.warn(name, error.message())),
            Err(error) => return Err(error),
        };
        write.commit().await?;
        self.paces.entry(name.to_owned()).or_default().mended(Instant::now());
        for sentence in told {
            tracing::warn!(table = name, "{sentence}");
        }
        match event {
            Event::Restored(gap) => tracing::warn!(
                table = name,
                since = %gap.since,
                "the triggers were missing and are put back; changes in between may not have been recorded"
            ),
            _ => tracing::info!(table = name, "capture is brought up to date with the table"),
        }
        Ok(true)
    }

    /// Says once that a table cannot be captured as it is.
    fn warn(&mut self, name: &str, why: &str) -> bool {
        if self.told.insert(name.to_owned()) {
            tracing::warn!(table = name, "its triggers are not as they should be, and stay so: {why}");
        }
        false
    }
}
