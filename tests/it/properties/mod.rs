//! What must hold whatever the tables are and whoever writes them in whatever order: random schemas, random
//! interleavings of statements of several connections, and what the log, an undo and the past make of them.
//!
//! A failure prints the seed, with which `AFTERIMAGE_SEED` runs it again, and the smallest history that still fails;
//! `AFTERIMAGE_SEED=random` tries others each time.

mod kinds;
mod past;
mod picture;
mod play;
mod replay;
mod schema;
mod script;
mod undoing;

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::json;
use tokio::runtime::Handle;

use crate::support::{Api, Kind, World, both, runner};
use picture::Picture;
use play::{Played, Player};
use replay::{Entry, entries, replay};
use schema::{Schema, any_schema};
use script::{Step, any_script};

/// How long histories are tried.
const TIME: Duration = Duration::from_secs(10);
/// How many entries there must be, however long that takes.
const ENOUGH: usize = 100;

/// A database that many histories share, one after the other.
struct Ground {
    world: World,
    api: Api,
    histories: AtomicUsize,
}

/// A history that has happened.
struct History<'a> {
    world: &'a World,
    api: &'a Api,
    schema: Schema,
    played: Played,
    entries: Vec<Entry>,
    /// How many of them were undone one by one.
    undone: Cell<usize>,
}

impl Ground {
    async fn new(world: World) -> Ground {
        let api = Api::start_with(&world, |settings| settings.undo_max_rows = 100_000).await;
        world.sql(kinds::setup(world.kind)).await;
        Ground { world, api, histories: AtomicUsize::new(0) }
    }

    /// Makes tables and has a script played over them.
    async fn happen(&self, mut schema: Schema, script: &[Step]) -> History<'_> {
        let Ground { world, api, histories } = self;
        schema.prefix = format!("h{}_", histories.fetch_add(1, Ordering::Relaxed));
        world.sql(&schema.ddl(world.kind)).await;
        for table in schema.names() {
            api.track(&table).await;
        }
        let played = Player::play(world, &schema, script).await;
        let entries = entries(world, &schema.prefix).await;
        History { world, api, schema, played, entries, undone: Cell::new(0) }
    }

    async fn clear(&self, schema: &Schema) {
        for table in schema.names() {
            let mutation = "mutation($t: String!) { untrackTable(tableName: $t) { tableName } }";
            self.api.ask(mutation, json!({"t": table})).await;
        }
        self.world.sql(&schema.drop(self.world.kind)).await;
    }
}

impl History<'_> {
    /// 1 and 5: the log tells all that was committed, and nothing else.
    async fn replays(&self) -> Result<(), String> {
        if let Some(entry) = self.entries.iter().find(|entry| self.played.rolled_back.contains(&entry.correlation_id)) {
            return Err(format!("entry {} is of {}, which was rolled back", entry.id, entry.correlation_id));
        }
        for pause in &self.played.pauses {
            let until = self.entries.partition_point(|entry| entry.id <= pause.last_id);
            let rows = replay(&self.entries[..until])?;
            same("the log replayed", &picture::print(self.world, &self.schema, &rows).await, &pause.picture)?;
        }
        Ok(())
    }
}

fn same(what: &str, found: &Picture, expected: &Picture) -> Result<(), String> {
    let differs = |key: &&(String, String)| found.get(*key) != expected.get(*key);
    match found.keys().chain(expected.keys()).find(differs) {
        Some(key) => Err(format!("{what}: {key:?} is {:?} where it was {:?}", found.get(key), expected.get(key))),
        None => Ok(()),
    }
}

/// Tries random histories on a database until the time is over.
async fn tried(world: World, check: impl AsyncFn(&History<'_>) -> Result<(), String>) {
    let kind = world.kind;
    let ground = Ground::new(world).await;
    let mut runner: TestRunner = runner(200);
    let end = Instant::now() + TIME;
    let runtime = Handle::current();
    let entries = Cell::new(0);
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&(any_schema(), any_script()), |(schema, script)| {
            if Instant::now() > end && entries.get() > ENOUGH {
                return Ok(());
            }
            runtime.block_on(async {
                let history = ground.happen(schema, &script).await;
                entries.set(entries.get() + history.entries.len());
                let outcome = check(&history).await;
                ground.clear(&history.schema).await;
                outcome.map_err(|why| TestCaseError::fail(format!("{why}\n{}", told(kind, &history.schema, &script))))
            })
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let histories = ground.histories.into_inner();
    println!("{histories} histories, {} entries", entries.get());
    assert!(entries.get() > ENOUGH, "{} entries in all", entries.get());
}

/// A history as SQL, for one who wants to see it again by hand.
fn told(kind: Kind, schema: &Schema, script: &[Step]) -> String {
    let lines = script.iter().map(|Step { connection, act }| {
        let sql = act.sql(kind, schema).unwrap_or_else(|| format!("{act:?}"));
        format!("{connection}: {sql}")
    });
    let lines: Vec<String> = lines.collect();
    format!("{}\n{}", schema.ddl(kind), lines.join("\n"))
}

both! {
    async fn the_log_replayed_gives_the_tables(world: World) {
        tried(world, async |history| history.replays().await).await;
    }

    async fn transactions_undone_the_last_first_give_what_was_before(world: World) {
        tried(world, async |history| history.comes_back().await).await;
    }

    async fn the_past_is_what_was_seen(world: World) {
        tried(world, async |history| history.remembers().await).await;
    }

    async fn an_undo_does_what_its_preview_said_or_nothing(world: World) {
        let undone = Cell::new(0);
        tried(world, async |history| {
            let outcome = history.keeps_its_word().await;
            undone.set(undone.get() + history.undone.get());
            outcome
        })
        .await;
        assert!(undone.get() > 10, "{} entries were undone", undone.get());
    }
}
