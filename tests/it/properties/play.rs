//! Carrying out a script on several connections, and what is known afterwards.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};

use super::picture::{self, Picture};
use super::schema::Schema;
use super::script::{Act, CONNECTIONS, Step};
use crate::support::{Kind, World};

/// What happened.
#[derive(Default)]
pub struct Played {
    /// The names of the transactions that were rolled back, whole or by an error.
    pub rolled_back: Vec<String>,
    /// The moments at which no transaction was open.
    pub pauses: Vec<Pause>,
}

/// A moment at which no transaction was open.
pub struct Pause {
    /// As RFC 3339.
    pub instant: String,
    /// The greatest id of the log.
    pub last_id: i64,
    /// The tables as they were.
    pub picture: Picture,
}

/// A connection, with the name of its open transaction.
struct Line {
    wire: Wire,
    open: Option<String>,
    savepoint: bool,
}

enum Wire {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Wire {
    async fn open(world: &World) -> Wire {
        match world.kind {
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
                // The one who waits and the one who is waited for are the same program here.
                let patience = "set lock_timeout = '25ms'";
                sqlx::raw_sql(patience).execute(&mut connection).await.expect("a setting");
                Wire::Postgres(connection)
            }
            Kind::Sqlite => {
                let options = SqliteConnectOptions::from_str(&world.database_url).expect("an address");
                let options = options.foreign_keys(true).busy_timeout(Duration::ZERO);
                Wire::Sqlite(options.connect().await.expect("a connection"))
            }
        }
    }

    async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Wire::Postgres(connection) => query.execute(connection).await.map(drop),
            Wire::Sqlite(connection) => query.execute(connection).await.map(drop),
        }
    }
}

/// Plays a script over tables that are there and tracked.
pub struct Player<'a> {
    world: &'a World,
    schema: &'a Schema,
    lines: Vec<Line>,
    begun: usize,
    played: Played,
}

impl<'a> Player<'a> {
    /// Plays the whole script, and ends all transactions.
    pub async fn play(world: &'a World, schema: &'a Schema, script: &[Step]) -> Played {
        let mut lines = Vec::new();
        for _ in 0..CONNECTIONS {
            lines.push(Line { wire: Wire::open(world).await, open: None, savepoint: false });
        }
        let mut player = Player { world, schema, lines, begun: 0, played: Played::default() };
        player.pause().await;
        for step in script {
            player.step(usize::from(step.connection), &step.act).await;
        }
        player.pause().await;
        player.played
    }

    async fn step(&mut self, number: usize, act: &Act) {
        match act {
            Act::Pause => self.pause().await,
            Act::Begin => self.begin(number).await,
            Act::Commit => self.commit(number).await,
            Act::Rollback => self.roll_back(number).await,
            Act::Savepoint if self.lines[number].open.is_some() => {
                self.lines[number].savepoint = true;
                self.statement(number, "savepoint here").await;
            }
            Act::RollbackToSavepoint if self.lines[number].savepoint => {
                self.statement(number, "rollback to savepoint here").await;
            }
            Act::Savepoint | Act::RollbackToSavepoint => {}
            act => {
                let Some(sql) = act.sql(self.world.kind, self.schema) else { return };
                let alone = self.lines[number].open.is_none();
                if alone {
                    self.begin(number).await;
                }
                self.statement(number, &sql).await;
                if alone {
                    self.commit(number).await;
                }
            }
        }
    }

    /// Begins a transaction of the next name, unless one is open, or another has SQLite's one lock.
    async fn begin(&mut self, number: usize) {
        if self.lines[number].open.is_some() {
            return;
        }
        let name = format!("tx-{}", self.begun);
        let sql = match self.world.kind {
            Kind::Postgres => format!(
                "begin; select set_config('afterimage.context', '{{\"userId\": \"u\", \"correlationId\": \"{name}\"}}', true)"
            ),
            Kind::Sqlite => format!(
                "begin immediate; insert into afterimage_context (user_id, correlation_id) values ('u', '{name}')"
            ),
        };
        if self.lines[number].wire.run(&sql).await.is_ok() {
            self.begun += 1;
            self.lines[number].open = Some(name);
        }
    }

    /// A statement within a transaction. On PostgreSQL one that fails ends it.
    async fn statement(&mut self, number: usize, sql: &str) {
        if self.lines[number].open.is_none() {
            return;
        }
        let line = &mut self.lines[number];
        // The first connections protect each statement, as many an application does.
        let protects = self.world.kind == Kind::Postgres && number + 1 < CONNECTIONS;
        if protects {
            line.wire.run("savepoint statement").await.expect("a savepoint");
        }
        match line.wire.run(sql).await {
            Err(error) if unexpected(&error) => panic!("{error}\nin: {sql}"),
            Err(_) if protects => line.wire.run("rollback to savepoint statement").await.expect("the way back"),
            Err(_) if self.world.kind == Kind::Postgres => self.roll_back(number).await,
            _ => {}
        }
    }

    async fn commit(&mut self, number: usize) {
        let leave = if self.world.kind == Kind::Sqlite { "delete from afterimage_context; " } else { "" };
        let line = &mut self.lines[number];
        if line.open.is_none() {
            return;
        }
        // A deferred constraint may refuse it.
        if line.wire.run(&format!("{leave}commit")).await.is_ok() {
            line.open = None;
            line.savepoint = false;
        } else {
            self.roll_back(number).await;
        }
    }

    async fn roll_back(&mut self, number: usize) {
        let line = &mut self.lines[number];
        line.savepoint = false;
        let Some(name) = line.open.take() else { return };
        // A COMMIT that failed has ended the transaction on PostgreSQL, which then only warns.
        line.wire.run("rollback").await.expect("a rollback always goes through");
        self.played.rolled_back.push(name);
    }

    async fn pause(&mut self) {
        for number in 0..self.lines.len() {
            self.commit(number).await;
        }
        // SQLite's clock has milliseconds: what happened before and what happens after must not share one.
        let tick = Duration::from_millis(2);
        tokio::time::sleep(tick).await;
        let instant = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        tokio::time::sleep(tick).await;
        let last = format!("select coalesce(max(id), 0) from {}", self.world.log());
        let last_id = self.world.scalar(&last).await.parse().expect("an id");
        let picture = picture::take(self.world, self.schema).await;
        self.played.pauses.push(Pause { instant, last_id, picture });
    }
}

/// Whether an error is one that the script cannot have meant: it should meet constraints and locks alone.
fn unexpected(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else { return true };
    match code.parse::<i64>() {
        Ok(code) if code < 10_000 && code.to_string().len() < 5 => ![19, 5].contains(&(code & 0xff)),
        // 23: constraints; 55P03, 40P01: locks; 21000: ON CONFLICT twice.
        _ => !(code.starts_with("23") || code.starts_with("27") || ["55P03", "40P01", "21000"].contains(&&*code)),
    }
}
