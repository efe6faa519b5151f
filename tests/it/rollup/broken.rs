//! Folds that end before they are done.

use afterimage::audit::Code;
use afterimage::store::{Folded, fold};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::block_in_place;

use super::{fold_all, is_counted, is_exact, table};
use crate::support::cluster::Cluster;
use crate::support::{Api, Kind, World, both};

const ROWS: &str = "action, table_name, record_id, user_id";

both! {
    async fn a_fold_that_fails_leaves_what_was_there(world: World) {
        let database = Api::start(&world).await.server.services.database;
        world.insert(ROWS, "('DELETE', 't', 'a', '1'), ('DELETE', 't', 'b', null)").await;
        fold_all(&database).await;
        world.insert(ROWS, "('CREATE', 't', 'a', '1'), ('DELETE', 'u', 'c', '2')").await;
        let trash = table(&world, "rollup_trash");
        // The last but one of what a fold does.
        let (forbid, allow) = match world.kind {
            Kind::Sqlite => (
                format!("create trigger no before delete on {trash} begin select raise(abort, 'no'); end"),
                "drop trigger no".to_owned(),
            ),
            Kind::Postgres => (
                format!("create function no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$; \
                    create trigger no before delete on {trash} for each row execute function no()"),
                format!("drop trigger no on {trash}"),
            ),
        };
        world.sql(&forbid).await;
        fold(&database).await.expect_err("it must not delete");
        is_exact(&world, &database).await;
        world.sql(&allow).await;
        assert_eq!(fold(&database).await.expect("a fold"), Folded::Everything);
        is_exact(&world, &database).await;
        assert_eq!(fold(&database).await.expect("a fold"), Folded::Nothing);
    }

    async fn what_was_thrown_away_is_made_anew(world: World) {
        let database = Api::start(&world).await.server.services.database;
        world.insert(ROWS, "('DELETE', 't', 'a', '1'), ('READ', 't', 'a', '1'), ('DELETE', 't', 'b', null)").await;
        fold_all(&database).await;
        world.sql(&format!("delete from {}", table(&world, "rollup_position"))).await;
        world.sql(&format!("update {} set count = 77", table(&world, "rollup_count"))).await;
        is_exact(&world, &database).await;
        fold_all(&database).await;
        assert!(is_counted(&world).await);
        is_exact(&world, &database).await;
    }
}

/// The server is told so, and the database is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_whose_connection_is_ended_in_the_middle_leaves_what_was_there() {
    let world = World::new(Kind::Postgres).await;
    let database = Api::start(&world).await.server.services.database;
    world.insert(ROWS, "('DELETE', 't', 'a', '1')").await;
    fold_all(&database).await;
    world.insert(ROWS, "('DELETE', 't', 'b', '1')").await;
    let mut holder = PgConnection::connect(&world.database_url).await.expect("a connection");
    let hold = "begin; lock table afterimage.rollup_trash in share mode";
    sqlx::raw_sql(AssertSqlSafe(hold)).execute(&mut holder).await.expect("the lock");
    let kill = async {
        let waiting = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
            where datname = current_database() and wait_event_type = 'Lock'";
        while world.scalar(waiting).await == "0" {}
    };
    let (outcome, ()) = tokio::join!(fold(&database), kill);
    assert_eq!(outcome.expect_err("its connection was ended").code(), Code::Unavailable);
    holder.close().await.expect("the lock is given back");
    is_exact(&world, &database).await;
    fold_all(&database).await;
    is_exact(&world, &database).await;
}

/// Commits that were seen may be lost in a crash, and the numbers of their transactions be given out again. What was
/// counted is lost with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_takes_back_what_was_counted_with_what_it_was_counted_of() {
    let cluster = Cluster::start();
    let folder = World::new(Kind::Sqlite).await.folder;
    let world = World { kind: Kind::Postgres, database_url: cluster.database().await, folder };
    let database = Api::start(&world).await.server.services.database;
    world.sql("alter database test_0 set synchronous_commit = off").await;
    world.sql("alter system set wal_writer_delay = '10s'").await;
    world.sql("select pg_reload_conf()").await;
    for round in 0..3 {
        for key in 0..20 {
            world.insert(ROWS, &format!("('DELETE', 't', '{round}.{key}', '1')")).await;
            if key % 7 == round {
                let database = Api::start(&world).await.server.services.database;
                fold_all(&database).await;
            }
        }
        block_in_place(|| {
            cluster.crash();
            cluster.restart();
        });
        let database = Api::start(&world).await.server.services.database;
        world.insert(ROWS, &format!("('CREATE', 't', '{round}.1', '2')")).await;
        is_exact(&world, &database).await;
        fold_all(&database).await;
        is_exact(&world, &database).await;
    }
    drop(database);
}
