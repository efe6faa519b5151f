//! Several servers, and the task that folds.

use afterimage::audit::Filter;
use afterimage::store::{self, Database, Folded, Part, TimeBucket, fold, keep};

use super::{fold_all, is_counted, is_exact};
use crate::support::{Api, World, both};

const ROWS: &str = "action, table_name, record_id, user_id";

async fn database(world: &World) -> Database {
    Api::start(world).await.server.services.database
}

/// All counts of one answer are of the same moment.
async fn adds_up(database: &Database) -> i64 {
    let parts = [Part::Total, Part::ByTable(100), Part::ByUser(100), Part::ByAction, Part::Timeline(TimeBucket::Hour)];
    // By the log and by the counters in one answer.
    let filters = [Filter::everything(), Filter::Not(Box::new(Filter::Table(vec!["none".into()])))];
    let mut least = 0;
    for filter in filters {
        let counts = store::summary(database, &filter, &parts).await.expect("counts");
        let total = counts.total();
        let actions: i64 = counts.by_action().iter().map(|(_, count)| count).sum();
        let tables: i64 = counts.by_table(100).iter().map(|(_, count)| count).sum();
        let users: i64 = counts.by_user(100).iter().map(|user| user.count).sum();
        let times: i64 = counts.timeline(TimeBucket::Hour).expect("times").iter().map(|(_, count)| count).sum();
        assert_eq!([actions, tables, users, times], [total; 4]);
        assert!(total >= least, "{total} after {least}");
        least = total;
    }
    least
}

both! {
    async fn two_servers_and_writers_disturb_no_one(world: World) {
        let (one, other) = (database(&world).await, database(&world).await);
        let write = async |user: &str| {
            for round in 0..40 {
                let rows = format!("('DELETE', 't', '{round}', '{user}'), ('CREATE', 't', '{round}', '{user}'), ('DELETE', 'u', '{user}{round}', null)");
                world.insert(ROWS, &rows).await;
            }
        };
        let folds = async |database: &Database| {
            for _ in 0..40 {
                // Where it is elsewhere, or someone else has SQLite's lock for long, the next one will do.
                fold(database).await.expect("a fold");
            }
        };
        let ask = async || {
            let mut least = 0;
            for _ in 0..40 {
                let total = adds_up(&one).await;
                assert!(total >= least, "{total} after {least}");
                least = total;
            }
        };
        tokio::join!(write("a"), write("b"), folds(&one), folds(&other), ask());
        is_exact(&world, &one).await;
        fold_all(&other).await;
        is_exact(&world, &one).await;
        assert_eq!(adds_up(&other).await, 240);
    }

    async fn a_server_folds_by_itself(world: World) {
        let database = database(&world).await;
        world.insert(ROWS, "('DELETE', 't', 'a', '1')").await;
        let counted = async { while !is_counted(&world).await {} };
        tokio::select! {
            never = keep(&database) => match never {},
            () = counted => {}
        }
        // The one above may have been stopped at any point.
        fold_all(&database).await;
        is_exact(&world, &database).await;
        assert_eq!(fold(&database).await.expect("a fold"), Folded::Nothing);
    }
}
