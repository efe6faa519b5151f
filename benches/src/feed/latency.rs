//! From commit to arrival, with a thousand changes a second and a thousand subscribers, each of whom wants one in a
//! hundred; beside it whether any writer waited for the feed, and what a subscriber that reads nothing costs the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Row as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ROUNDS;
use super::writers::{Commits, USERS, write};
use crate::process::{processor_time, processor_time_of_family};
use crate::report::Report;
use crate::server::Server;
use crate::stats::percentile;
use crate::subscriber::Subscriber;
use crate::world::{World, run};

const SUBSCRIBERS: usize = 1_000;
/// Changes a second.
const RATE: usize = 1_000;
/// How long a round lasts.
const SECONDS: usize = 15;
/// Of a round, what is not counted: caches fill, and connections are made.
const WARM_UP: usize = 2;
/// How many subscribers read nothing, in the rounds that have such.
const STALLED: usize = 20;
/// How many rows are written to fill their buffers: ten megabytes of messages.
const FLOOD: usize = 20_000;
/// The first key of those rows.
const FIRST_KEY: usize = 5_000_000;
/// Between two looks at the locks.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// What one round found.
struct Round {
    latencies: Vec<f64>,
    server: Duration,
    postgres: Duration,
    looks: usize,
    /// Writers that waited for a session of the feed.
    blocked: i64,
    /// Locks of the feed's sessions that any writer could wait for.
    locks: i64,
}

pub async fn measure(report: &mut Report, world: &World) {
    println!("{RATE} changes a second, {SUBSCRIBERS} subscribers that each want 1 %");
    let server = Server::start(&world.url);
    let mut rounds = Vec::new();
    let mut stalled = Vec::new();
    for number in 0..ROUNDS {
        rounds.push(round(world, &server, 2 * number, 0).await);
        stalled.push(round(world, &server, 2 * number + 1, STALLED).await);
    }
    let of = |rounds: &mut [Round], share: f64| -> Vec<f64> {
        rounds.iter_mut().map(|round| percentile(&mut round.latencies, share)).collect()
    };
    report.add("commit to arrival, p50", "ms", Some("at most 15"), of(&mut rounds, 0.5));
    report.add("commit to arrival, p99", "ms", Some("at most 60"), of(&mut rounds, 0.99));
    report.add(format!("the same beside {STALLED} that read nothing, p50"), "ms", None, of(&mut stalled, 0.5));
    report.add(format!("the same beside {STALLED} that read nothing, p99"), "ms", None, of(&mut stalled, 0.99));
    let per_second = |time: Duration| time.as_secs_f64() * 1_000.0 / SECONDS as f64;
    report.add(
        "processor time of the server",
        "ms a second",
        None,
        rounds.iter().map(|round| per_second(round.server)).collect(),
    );
    report.add(
        "processor time of PostgreSQL",
        "ms a second",
        None,
        rounds.iter().map(|round| per_second(round.postgres)).collect(),
    );
    let all = || rounds.iter().chain(&stalled);
    let counts = |count: fn(&Round) -> i64| all().map(|round| count(round) as f64).collect();
    report.add("writers seen waiting for the feed", "", Some("none"), counts(|round| round.blocked));
    report.add("locks of the feed that a writer could wait for", "", Some("none"), counts(|round| round.locks));
    report.notes.push(format!("The locks were looked at {} times.", all().map(|round| round.looks).sum::<usize>()));
}

