//! A new era on PostgreSQL: what was counted by the numbers of another life holds no more.

use afterimage::store::Database;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{fold_all, is_exact};
use crate::support::{Api, Kind, World};

const ROWS: &str = "action, table_name, record_id, user_id";

async fn open() -> (World, Database) {
    let world = World::new(Kind::Postgres).await;
    let database = Api::start(&world).await.server.services.database;
    (world, database)
}

async fn begin(world: &World, sql: &str) -> PgConnection {
    let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(format!("begin; {sql}"))).execute(&mut connection).await.expect("an open transaction");
    connection
}

async fn commit(mut connection: PgConnection) {
    sqlx::raw_sql("commit").execute(&mut connection).await.expect("a commit");
    connection.close().await.expect("goodbye");
}

/// As `settle_era` does where the database has begun another life.
async fn raise(world: &World) {
    let era = "insert into afterimage.era (era, system_identifier, database_oid, timeline) \
        select max(era) + 1, 'elsewhere', 1, 1 from afterimage.era";
    world.sql(era).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_numbers_of_another_life_say_nothing() {
    let (world, database) = open().await;
    // As restored rows have them: greater than any here.
    let foreign = "tx, action, table_name, record_id, user_id";
    world.insert(foreign, "('900000000001', 'DELETE', 't', 'a', '1'), ('900000000002', 'CREATE', 't', 'b', '2')").await;
    world.insert(ROWS, "('DELETE', 't', 'b', '1')").await;
    fold_all(&database).await;
    raise(&world).await;
    is_exact(&world, &database).await;
    world.insert(ROWS, "('CREATE', 't', 'a', '1')").await;
    is_exact(&world, &database).await;
    fold_all(&database).await;
    is_exact(&world, &database).await;
    world.insert(ROWS, "('DELETE', 'u', 'c', '1')").await;
    is_exact(&world, &database).await;
    fold_all(&database).await;
    is_exact(&world, &database).await;
    let counted = world.scalar("select count from afterimage.rollup_count where measure = 0 and level = 0").await;
    assert_eq!(counted, "5");
}

/// Its entries are of the era in which they were written, and come after the counting of the next has begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_outlives_its_era_is_counted_once() {
    let (world, database) = open().await;
    world.insert(ROWS, "('DELETE', 't', 'a', '1')").await;
    let late = begin(&world, &format!("insert into afterimage.log ({ROWS}) values ('CREATE', 't', 'a', '1')")).await;
    let other = begin(&world, &format!("insert into afterimage.log ({ROWS}) values ('DELETE', 't', 'b', '1')")).await;
    let number = world.scalar("select backend_xid from pg_stat_activity where state = 'idle in transaction' and datname = current_database() limit 1").await;
    // By chance, a restored row has the very number of a transaction that is under way.
    world.insert("tx, action, table_name, record_id", &format!("('{number}', 'DELETE', 'u', 'x')")).await;
    raise(&world).await;
    fold_all(&database).await;
    is_exact(&world, &database).await;
    commit(late).await;
    is_exact(&world, &database).await;
    fold_all(&database).await;
    is_exact(&world, &database).await;
    commit(other).await;
    is_exact(&world, &database).await;
    for key in ["c", "d"] {
        fold_all(&database).await;
        is_exact(&world, &database).await;
        world.insert(ROWS, &format!("('DELETE', 't', '{key}', null)")).await;
    }
    is_exact(&world, &database).await;
}
