//! Random entries of all kinds, brought forward now and then, while transactions stay open on PostgreSQL; and random
//! questions in between.

use std::cell::Cell;
use std::time::{Duration, Instant};

use afterimage::audit::{Action, Filter};
use afterimage::store::{Database, fold};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::runtime::Handle;

use super::table;
use super::truth::Truth;
use crate::support::{Api, Kind, World, both, runner};

const TIME: Duration = Duration::from_secs(8);
/// How many stories there must be, however long that takes.
const ENOUGH: usize = 4;
/// And how many at the most.
const CASES: u32 = 100;
const CONNECTIONS: usize = 3;
const TABLES: [&str; 4] = ["t", "u", "s.\"é\"", "afterimage.tracking"];
const USERS: [&str; 4] = ["", "1", "2", "ß"];
const COLUMNS: &str = "action, table_name, record_id, previous_record_id, user_id, username, trusted, \"timestamp\"";

#[derive(Clone, Debug)]
enum Step {
    /// In a transaction of its own, or in one that stays open.
    Write(Option<usize>, Vec<String>),
    End(usize, &'static str),
    Track(&'static str, bool),
    Fold,
    Ask(Vec<Filter>),
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    let start: DateTime<Utc> = "2026-01-25T00:00:00Z".parse().expect("an instant");
    // Two months and a bit; often the very beginning of an hour or a day.
    let millis = prop_oneof![
        (0..6_000_000_i64).prop_map(|second| second * 1_000 + 1),
        (0..1_600_i64).prop_map(|hour| hour * 3_600_000),
        (0..1_600_i64).prop_map(|hour| hour * 3_600_000 - 1),
        (0..66_i64).prop_map(|day| day * 86_400_000),
    ];
    millis.prop_map(move |millis| start + TimeDelta::milliseconds(millis))
}

fn any_row() -> impl Strategy<Value = String> {
    let word = |words: &'static [&'static str]| select(words).prop_map(str::to_owned);
    let record = option::weighted(0.95, select(&["1", "2", "3", "[\"a\",\"b\"]"][..]));
    let row = (
        select(&["CREATE", "UPDATE", "DELETE", "DELETE", "READ"][..]),
        word(&TABLES),
        record,
        prop::bool::weighted(0.1),
        option::of(word(&USERS)),
        option::of(select(&["ann", "bob"][..])),
        prop::bool::weighted(0.7),
        instant(),
    );
    row.prop_map(|(action, table, record, moved, user, name, trusted, time)| {
        let quoted =
            |text: Option<&str>| text.map_or("null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
        format!(
            "('{action}', {}, {}, {}, {}, {}, {trusted}, '{}')",
            quoted(Some(&table)),
            quoted(record),
            if moved { "'9'" } else { "null" },
            quoted(user.as_deref()),
            quoted(name),
            time.format("%Y-%m-%dT%H:%M:%S%.3fZ")
        )
    })
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let words = |words: &'static [&'static str]| vec(select(words).prop_map(str::to_owned), 0..3);
    let thing = prop_oneof![
        words(&TABLES).prop_map(Filter::Table),
        vec(select(&Action::ALL[..]), 0..3).prop_map(Filter::Action),
    ];
    let person = prop_oneof![words(&USERS).prop_map(Filter::User), any::<bool>().prop_map(Filter::HasUser)];
    let other = prop_oneof![
        words(&["ann", "bob"]).prop_map(Filter::Username),
        words(&["1", "2", "3"]).prop_map(Filter::Record),
    ];
    let negated = |filter: Filter, not: bool| if not { Filter::Not(Box::new(filter)) } else { filter };
    let one = prop_oneof![4 => thing, 3 => person, 1 => other];
    let conditions = vec((one, prop::bool::weighted(0.2)).prop_map(move |(filter, not)| negated(filter, not)), 0..3);
    let range = (option::of(instant()), option::of(instant()));
    (range, conditions, prop::bool::weighted(0.2)).prop_map(|((start, end), mut filters, any)| {
        if any {
            filters = vec![Filter::Any(filters)];
        }
        filters.extend(start.map(Filter::Start));
        filters.extend(end.map(Filter::End));
        Filter::All(filters)
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let connection = || 0..CONNECTIONS;
    prop_oneof![
        5 => (option::of(connection()), vec(any_row(), 1..8)).prop_map(|(on, rows)| Step::Write(on, rows)),
        3 => (connection(), select(&["COMMIT", "COMMIT", "ROLLBACK", "PREPARE"][..])).prop_map(|(on, end)| Step::End(on, end)),
        1 => (select(&TABLES[..]), any::<bool>()).prop_map(|(table, tracked)| Step::Track(table, tracked)),
        3 => Just(Step::Fold),
        3 => vec(any_filter(), 1..4).prop_map(Step::Ask),
    ]
}

struct Stage {
    world: World,
    database: Database,
    /// Of an application on PostgreSQL, and whether a transaction is open on each.
    connections: Vec<(PgConnection, bool)>,
    prepared: Vec<String>,
}

impl Stage {
    async fn new(world: World) -> Stage {
        let api = Api::start(&world).await;
        let mut connections = Vec::new();
        if world.kind == Kind::Postgres {
            for _ in 0..CONNECTIONS {
                connections.push((PgConnection::connect(&world.database_url).await.expect("a connection"), false));
            }
        }
        Stage { database: api.server.services.database, world, connections, prepared: Vec::new() }
    }

    async fn run(&mut self, on: usize, sql: &str) {
        let outcome = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connections[on].0).await;
        outcome.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn end(&mut self, on: usize, how: &str) {
        if !self.connections.get(on).is_some_and(|(_, open)| *open) {
            return;
        }
        self.connections[on].1 = false;
        if how != "PREPARE" {
            return self.run(on, how).await;
        }
        // What was prepared before is decided at last.
        if let Some(name) = self.prepared.pop() {
            self.world.sql(&format!("commit prepared '{name}'")).await;
        }
        let name = self.world.scalar("select 'kept_' || pg_current_xact_id()").await;
        self.run(on, &format!("PREPARE TRANSACTION '{name}'")).await;
        self.prepared.push(name);
    }

    async fn play(&mut self, story: &[Step]) -> Option<String> {
        for step in story {
            match step {
                Step::Write(Some(on), rows) if *on < self.connections.len() => {
                    let (open, log) = (std::mem::replace(&mut self.connections[*on].1, true), self.world.log());
                    let begin = if open { "" } else { "BEGIN; " };
                    self.run(*on, &format!("{begin}INSERT INTO {log} ({COLUMNS}) VALUES {}", rows.join(","))).await;
                }
                Step::Write(_, rows) => self.world.insert(COLUMNS, &rows.join(",")).await,
                Step::End(on, how) => self.end(*on, how).await,
                Step::Track(name, tracked) => self.track(name, *tracked).await,
                Step::Fold => drop(fold(&self.database).await.expect("a fold")),
                Step::Ask(filters) => {
                    let truth = Truth::of(&self.world, &self.database).await;
                    for filter in filters {
                        if let Some(wrong) = truth.contradiction(&self.database, filter).await {
                            return Some(format!("{filter:?}: {wrong}"));
                        }
                    }
                }
            }
        }
        None
    }

    async fn track(&self, name: &str, tracked: bool) {
        let tables = table(&self.world, "tracked_table");
        self.world.sql(&format!("delete from {tables} where table_name = '{name}'")).await;
        if tracked {
            let columns = "table_name, primary_key, columns, redacted_columns, ignored_columns";
            self.world
                .sql(&format!("insert into {tables} ({columns}) values ('{name}', '[]', '[]', '[]', '[]')"))
                .await;
        }
    }

    /// Ends whatever is open, and looks once more.
    async fn close(mut self) -> Option<String> {
        for on in 0..self.connections.len() {
            self.end(on, "COMMIT").await;
        }
        for name in std::mem::take(&mut self.prepared) {
            self.world.sql(&format!("commit prepared '{name}'")).await;
        }
        let ask = Step::Ask(vec![Filter::everything()]);
        self.play(&[ask.clone(), Step::Fold, ask]).await
    }
}

both! {
    async fn what_is_kept_says_what_the_log_says(world: World) {
        let mut runner = runner(CASES);
        let (end, told) = (Instant::now() + TIME, Cell::new(0));
        let kind = world.kind;
        let runtime = Handle::current();
        let outcome = tokio::task::block_in_place(|| runner.run(&vec(any_step(), 10..40), |story| {
            if Instant::now() > end && told.get() >= ENOUGH {
                return Ok(());
            }
            told.set(told.get() + 1);
            let wrong = runtime.block_on(async {
                let mut stage = Stage::new(World::new(kind).await).await;
                match stage.play(&story).await {
                    Some(wrong) => Some(wrong),
                    None => stage.close().await,
                }
            });
            wrong.map_or(Ok(()), |wrong| Err(TestCaseError::fail(wrong)))
        }));
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
}
