//! What would run for ever is cancelled in the database, and its connection is good for the next.

use std::str::FromStr as _;
use std::time::Duration;

use afterimage::audit::Code;
use afterimage::store::{self, Database};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::support::{Api, Kind, World, both};

/// All that may have to walk the whole log: more than SQLite has connections.
const QUESTIONS: [&str; 10] = [
    "{ auditLogs(filter: {search: \"nowhere\"}) { nodes { id } } }",
    "{ auditLogs(filter: {search: \"nowhere\"}) { totalCount } }",
    "{ auditLogs(filter: {changedField: [\"nothing\"]}) { nodes { id } } }",
    "{ auditLogs(filter: {changedField: [\"nothing\"]}, last: 1) { pageInfo { hasNextPage } } }",
    "{ auditLogs(filter: {changedField: [\"nothing\"]}) { totalCount } }",
    "{ summary(filter: {search: \"nowhere\"}) { byUser { userId count } byAction { action count } } }",
    "{ trash(filter: {changedField: [\"nothing\"]}) { nodes { id } } }",
    "{ trash(filter: {search: \"nowhere\"}, offset: 1) { totalCount } }",
    "{ objectHistory(tableName: \"t\", recordId: \"a\") { nodes { id } } }",
    "{ trackedObject(tableName: \"t\", recordId: \"a\") { blame { field } } }",
];

/// A number that neither database lives to tell.
const ENDLESS: &str = "(WITH ten (i) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) \
     SELECT count(*) FROM ten AS a, ten AS b, ten AS c, ten AS d, ten AS e, ten AS f, ten AS g, ten AS h, \
                          ten AS i, ten AS j, ten AS k, ten AS l, ten AS m, ten AS n, ten AS o, ten AS p)";

impl World {
    /// From now on it takes for ever to read any image of the log.
    async fn make_images_endless(&self) {
        let (log, kept, number) = match self.kind {
            Kind::Sqlite => ("afterimage_log", "log_kept", ENDLESS),
            // Other tests need the processor.
            Kind::Postgres => ("afterimage.log", "afterimage.log_kept", "afterimage.endless()"),
        };
        if self.kind == Kind::Postgres {
            // Said to be stable, so that it is not called where the column is not read.
            self.sql(
                "CREATE OR REPLACE FUNCTION afterimage.endless() RETURNS integer LANGUAGE plpgsql STABLE \
                 AS 'BEGIN PERFORM pg_sleep(1000000); RETURN 1; END'",
            )
            .await;
        }
        self.sql(&format!(
            "ALTER TABLE {log} RENAME TO log_kept; \
             CREATE VIEW {log} AS SELECT id, era, tx, timestamp, action, table_name, record_id, previous_record_id, \
               user_id, username, old_values, CASE WHEN {number} > 0 THEN new_values END AS new_values, redacted, \
               description, ip_address, correlation_id, metadata, source, database_role, recorded_by, trusted, undo_of \
               FROM {kept}"
        ))
        .await;
    }

    /// Takes that back, as soon as nobody reads the log any more: while anybody does, it fails.
    async fn mend_images(&self) {
        match self.kind {
            Kind::Sqlite => {
                assert!(!self.is_being_read().await, "somebody reads");
                self.sql("DROP VIEW afterimage_log; ALTER TABLE log_kept RENAME TO afterimage_log").await;
            }
            Kind::Postgres => {
                self.sql(
                    "SET lock_timeout = '60s'; DROP VIEW afterimage.log; \
                     ALTER TABLE afterimage.log_kept RENAME TO log",
                )
                .await;
            }
        }
    }

    /// Whether anybody reads a file of SQLite's and does not end within the patience of a program.
    async fn is_being_read(&self) -> bool {
        self.rows("PRAGMA wal_checkpoint(truncate)").await[0][0].as_deref() != Some("0")
    }
}

async fn prepared(world: &World, request_timeout: u64) -> Api {
    let api = Api::start_with(world, |settings| settings.request_timeout = request_timeout).await;
    let rows = "('CREATE', 't', 'a', '{\"n\": 1}'), ('CREATE', 't', 'b', '{\"n\": 2}'), ('DELETE', 't', 'b', null)";
    world.insert("action, table_name, record_id, new_values", rows).await;
    store::fold(&api.server.services.database).await.expect("all is counted");
    api
}

