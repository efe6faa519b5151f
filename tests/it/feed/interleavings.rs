//! Random interleavings of transactions on several connections, and going on from every place among what they left.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Instant;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestCaseError;
use tokio::runtime::Handle;

use super::*;
use crate::support::runner;

/// How long histories are tried.
const TIME: Duration = Duration::from_secs(10);
/// How many there must be, however long that takes.
const ENOUGH: usize = 5;
/// More entries than a window may have that is listed.
const MANY: usize = 50_001;
const CONNECTIONS: usize = 4;
/// How much of what comes after an event is looked at: more than a page.
const SOME: usize = 600;

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, usize),
    /// Under a savepoint, which is kept or undone.
    Under(usize, bool),
    /// The transaction ends: it is committed, or rolled back.
    End(usize, bool),
    /// A cursor of the present is taken.
    Look,
}

fn any_step() -> impl Strategy<Value = Step> {
    let connection = || 0..CONNECTIONS;
    prop_oneof![
        4 => (connection(), 1..4usize).prop_map(|(connection, count)| Step::Insert(connection, count)),
        1 => (connection(), any::<bool>()).prop_map(|(connection, kept)| Step::Under(connection, kept)),
        3 => (connection(), prop::bool::weighted(0.8)).prop_map(|(connection, kept)| Step::End(connection, kept)),
        1 => Just(Step::Look),
    ]
}

/// A cursor, and what was committed when it was taken.
type Look = (String, HashSet<i64>);

struct Stage {
    log: Log,
    database: Database,
    connections: Vec<PgConnection>,
}

impl Stage {
    async fn new() -> Stage {
        let log = Log::new().await;
        let database = Database::connect(&log.url, PATIENCE).await.expect("the database answers");
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(log.connect().await);
        }
        Stage { log, database, connections }
    }

    /// A server that knows nothing of the others.
    fn another_feed(&self) -> Feed {
        Feed::new(&self.database)
    }

    /// Has it happen; the cursors that were taken, the first before everything.
    async fn play(&mut self, steps: &[Step]) -> Vec<Look> {
        let mut open = [false; CONNECTIONS];
        let mut looks = vec![self.look().await];
        for step in steps {
            let (connection, sql) = match step {
                Step::Insert(connection, count) => (*connection, insert(1, *count)),
                Step::Under(connection, true) => (*connection, format!("SAVEPOINT s; {}; RELEASE s", insert(1, 2))),
                Step::Under(connection, false) => {
                    (*connection, format!("SAVEPOINT s; {}; ROLLBACK TO s", insert(1, 2)))
                }
                Step::End(connection, _) if !open[*connection] => continue,
                Step::End(connection, kept) => (*connection, if *kept { "COMMIT" } else { "ROLLBACK" }.into()),
                Step::Look => {
                    looks.push(self.look().await);
                    continue;
                }
            };
            if !open[connection] {
                run(&mut self.connections[connection], "BEGIN").await;
            }
            run(&mut self.connections[connection], &sql).await;
            open[connection] = !matches!(step, Step::End(..));
        }
        for (connection, open) in self.connections.iter_mut().zip(open) {
            if open {
                run(connection, "COMMIT").await;
            }
        }
        looks
    }

    async fn look(&self) -> Look {
        let committed = self.log.committed().await.into_iter().collect();
        (self.another_feed().cursor().await.expect("a cursor"), committed)
    }

    /// The ids of what was committed since, in the order in which they have to come if nobody looked in between.
    async fn expected(&self, look: &Look) -> Vec<i64> {
        let statement = "SELECT id FROM (SELECT id, max(id) OVER (PARTITION BY tx) AS last FROM afterimage.log) AS entry \
             ORDER BY last, id";
        let all: Vec<i64> =
            sqlx::query_scalar(statement).fetch_all(&mut self.log.connect().await).await.expect("the log can be read");
        all.into_iter().filter(|id| !look.1.contains(id)).collect()
    }

    /// What a server that knows nothing of the others gives after a cursor, up to the last entry of all or so many.
    async fn rest(&self, cursor: &str, last: i64, most: usize) -> Vec<Arc<Event>> {
        let mut subscription = self.another_feed().subscribe(after(cursor)).await.expect("the cursor is good");
        let mut events: Vec<Arc<Event>> = Vec::new();
        while events.len() < most && events.last().is_none_or(|event| entry(event).id != last) {
            events.push(next_event(&mut subscription).await.expect("an event"));
        }
        events
    }

    /// From each cursor comes exactly what was committed since; and from the place of each event, if there are not too
    /// many, exactly what comes after it.
    async fn check(&self, looks: &[Look], places: usize) -> Result<(), TestCaseError> {
        // Its id is the greatest, so that it ends whatever is read.
        run(&mut self.log.connect().await, &insert(1, 1)).await;
        for look in looks {
            let expected = self.expected(look).await;
            let last = *expected.last().expect("the last entry");
            let events = self.rest(&look.0, last, usize::MAX).await;
            prop_assert!(ids(&events) == expected, "{:?} came where {:?} was committed", ids(&events), expected);
            let step = events.len().div_ceil(places).max(1);
            for (place, event) in events.iter().enumerate().step_by(step).filter(|(place, _)| place + 1 < events.len())
            {
                let rest = self.rest(event.cursor().expect("a cursor"), last, SOME).await;
                let expected = &expected[place + 1..(place + 1 + SOME).min(expected.len())];
                prop_assert_eq!(ids(&rest), expected, "after the event at {}", place);
            }
        }
        Ok(())
    }
}

