//! Rows that refer to each other in a circle come and go together.

use super::{all, entry, tracked, transaction, undo_as_planned, undo_transaction};
use crate::support::{Kind, World, both};

/// Tables in a circle: each refers to the next by a column `to_next`.
async fn circle(world: &World, names: &[&str], action: &str) {
    let next = |place: usize| names[(place + 1) % names.len()];
    for (place, name) in names.iter().enumerate() {
        let reference = format!("references {} (id) {action}", next(place));
        let column = if world.kind == Kind::Sqlite { reference.as_str() } else { "" };
        world.sql(&format!("create table {name} (id integer primary key, to_next integer {column}, a text)")).await;
    }
    if world.kind == Kind::Postgres {
        for (place, name) in names.iter().enumerate() {
            world
                .sql(&format!("alter table {name} add foreign key (to_next) references {} (id) {action}", next(place)))
                .await;
        }
    }
}

/// Rows that go round: 1 in each table; and a row 2 in the first that hangs on the round.
fn rounds(names: &[&str]) -> String {
    let inserts: Vec<String> = names.iter().map(|name| format!("insert into {name} values (1, null, 'x')")).collect();
    let updates: Vec<String> = names.iter().map(|name| format!("update {name} set to_next = 1")).collect();
    format!("{}; {}; insert into {} values (2, 1, 'y')", inserts.join("; "), updates.join("; "), names[0])
}

const ACTIONS: [&str; 5] = [
    "on delete cascade",
    "on delete no action",
    "on delete set null",
    "on delete no action deferrable initially deferred",
    "on delete restrict",
];

both! {
    async fn of_two_and_of_three_tables(world: World) {
        for names in [&["a", "b"] as &[&str], &["a", "b", "c"], &["a"]] {
            for action in ACTIONS {
                // SQLite's RESTRICT is looked at row by row, whatever is deferred.
                if world.kind == Kind::Sqlite && action.contains("restrict") {
                    continue;
                }
                let fresh = World::new(world.kind).await;
                circle(&fresh, names, action).await;
                let api = tracked(&fresh, "select 1", names).await;
                let created = transaction(&fresh, &api, &rounds(names)).await;
                let full = all(&fresh, names).await;
                // All at once away, and back.
                let done = undo_transaction(&api, &created).await;
                assert!(all(&fresh, names).await.iter().all(Vec::is_empty), "{names:?} {action}: {done}");
                undo_transaction(&api, done["auditLog"]["transactionId"].as_str().expect("an id")).await;
                assert_eq!(all(&fresh, names).await, full, "{names:?} {action}");
                // From one of them.
                let id = entry(&api, "CREATE", names[0], "1").await;
                let first = crate::undo::undo_as_planned(&api, &id, false).await;
                if action != "on delete set null" {
                    assert!(all(&fresh, names).await.iter().all(Vec::is_empty), "{names:?} {action}: {first}");
                }
                let away = entry(&api, "DELETE", names[0], "1").await;
                undo_as_planned(&api, &away, true).await;
                assert_eq!(all(&fresh, names).await, full, "{names:?} {action}");
            }
        }
    }

    async fn a_cascade_around_is_undone_by_its_transaction_and_by_what_was_linked(world: World) {
        let names = ["a", "b", "c"];
        circle(&world, &names, "on delete cascade").await;
        let api = tracked(&world, "select 1", &names).await;
        transaction(&world, &api, &rounds(&names)).await;
        let full = all(&world, &names).await;
        let fell = transaction(&world, &api, "delete from b where id = 1").await;
        assert!(all(&world, &names).await.iter().all(Vec::is_empty));
        undo_transaction(&api, &fell).await;
        assert_eq!(all(&world, &names).await, full);
        transaction(&world, &api, "delete from c where id = 1").await;
        undo_as_planned(&api, &entry(&api, "DELETE", "b", "1").await, true).await;
        assert_eq!(all(&world, &names).await, full);
    }
}