both! {
    async fn a_request_whose_time_is_up_leaves_nothing_running(world: World) {
        let api = prepared(&world, 1).await;
        for question in QUESTIONS {
            world.make_images_endless().await;
            let (code, message) = api.refusal(question, json!({})).await;
            assert_eq!(code, "UNAVAILABLE", "{message}");
            assert!(message.contains("ask for less"), "{message}");
            world.mend_images().await;
            api.ask(question, json!({})).await;
        }
    }

    /// What the database says by itself, where no request is there to be timed.
    async fn a_statement_that_takes_too_long_is_unavailable(world: World) {
        let database = Database::connect(&world.database_url, Duration::from_millis(200)).await.unwrap();
        gives_up(&database).await;
    }
}

/// Reading ends by itself, in a transaction or not, and what comes next on the same connection does not suffer from it.
async fn gives_up(database: &Database) {
    let reader = &database.reader;
    let statement = |sql: &str| Statement::from_string(reader.get_database_backend(), format!("SELECT {sql}"));
    let is_given_up = |error: DbErr| {
        let error = store::failed(error);
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
        assert!(error.to_string().contains("the database took longer than a request may"), "{error}");
    };
    is_given_up(reader.query_all_raw(statement(ENDLESS)).await.unwrap_err());
    reader.query_all_raw(statement("1")).await.unwrap();
    let transaction = reader.begin_with_options(database.dialect.read_options()).await.unwrap();
    transaction.query_one_raw(statement("1")).await.unwrap();
    is_given_up(transaction.query_one_raw(statement(ENDLESS)).await.unwrap_err());
    transaction.rollback().await.unwrap();
    let transaction = reader.begin_with_options(database.dialect.read_options()).await.unwrap();
    transaction.query_one_raw(statement("1")).await.unwrap();
    transaction.commit().await.unwrap();
}

/// A database in memory has one connection, for reading and for writing: what writes there is not limited, whatever was
/// read on it before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_too_reading_gives_up_and_writing_does_not() {
    for url in ["sqlite::memory:", &World::new(Kind::Sqlite).await.database_url] {
        let database = Database::connect(url, Duration::from_millis(200)).await.unwrap();
        gives_up(&database).await;
        drop(database);
        // No time at all: whatever is limited ends after some steps.
        let database = Database::connect(url, Duration::ZERO).await.unwrap();
        let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
        let statement = Statement::from_string(database.reader.get_database_backend(), many);
        database.reader.query_all_raw(statement.clone()).await.unwrap_err();
        database.writer.execute_unprepared(&format!("CREATE TABLE many AS {many}")).await.unwrap();
        let write = store::begin(&database.writer, database.dialect.write_options()).await.unwrap();
        assert_eq!(write.query_all_raw(statement).await.unwrap().len(), 20_000);
        write.commit().await.unwrap();
    }
}

/// On SQLite what nobody waits for any more ends at once. On PostgreSQL it ends when its time is up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_client_goes_away_sqlite_stops() {
    let world = World::new(Kind::Sqlite).await;
    let api = prepared(&world, 3_600).await;
    world.make_images_endless().await;
    for question in QUESTIONS {
        tokio::select! {
            answer = api.refusal(question, json!({})) => panic!("{answer:?}"),
            () = reading_begins(&world) => {}
        }
        assert!(!world.is_being_read().await, "{question} goes on");
    }
    world.mend_images().await;
    for question in QUESTIONS {
        api.ask(question, json!({})).await;
    }
}

/// Waits until somebody reads the file.
async fn reading_begins(world: &World) {
    let options = SqliteConnectOptions::from_str(&world.database_url).unwrap().busy_timeout(Duration::ZERO);
    let mut connection = options.connect().await.unwrap();
    loop {
        // Whoever begins to read behind this is seen, by not letting the file of changes be emptied.
        sqlx::raw_sql("PRAGMA user_version = 1").execute(&mut connection).await.unwrap();
        let checkpoint = sqlx::query("PRAGMA wal_checkpoint(truncate)").fetch_one(&mut connection).await.unwrap();
        if checkpoint.get::<i64, _>(0) != 0 {
            return connection.close().await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}