fn ids(events: &[Arc<Event>]) -> Vec<i64> {
    events.iter().map(|event| entry(event).id).collect()
}

/// Tries random histories until the time is over.
async fn tried(check: impl AsyncFn(&mut Stage, Vec<Step>) -> Result<(), TestCaseError>) {
    let stage = tokio::sync::Mutex::new(Stage::new().await);
    let (end, tried, runtime) = (Instant::now() + TIME, Cell::new(0), Handle::current());
    let outcome = tokio::task::block_in_place(|| {
        runner(200).run(&prop::collection::vec(any_step(), 1..40), |steps| {
            if Instant::now() > end && tried.get() > ENOUGH {
                return Ok(());
            }
            tried.set(tried.get() + 1);
            runtime.block_on(async { check(&mut *stage.lock().await, steps).await })
        })
    });
    println!("{} histories", tried.get());
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_every_cursor_and_every_event_comes_exactly_the_rest() {
    tried(async |stage, steps| {
        let looks = stage.play(&steps).await;
        stage.check(&looks, usize::MAX).await
    })
    .await;
}

/// What was heard live was cut into pieces as it came, and every piece's places are good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_goes_on_after_any_event_that_was_heard_live() {
    tried(async |stage, steps| {
        let before: HashSet<i64> = stage.log.committed().await.into_iter().collect();
        let mut subscription = stage.log.subscribe().await;
        stage.play(&steps).await;
        run(&mut stage.log.connect().await, &insert(1, 1)).await;
        let mut committed = stage.log.committed().await;
        committed.retain(|id| !before.contains(id));
        let last = *committed.last().expect("the last entry");
        let mut heard = Vec::new();
        while heard.len() < committed.len() {
            heard.push(next_event(&mut subscription).await.expect("an event"));
        }
        for (place, event) in heard.iter().enumerate().filter(|(place, _)| place + 1 < heard.len()) {
            let mut rest = ids(&stage.rest(event.cursor().expect("a cursor"), last, usize::MAX).await);
            rest.extend(ids(&heard[..=place]));
            rest.sort_unstable();
            prop_assert_eq!(&rest, &committed, "after the event at {}", place);
        }
        Ok(())
    })
    .await;
}

/// Too long to be listed: it is walked through, and the order is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_holds_of_a_window_of_any_length() {
    let mut stage = Stage::new().await;
    let mut random: proptest::test_runner::TestRunner = runner(1);
    for burst in [0, 1] {
        let mut steps = || {
            let strategy = prop::collection::vec(any_step(), 30..60);
            strategy.new_tree(&mut random).expect("steps").current()
        };
        let (one, other) = (steps(), steps());
        let late = format!("BEGIN; {}", insert(1, 3));
        let mut open = stage.log.connect().await;
        run(&mut open, &late).await;
        let mut looks = stage.play(&one).await;
        if burst == 0 {
            run(&mut open, &insert(1, MANY)).await;
        } else {
            // As many transactions, most of them short.
            stage.log.run(&singly(MANY)).await;
        }
        looks.truncate(1);
        stage.play(&other).await;
        run(&mut open, &format!("{}; COMMIT", insert(1, 2))).await;
        stage.check(&looks, 12).await.unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// The statement that records entries each in a transaction of its own.
fn singly(count: usize) -> String {
    format!("DO $$ BEGIN FOR round IN 1..{count} LOOP {}; COMMIT; END LOOP; END $$", insert(1, 1))
}
