//! Taking the triggers off for a migration, and putting them back.

use serde_json::json;

use super::{about, field, recorded, track};
use crate::command::{run, told};
use crate::support::{Api, Kind, both};

const T: &str = "create table t (id integer primary key, a text, b text, secret text)";

both! {
    async fn a_table_is_paused_altered_and_resumed_and_the_gap_is_an_entry(world: World) {
        let api = Api::start(&world).await;
        world.sql(T).await;
        track(&api, "t", "requireUser: false, redactedColumns: [\"secret\"]").await;
        world.sql("insert into t values (1, 'a', 'b', 's')").await;
        let paused = run(&world, &["pause", "t"]);
        assert!(paused.status.success(), "{}", told(&paused.stderr));
        assert_eq!(field(&api, "t", "health").await, "MISSING");
        let since = field(&api, "t", "pausedSince").await;
        let entry = about(&api, "t").await;
        assert_eq!((&entry["action"], &entry["newValues"]), (&json!("UPDATE"), &json!({"pausedSince": since})));
        assert!(entry["description"].as_str().expect("text").contains("paused"), "{entry}");
        let checked = run(&world, &["track", "--check"]);
        assert!(!checked.status.success());
        assert!(told(&checked.stdout).starts_with("MISSING\tt\tpaused since "), "{}", told(&checked.stdout));

        world.sql("alter table t drop column b").await;
        world.sql("update t set a = 'unseen'").await;
        assert_eq!(recorded(&world, "t").await.len(), 1);

        let resumed = run(&world, &["resume", "t", "--baseline"]);
        assert!(resumed.status.success(), "{}", told(&resumed.stderr));
        assert!(told(&resumed.stderr).contains("1 rows recorded"), "{}", told(&resumed.stderr));
        let entry = about(&api, "t").await;
        let gap = &entry["metadata"]["gap"];
        assert_eq!(gap["since"], since);
        assert!(gap["until"].as_str() > gap["since"].as_str(), "{entry}");
        assert!(entry["description"].as_str().expect("text").contains(since.as_str().expect("text")), "{entry}");
        assert_eq!((field(&api, "t", "health").await, field(&api, "t", "pausedSince").await), (json!("OK"), json!(null)));
        assert_eq!(field(&api, "t", "redactedColumns").await, json!(["secret"]));
        world.sql("update t set a = 'seen'").await;
        let found = recorded(&world, "t").await;
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].starts_with("READ 1") && found[1].contains("unseen") && !found[1].contains("\"b\""), "{found:?}");
        assert!(run(&world, &["track", "--check", "t"]).status.success());
    }

    async fn tracking_a_paused_table_resumes_it(world: World) {
        let api = Api::start(&world).await;
        world.sql(T).await;
        track(&api, "t", "").await;
        assert!(run(&world, &["pause", "t"]).status.success());
        assert!(run(&world, &["pause", "t"]).status.success(), "once more is no error");
        let tracked = track(&api, "t", "").await;
        assert_eq!(tracked["trackedTable"]["pausedSince"], json!(null));
        assert!(about(&api, "t").await["metadata"]["gap"]["since"].is_string());
        world.sql("insert into t values (1, 'a', 'b', 's')").await;
        assert_eq!(recorded(&world, "t").await.len(), 1);
    }

    async fn a_paused_table_is_not_undone_since_nothing_would_record_it(world: World) {
        let api = Api::start(&world).await;
        world.sql(&format!("{T}; create table p (id integer primary key); \
            create table c (id integer primary key, p integer references p)")).await;
        for table in ["t", "p", "c"] {
            track(&api, table, "").await;
        }
        world.sql("insert into t values (1, 'a', 'b', 's'); insert into p values (1); insert into c values (1, 1)").await;
        for table in ["t", "c"] {
            assert!(run(&world, &["pause", table]).status.success());
        }
        let undo = "mutation($id: ID!) { undo(id: $id) { auditLog { id } } }";
        for (table, code) in [("t", "NOT_UNDOABLE"), ("p", "CONFLICT")] {
            let id = world.scalar(&format!("select id from {} where table_name = '{table}'", world.log())).await;
            assert_eq!(api.refusal(undo, json!({"id": id})).await.0, code, "{table}");
        }
        assert_eq!(world.scalar("select count(*) from t, c").await, "1");
    }

    async fn a_table_that_is_not_tracked_can_be_neither_paused_nor_resumed(world: World) {
        world.sql(T).await;
        for command in ["pause", "resume"] {
            let refused = run(&world, &[command, "t"]);
            assert!(!refused.status.success());
            assert!(told(&refused.stderr).contains("not tracked"), "{}", told(&refused.stderr));
        }
    }

    async fn a_paused_table_can_be_left(world: World) {
        let api = Api::start(&world).await;
        world.sql(T).await;
        track(&api, "t", "").await;
        assert!(run(&world, &["pause", "t"]).status.success());
        assert!(run(&world, &["untrack", "t"]).status.success());
        assert_eq!(about(&api, "t").await["action"], "DELETE");
    }

    /// The new column might be the redacted one under another name: on SQLite nobody knows but who altered the table, and on
    /// PostgreSQL, where the redacted one is gone, whether its values were copied.
    async fn a_hidden_column_that_may_have_been_renamed_is_asked_for(world: World) {
        let api = Api::start(&world).await;
        world.sql(T).await;
        track(&api, "t", "redactedColumns: [\"secret\"]").await;
        assert!(run(&world, &["pause", "t"]).status.success());
        world.sql(match world.kind {
            Kind::Sqlite => "alter table t rename column secret to hidden",
            Kind::Postgres => "alter table t add hidden text; alter table t drop secret",
        }).await;
        let refused = run(&world, &["resume", "t"]);
        assert!(!refused.status.success());
        let said = told(&refused.stderr);
        assert!(said.contains("secret") && said.contains("hidden"), "{said}");
        assert!(run(&world, &["track", "t", "--redact", "hidden"]).status.success());
        world.sql("insert into t values (1, 'a', 'b', 'hush')").await;
        assert!(!recorded(&world, "t").await[0].contains("hush"));
        // One that is merely gone is no question, though on SQLite a reason to redact what stands beside it.
        world.sql("insert into t values (2, 'a', 'b', 'hush')").await;
        assert!(run(&world, &["pause", "t"]).status.success());
        world.sql("alter table t drop column hidden").await;
        assert!(run(&world, &["resume", "t"]).status.success());
    }

    async fn triggers_that_were_gone_are_recorded_as_a_gap_when_the_table_is_tracked_again(world: World) {
        let api = Api::start(&world).await;
        world.sql(T).await;
        track(&api, "t", "").await;
        let tracked_since = field(&api, "t", "trackedSince").await;
        let drop = match world.kind {
            Kind::Sqlite => "drop trigger afterimage_t_update",
            Kind::Postgres => "alter table t disable trigger \"!afterimage_update\"",
        };
        world.sql(drop).await;
        track(&api, "t", "").await;
        let entry = about(&api, "t").await;
        assert!(entry["metadata"]["gap"]["since"].as_str() >= tracked_since.as_str(), "{entry}");
        assert!(entry["description"].as_str().expect("text").contains("may not have been recorded"), "{entry}");
    }
}
