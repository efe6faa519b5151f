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

#[tokio::test]
async fn the_newest_of_several_contexts_counts_and_none_once_it_is_deleted() {
    let world = world().await;
    world
        .run(
            "BEGIN; INSERT INTO afterimage_context (user_id) VALUES ('one'); INSERT INTO t VALUES (1, 1);
             INSERT INTO afterimage_context (user_id) VALUES ('two'); INSERT INTO t VALUES (2, 1);
             DELETE FROM afterimage_context WHERE user_id = 'two'; INSERT INTO t VALUES (3, 1);
             DELETE FROM afterimage_context; INSERT INTO t VALUES (4, 1); COMMIT",
        )
        .await;
    let users =
        world.read("SELECT coalesce(user_id, 'nobody') || ' ' || coalesce(tx, '-') FROM afterimage_log ORDER BY id");
    assert_eq!(users.await, ["one c1", "two c2", "one c1", "nobody -"]);
}

#[tokio::test]
async fn a_context_of_nulls_numbers_the_transaction_and_names_no_one() {
    let world = world().await;
    world
        .run(
            "BEGIN; INSERT INTO afterimage_context DEFAULT VALUES; INSERT INTO t VALUES (1, 1); UPDATE t SET a = 2;
             DELETE FROM afterimage_context; COMMIT",
        )
        .await;
    assert_eq!(world.read(WHO).await, ["c1 TRIGGER - - - - - - - - 1", "c1 TRIGGER - - - - - - - - 1"]);
}

/// With foreign keys a row that is left behind cannot be committed; a rollback takes it along.
#[tokio::test]
async fn a_context_that_is_left_behind_fails_the_commit_until_it_is_deleted() {
    let world = world().await;
    assert!(
        world.attempt("INSERT INTO afterimage_context (user_id) VALUES ('42')").await.is_err(),
        "outside a transaction"
    );
    world.run("BEGIN; INSERT INTO afterimage_context (user_id) VALUES ('42'); INSERT INTO t VALUES (1, 1)").await;
    assert!(world.attempt("COMMIT").await.is_err());
    world.run("DELETE FROM afterimage_context; COMMIT").await;
    world
        .run("BEGIN; INSERT INTO afterimage_context (user_id) VALUES ('43'); INSERT INTO t VALUES (2, 1); ROLLBACK")
        .await;
    world.run("INSERT INTO t VALUES (3, 1)").await;
    assert_eq!(
        world.read("SELECT record_id || coalesce(user_id, '-') FROM afterimage_log ORDER BY id").await,
        ["142", "3-"]
    );
}

/// Whatever stands in it: a trigger cannot parse JSON, and believes what is text.
#[tokio::test]
async fn nothing_that_a_context_holds_fails_the_write() {
    let world = world().await;
    for (number, value) in
        ["'{'", "'null'", "x'00ff'", "1e999", "char(0)", "'a' || char(0) || 'b'", "CAST(x'ff' AS TEXT)", "-1"]
            .iter()
            .enumerate()
    {
        world
            .run(&format!(
                "BEGIN; INSERT INTO afterimage_context (user_id, username, ip_address, description, correlation_id, metadata)
                 SELECT x, x, x, x, x, x FROM (SELECT {value} AS x); INSERT INTO t VALUES ({number}, 1);
                 DELETE FROM afterimage_context; COMMIT"
            ))
            .await;
        assert_eq!(world.log().await.len(), number + 1, "{value}");
    }
}

/// One that claims to be of tomorrow would be believed for a day.
#[tokio::test]
async fn a_context_from_the_future_is_not_believed() {
    let world = world().await;
    world
        .run(
            "PRAGMA foreign_keys = OFF; INSERT INTO afterimage_context (user_id, created_at)
             VALUES ('1', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+11 minutes')); INSERT INTO t VALUES (1, 1)",
        )
        .await;
    assert_eq!(world.read(WHO).await, ["none TRIGGER - - - - - - - - 1"]);
}
