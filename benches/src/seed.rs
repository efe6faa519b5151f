//! A log of any size, the same each time: a year of entries on eight tables by 500 users, some of whom do far more than
//! others; objects with short and long histories, one of them with a hundredth of all entries; a tenth of the entries
//! are deletions, and 99 in 100 of those were undone right after.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::PgConnection;
use tokio::task::JoinSet;

use crate::world::{connect, run, scalar};

/// The day of the first entry, and how many days there are.
pub const BEGIN: &str = "2025-11-01";
pub const DAYS: usize = 365;
pub const USERS: usize = 500;
pub const TABLES: usize = 8;
/// The object that has a hundredth of all entries: its table and key.
pub const LONG: (&str, &str) = ("ledger", "1");
/// How many entries a transaction has, and how many write at once.
const BATCH: usize = 50_000;
const WRITERS: usize = 2;

/// How many objects each of the tables has.
pub fn objects(entries: usize) -> usize {
    entries / 20
}

/// A share of 1 that depends on the entry's number and on what it is for.
fn share(what: usize) -> String {
    format!("((hashint8extended(n, {what}) & 1048575) / 1048576.0::float8)")
}

/// The statement for the entries numbered so.
fn insert(from: usize, to: usize, all: usize, before: i64) -> String {
    let (user, table, object, kind) = (share(1), share(2), share(3), share(4));
    let objects = objects(all);
    let step = DAYS as f64 * 86_400.0 / all as f64;
    format!(
        "insert into afterimage.log (id, era, \"timestamp\", action, table_name, record_id, user_id, username, \
           old_values, new_values, ip_address, correlation_id, database_role, source, description)
         overriding system value
         select n + {before}, (select afterimage.current_era()), timestamptz '{BEGIN} 00:00+00' + n * interval '{step} seconds', \
           action, table_name, record_id, 'u' || u, 'User ' || u,
           case when action in ('UPDATE', 'DELETE') then {old} end::json,
           case when action in ('UPDATE', 'CREATE') then {new} end::json,
           '10.0.' || u % 16 || '.' || u % 250, 'req-' || n / 3, 'app',
           case when kind = 1 then 'UNDO' else 'TRIGGER' end, case when kind = 1 then 'it was a mistake' end
         from (select n, u, kind,
             case when kind = 0 then 'DELETE' when kind = 1 then 'CREATE' when kind = 2 then 'UPDATE'
                  when k < 0.72 then 'UPDATE' when k < 0.97 then 'CREATE' else 'READ' end as action,
             case when kind < 2 then 'table_' || n / 10 % {TABLES} when kind = 2 then '{long_table}'
                  else 'table_' || floor({TABLES} * power(t, 1.5))::int end as table_name,
             case when kind < 2 then 'gone-' || n / 10 when kind = 2 then '{long_key}'
                  else floor({objects} * power(o, 3))::int::text end as record_id
           from (select n, floor({USERS} * power({user}, 2))::int as u, {table} as t, {object} as o, {kind} as k,
               case when n % 10 = 0 then 0 when n % 10 = 1 and n / 10 % 100 <> 0 then 1 when n % 100 = 2 then 2 \
                    else 3 end as kind
             from generate_series({from}::bigint, {to}::bigint) n) drawn) named",
        old = image("n - 1"),
        new = image("n"),
        long_table = LONG.0,
        long_key = LONG.1,
    )
}

/// An image of about 170 bytes.
fn image(number: &str) -> String {
    format!(
        "'{{\"name\":\"Product ' || {number} || '\",\"price\":\"' || ({number}) % 1000 || '.' || ({number}) % 90 + 10 || '\",\"stock\":' || \
         ({number}) % 500 || ',\"supplier\":\"Supplier ' || ({number}) % 97 || '\",\"updated_at\":\
         \"2026-03-01T09:30:00.123456Z\",\"note\":\"' || md5(({number})::text) || '\"}}'"
    )
}

/// Fills a log that is all but empty with this many entries. Its indexes are made anew after that, as a restore does it.
pub async fn fill(url: &str, entries: usize) {
    println!("  {entries} entries, from the seed");
    let mut connection = connect(url).await;
    let definitions: String = scalar(
        &mut connection,
        "select coalesce(string_agg(pg_get_indexdef(indexrelid), ';'), '') from pg_index
          where indrelid = 'afterimage.log'::regclass and not indisprimary",
    )
    .await;
    let drop: String = scalar(
        &mut connection,
        "select coalesce(string_agg(format('drop index %s', indexrelid::regclass), ';'), '') from pg_index
          where indrelid = 'afterimage.log'::regclass and not indisprimary",
    )
    .await;
    run(&mut connection, &drop).await;
    // What has been tracked has left an entry.
    let before: i64 = scalar(&mut connection, "select coalesce(max(id), 0) from afterimage.log").await;
    let next = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (next, url) = (Arc::clone(&next), url.to_owned());
        writers.spawn(async move {
            let mut connection = connect(&url).await;
            // Nothing of this has to outlive the benchmark.
            run(&mut connection, "set synchronous_commit = off").await;
            loop {
                let from = 1 + next.fetch_add(BATCH, Ordering::Relaxed);
                if from > entries {
                    return;
                }
                run(&mut connection, &insert(from, entries.min(from + BATCH - 1), entries, before)).await;
            }
        });
    }
    writers.join_all().await;
    let sequence = format!("select setval(pg_get_serial_sequence('afterimage.log', 'id'), {before} + {entries})");
    run(&mut connection, &sequence).await;
    println!("  the indexes");
    index(url, &definitions).await;
    println!("  vacuum");
    run(&mut connection, "vacuum (analyze, parallel 2) afterimage.log").await;
    run(&mut connection, "checkpoint").await;
}

/// Makes the indexes, two at a time.
async fn index(url: &str, definitions: &str) {
    let definitions: Vec<String> = definitions.split(';').filter(|text| !text.is_empty()).map(str::to_owned).collect();
    let (definitions, next) = (Arc::new(definitions), Arc::new(AtomicUsize::new(0)));
    let mut makers = JoinSet::new();
    for _ in 0..WRITERS {
        let (definitions, next) = (Arc::clone(&definitions), Arc::clone(&next));
        let mut connection: PgConnection = connect(url).await;
        makers.spawn(async move {
            run(&mut connection, "set maintenance_work_mem = '1GB'; set max_parallel_maintenance_workers = 0").await;
            while let Some(definition) = definitions.get(next.fetch_add(1, Ordering::Relaxed)) {
                run(&mut connection, definition).await;
            }
        });
    }
    makers.join_all().await;
}