async fn round(world: &World, server: &Server, number: usize, stalled: usize) -> Round {
    let count = RATE * SECONDS;
    let commits = Commits::new(1 + number * count, count);
    let _stalled = stall(world, server, stalled, FIRST_KEY + number * FLOOD).await;
    let mut subscribers = JoinSet::new();
    for index in 0..SUBSCRIBERS {
        let user = index % USERS;
        let filter = json!({"userId": [format!("u{user}")]});
        let mut subscriber = Subscriber::open(server, json!({"filter": filter, "positions": true})).await;
        subscriber.ready().await;
        subscribers.spawn(listen(subscriber, Arc::clone(&commits), user));
    }
    let (stop, stopped) = watch::channel(false);
    let locks = tokio::spawn(look_at_locks(world.connect().await, stopped));
    let postmaster = world.postmaster().await;
    let before = (processor_time(server.pid()), processor_time_of_family(postmaster), Instant::now());
    write(world, &commits, RATE).await;
    let arrivals = subscribers.join_all().await.concat();
    let (server_time, postgres_time) = (processor_time(server.pid()), processor_time_of_family(postmaster));
    let counted = arrivals.iter().filter(|(key, _)| *key > number * count + RATE * WARM_UP);
    let latencies: Vec<f64> = counted.map(|(key, arrival)| commits.until(*key, *arrival)).collect();
    println!("  round {}: {} arrivals in {:.1} s", number + 1, arrivals.len(), before.2.elapsed().as_secs_f64());
    stop.send_replace(true);
    let (looks, blocked, locks) = locks.await.expect("the looks go on");
    let (server, postgres) = (server_time - before.0, postgres_time.saturating_sub(before.1));
    Round { latencies, server, postgres, looks, blocked, locks }
}

/// Subscribers that want everything and read nothing, after so much has been written that the system's buffers and the
/// server's are full: while those fill, they are subscribers like any other.
async fn stall(world: &World, server: &Server, count: usize, first_key: usize) -> Vec<Subscriber> {
    let mut stalled = Vec::with_capacity(count);
    for _ in 0..count {
        let mut subscriber = Subscriber::open_narrow(server, json!({"positions": true})).await;
        subscriber.ready().await;
        stalled.push(subscriber);
    }
    if count > 0 {
        let mut reader = Subscriber::open(server, json!({"positions": true})).await;
        reader.ready().await;
        let last = first_key + FLOOD - 1;
        let flood = format!("insert into items select n, -1, 'flood' from generate_series({first_key}, {last}) n");
        run(&mut world.connect().await, &flood).await;
        while reader.entry().await.expect("the subscription goes on") != last {}
    }
    stalled
}

/// Takes all entries of the user, in any order, and tells their keys and when they came.
async fn listen(mut subscriber: Subscriber, commits: Arc<Commits>, user: usize) -> Vec<(usize, u64)> {
    let mut arrivals = Vec::new();
    for _ in 0..RATE * SECONDS / USERS {
        let key = subscriber.entry().await.expect("the subscription goes on");
        assert_eq!(Commits::user(key), user, "an entry that the filter does not mean");
        arrivals.push((key, commits.now()));
    }
    arrivals
}

/// Until told to stop: how often it looked, and the writers that waited for the feed and the locks they could wait for.
async fn look_at_locks(mut connection: sqlx::PgConnection, mut stopped: watch::Receiver<bool>) -> (usize, i64, i64) {
    // A session's lock on its own virtual transaction is waited for by CREATE INDEX CONCURRENTLY and the like only, and
    // AccessShareLock conflicts with nothing that writes rows.
    let statement = "with feed as (select pid from pg_stat_activity where application_name = 'afterimage feed') \
         select (select count(*) from pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) as blocker (pid) \
                  where blocker.pid in (select pid from feed)), \
                (select count(*) from pg_locks l where l.pid in (select pid from feed) \
                    and l.locktype <> 'virtualxid' and l.mode <> 'AccessShareLock')";
    let (mut looks, mut blocked, mut locks) = (0, 0, 0);
    while tokio::time::timeout(LOCK_INTERVAL, stopped.changed()).await.is_err() {
        let row = sqlx::query(statement).fetch_one(&mut connection).await.expect("PostgreSQL answers");
        looks += 1;
        blocked += row.get::<i64, _>(0);
        locks += row.get::<i64, _>(1);
    }
    (looks, blocked, locks)
}
