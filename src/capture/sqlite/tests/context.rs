//! Who did it.

use super::World;

const WHO: &str = "SELECT coalesce(tx, 'none') || ' ' || source || ' ' || coalesce(user_id, '-') || ' ' \
    || coalesce(username, '-') || ' ' || coalesce(ip_address, '-') || ' ' || coalesce(description, '-') || ' ' \
    || coalesce(correlation_id, '-') || ' ' || coalesce(metadata, '-') || ' ' || coalesce(recorded_by, '-') || ' ' \
    || coalesce(undo_of, '-') || ' ' || trusted FROM afterimage_log ORDER BY id";

async fn world() -> World {
    World::tracking("PRAGMA foreign_keys = ON; CREATE TABLE t (id INTEGER PRIMARY KEY, a)", &["t"]).await
}

#[tokio::test]
async fn without_a_context_an_entry_names_no_one() {
    let world = world().await;
    world.run("INSERT INTO t VALUES (1, 1)").await;
    assert_eq!(world.read(WHO).await, ["none TRIGGER - - - - - - - - 1"]);
}

#[tokio::test]
async fn the_applications_context_stands_in_each_entry_of_its_transaction() {
    let world = world().await;
    world
        .run(
            "BEGIN; INSERT INTO afterimage_context (user_id, username, ip_address, description, correlation_id, metadata)
             VALUES (42, 'ann', '::1', 'why', 'c-1', '{}');
             INSERT INTO t VALUES (1, 1); UPDATE t SET a = 2; DELETE FROM afterimage_context; COMMIT;
             INSERT INTO t VALUES (2, 1);
             BEGIN; INSERT INTO afterimage_context (user_id) VALUES ('bob'); DELETE FROM t WHERE id = 1;
             DELETE FROM afterimage_context; COMMIT",
        )
        .await;
    let expected = [
        "c1 TRIGGER 42 ann ::1 why c-1 {} - - 1",
        "c1 TRIGGER 42 ann ::1 why c-1 {} - - 1",
        "none TRIGGER - - - - - - - - 1",
        "c2 TRIGGER bob - - - - - - - 1",
    ];
    assert_eq!(world.read(WHO).await, expected);
}

#[tokio::test]
async fn a_context_left_behind_is_believed_for_ten_minutes() {
    let world = world().await;
    world
        .run(
            "PRAGMA foreign_keys = OFF; INSERT INTO afterimage_context (user_id, created_at)
             VALUES ('old', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-11 minutes')); INSERT INTO t VALUES (1, 1);
             INSERT INTO afterimage_context (user_id, created_at)
             VALUES ('new', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-9 minutes')); INSERT INTO t VALUES (2, 1)",
        )
        .await;
    assert_eq!(world.read(WHO).await, ["none TRIGGER - - - - - - - - 1", "c2 TRIGGER new - - - - - - - 1"]);
}

#[tokio::test]
async fn the_servers_context_counts_alone_and_makes_the_entry_an_undo() {
    let world = world().await;
    world
        .run(
            "BEGIN; INSERT INTO afterimage_context (user_id, username) VALUES ('42', 'ann');
             INSERT INTO afterimage_server_context (user_id, description, recorded_by) VALUES ('7', 'reason', 'root');
             INSERT INTO afterimage_server_undo VALUES ('t', '1', 'CREATE', 3);
             INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (2, 1); DELETE FROM afterimage_context;
             DELETE FROM afterimage_server_undo; DELETE FROM afterimage_server_context; COMMIT",
        )
        .await;
    assert_eq!(world.read(WHO).await, ["s1 UNDO 7 - - reason - - root 3 1", "s1 UNDO 7 - - reason - - root - 1"]);
}

#[tokio::test]
async fn a_long_context_is_cut() {
    let world = world().await;
    world
        .run(
            "BEGIN; INSERT INTO afterimage_context (user_id, username, ip_address, description, correlation_id, metadata)
             SELECT x, x, x, x, x, x FROM (SELECT replace(hex(zeroblob(10000)), '0', 'é') AS x);
             INSERT INTO t VALUES (1, 1); DELETE FROM afterimage_context; COMMIT",
        )
        .await;
    let lengths = "SELECT length(user_id) || ' ' || length(username) || ' ' || length(ip_address) || ' ' \
        || length(description) || ' ' || length(correlation_id) || ' ' || length(metadata) FROM afterimage_log";
    assert_eq!(world.read(lengths).await, ["500 1000 1000 4000 500 16384"]);
}
