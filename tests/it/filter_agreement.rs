//! Subscribers are served by `Filter::matches`, pages by SQL: on any entries and any filter both must say the same.

pub mod strategies;

use std::time::{Duration, Instant};

use afterimage::audit::{Entry, Filter, PageRequest};
use afterimage::store::{self, Selection};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::json;
use tokio::runtime::Handle;

use crate::support::{Api, World, both, by_hand, runner};
use strategies::{any_filter, any_input, any_row};

/// How long filters are tried, and how many at the most.
const TIME: Duration = Duration::from_secs(8);
const CASES: u32 = 3_000;
/// Entries of each kind.
const ENTRIES: usize = 60;

fn some<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut one = || strategy.new_tree(runner).expect("a value").current();
    (0..count).map(|_| one()).collect()
}

/// Entries made by hand, through the API, and such as triggers leave, by SQL.
async fn fill(world: &World, api: &Api, runner: &mut TestRunner) -> Vec<Entry> {
    let inputs = some(runner, any_input(), ENTRIES);
    api.record(inputs.into_iter().map(|input| by_hand("", input)).collect::<Vec<_>>()).await;
    let rows = some(runner, any_row(), ENTRIES);
    world.insert(strategies::ROW_COLUMNS, &rows.join(",")).await;
    let request = PageRequest::new(Some(1_000), None, None, None, None).unwrap();
    let everything = Selection::of(Filter::everything());
    let (entries, more) = store::page(&api.server.services.database, &everything, &request).await.unwrap();
    assert!(!more && entries.len() == 2 * ENTRIES);
    entries
}

async fn disagreement(api: &Api, entries: &[Entry], filter: Filter) -> Option<String> {
    let database = &api.server.services.database;
    let expected: Vec<i64> = entries.iter().filter(|entry| filter.matches(entry)).map(|entry| entry.id).collect();
    let request = PageRequest::new(Some(1_000), None, None, None, None).unwrap();
    let selection = Selection::of(filter);
    let (page, _) = match store::page(database, &selection, &request).await {
        Ok(page) => page,
        Err(error) => return Some(error.to_string()),
    };
    let found: Vec<i64> = page.iter().map(|entry| entry.id).collect();
    if found != expected {
        let differing = entries.iter().find(|entry| found.contains(&entry.id) != expected.contains(&entry.id));
        return Some(format!("they differ on {differing:#?}"));
    }
    match store::count(database, &selection).await {
        Ok(count) if count == expected.len() as i64 => None,
        other => Some(format!("counted {other:?}, found {}", expected.len())),
    }
}

both! {
    async fn sql_and_memory_agree_on_every_filter(world: World) {
        let api = Api::start(&world).await;
        let mut runner = runner(CASES);
        let entries = fill(&world, &api, &mut runner).await;
        let end = Instant::now() + TIME;
        let runtime = Handle::current();
        let tried = std::cell::Cell::new(0);
        let outcome = tokio::task::block_in_place(|| runner.run(&any_filter(), |filter| {
            if Instant::now() > end {
                return Ok(());
            }
            tried.set(tried.get() + 1);
            match runtime.block_on(disagreement(&api, &entries, filter)) {
                Some(why) => Err(TestCaseError::fail(why)),
                None => Ok(()),
            }
        }));
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(tried.get() > 50, "{} filters were tried", tried.get());
    }

    /// What came in as `createAuditLogs` and what it comes out as is the same entry for both.
    async fn the_entries_are_such_that_filters_part_them(world: World) {
        let api = Api::start(&world).await;
        let mut runner = runner(CASES);
        let entries = fill(&world, &api, &mut runner).await;
        let mut parted = 0;
        for filter in some(&mut runner, any_filter(), 300) {
            let count = entries.iter().filter(|entry| filter.matches(entry)).count();
            parted += usize::from(count > 0 && count < entries.len());
        }
        assert!(parted > 60, "{parted} of 300 filters let some through and not others");
        assert_eq!(api.ask("{ auditLogs { totalCount } }", json!({})).await["auditLogs"]["totalCount"], entries.len());
    }
}
