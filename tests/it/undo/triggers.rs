//! Undo on tables that have triggers of their own.

use serde_json::json;

use super::{conflict, entry, log_table, rows, tracked, undo};
use crate::support::{Kind, World, both};

const TABLES: &str = "create table t (id integer primary key, a text, updated_at timestamp); \
    create table tally (id integer primary key, n integer)";

/// A trigger that does this for each row; `{now}` and `new` where it comes before the row is written.
async fn trigger(world: &World, name: &str, event: &str, postgres: &str, sqlite: &str) {
    world
        .sql(&match world.kind {
            Kind::Postgres => format!(
                "create function {name}() returns trigger language plpgsql as $f$ begin {postgres} end $f$; \
             create trigger {name} {event} on t for each row execute function {name}()"
            ),
            Kind::Sqlite => format!("create trigger {name} {event} on t for each row begin {sqlite} end"),
        })
        .await;
}

both! {
    async fn a_time_that_a_trigger_keeps_is_derived(world: World) {
        let api = tracked(&world, TABLES, &[]).await;
        world.sql("insert into t values (1, 'a', '2020-01-01 00:00:00')").await;
        trigger(&world, "touch", match world.kind { Kind::Postgres => "before update", Kind::Sqlite => "after update of a" },
            "new.updated_at := '2030-01-01'::timestamp + (random() * 1000000) * interval '1 s'; return new;",
            "update t set updated_at = hex(randomblob(8)) where id = new.id;").await;
        api.track("t").await;
        world.sql("update t set a = 'b'").await;
        let update = world.scalar(&format!("select min(id) from {} where action = 'UPDATE' and table_name = 't'",
            log_table(&world))).await;
        let done = undo(&api, &update).await;
        assert_eq!(world.scalar("select a from t").await, "a");
        assert_eq!(done["effects"][0]["changes"], json!([{"field": "a", "old": "b", "new": "a"}]), "{done}");
        assert_eq!(done["derived"][0]["changes"][0]["field"], "updated_at", "{done}");
    }

    async fn what_a_trigger_writes_elsewhere_is_derived_and_reverses_nothing(world: World) {
        let api = tracked(&world, TABLES, &["tally"]).await;
        world.sql("insert into tally values (1, 0)").await;
        trigger(&world, "count_up", "after update", "update tally set n = n + 1; return null;", "update tally set n = n + 1;").await;
        api.track("t").await;
        world.sql("insert into t values (1, 'a', null); update t set a = 'b'").await;
        let id = entry(&api, "UPDATE", "t", "1").await;
        let done = undo(&api, &id).await;
        assert_eq!(done["derived"], json!([{"tableName": "tally", "recordId": "1", "action": "UPDATE",
            "changes": [{"field": "n", "old": 1, "new": 2}]}]));
        assert_eq!(done["effects"].as_array().map(Vec::len), Some(1));
        let of = |place: usize| done["entries"][place]["undoOf"].clone();
        assert_eq!((of(0), of(1)), (json!({"id": id}), json!(null)));
        assert_eq!(done["auditLog"]["recordId"], "1");
        let data = api.ask("query($id: ID!) { auditLog(id: $id) { undoneBy { tableName } } }", json!({"id": id})).await;
        assert_eq!(data["auditLog"]["undoneBy"]["tableName"], "t");
    }

    async fn a_trigger_that_overrides_a_planned_value_is_a_conflict(world: World) {
        let api = tracked(&world, TABLES, &["t"]).await;
        world.sql("insert into t values (1, 'a', null), (2, 'a', null); update t set a = 'b' where id = 1; delete from t where id = 2").await;
        trigger(&world, "shout", match world.kind { Kind::Postgres => "before insert or update", Kind::Sqlite => "after update" },
            "new.a := upper(new.a); return new;",
            "update t set a = upper(a) where id = new.id and a <> upper(a);").await;
        if world.kind == Kind::Sqlite {
            trigger(&world, "shout_new", "after insert", "", "update t set a = upper(a) where id = new.id;").await;
        }
        api.track("t").await;
        conflict(&world, &api, &entry(&api, "UPDATE", "t", "1").await, "\"a\"").await;
        conflict(&world, &api, &entry(&api, "DELETE", "t", "2").await, "\"a\"").await;
        assert_eq!(world.scalar("select a from t").await, "b");
    }

    async fn a_trigger_that_prevents_the_change_is_a_conflict(world: World) {
        let api = tracked(&world, TABLES, &["t"]).await;
        world.sql("insert into t values (1, 'a', null), (2, 'a', null); update t set a = 'b' where id = 1; delete from t where id = 2").await;
        for event in ["insert", "update", "delete"] {
            trigger(&world, &format!("no_{event}"), &format!("before {event}"), "return null;", "select raise(ignore);").await;
        }
        api.track("t").await;
        for (action, id) in [("UPDATE", "1"), ("DELETE", "2"), ("CREATE", "1")] {
            conflict(&world, &api, &entry(&api, action, "t", id).await, "trigger").await;
        }
    }

    async fn a_trigger_that_raises_is_a_conflict_with_its_words(world: World) {
        let api = tracked(&world, TABLES, &["t"]).await;
        world.sql("insert into t values (1, 'a', null)").await;
        trigger(&world, "guard", "before delete", "raise exception 'not on my watch' using errcode = 'AB123'; return old;",
            "select raise(abort, 'not on my watch');").await;
        api.track("t").await;
        conflict(&world, &api, &entry(&api, "CREATE", "t", "1").await, "not on my watch").await;
        assert_eq!(rows(&world, "t").await.len(), 1);
    }

    async fn a_trigger_that_puts_a_row_back_or_takes_it_away_is_a_conflict(world: World) {
        let api = tracked(&world, TABLES, &["t"]).await;
        world.sql("insert into t values (1, 'a', null), (2, 'a', null); delete from t where id = 2").await;
        trigger(&world, "put_back", "after delete", "if old.id = 1 then insert into t values (1, 'again', null); end if; return null;",
            "insert into t select 1, 'again', null where old.id = 1;").await;
        trigger(&world, "take_away", "after insert", "if new.id = 2 then delete from t where id = new.id; end if; return null;",
            "delete from t where id = new.id and id = 2;").await;
        api.track("t").await;
        conflict(&world, &api, &entry(&api, "CREATE", "t", "1").await, "again").await;
        conflict(&world, &api, &entry(&api, "DELETE", "t", "2").await, "trigger").await;
    }

    /// Constraints that wait for the commit speak up in time to be understood.
    async fn deferred_constraints_are_conflicts_too(world: World) {
        let tables = "create table p (id integer primary key); create table c (id integer primary key, \
            p integer constraint to_p references p deferrable initially deferred)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        world.sql("insert into p values (1); insert into c values (1, 1); delete from c; delete from p").await;
        conflict(&world, &api, &entry(&api, "DELETE", "c", "1").await, "p").await;
        if world.kind == Kind::Postgres {
            world.sql("create table u (id integer primary key, a text constraint late unique deferrable initially deferred)").await;
            api.track("u").await;
            world.sql("insert into u values (1, 'a'); delete from u; insert into u values (2, 'a')").await;
            conflict(&world, &api, &entry(&api, "DELETE", "u", "1").await, "late").await;
        }
    }
}
