//! What triggers of the user's keep: summaries, and times.

use serde_json::json;

use super::{
    all, entry, last_transaction, preview_transaction, refused_transaction, steps, tracked, transaction,
    undo_transaction,
};
use crate::support::{Kind, World, both};

/// A table whose `updated_at` a trigger keeps, always another.
async fn touched(world: &World) {
    world
        .sql(match world.kind {
            Kind::Postgres => {
                "create table t (id integer primary key, a text, updated_at timestamp); \
            create function touch() returns trigger language plpgsql as $f$ begin \
            new.updated_at := '2030-01-01'::timestamp + (random() * 1000000) * interval '1 s'; return new; end $f$; \
            create trigger touch before update on t for each row execute function touch()"
            }
            Kind::Sqlite => {
                "create table t (id integer primary key, a text, updated_at timestamp); \
            create trigger touch after update of a on t for each row begin \
            update t set updated_at = hex(randomblob(8)) where id = new.id; end"
            }
        })
        .await;
}

/// Lines of orders, and a total that triggers keep.
async fn totals(world: &World) {
    world.sql("create table orders (id integer primary key, total integer not null default 0)").await;
    world
        .sql("create table lines (id integer primary key, orders integer references orders, n integer not null)")
        .await;
    world.sql(match world.kind {
        Kind::Postgres => "create function add_up() returns trigger language plpgsql as $f$ begin \
            if tg_op <> 'INSERT' then update orders set total = total - old.n where id = old.orders; end if; \
            if tg_op <> 'DELETE' then update orders set total = total + new.n where id = new.orders; end if; \
            return null; end $f$; \
            create trigger add_up after insert or update or delete on lines for each row execute function add_up()",
        Kind::Sqlite => "create trigger add_up after insert on lines begin update orders set total = total + new.n where id = new.orders; end; \
            create trigger take_off after delete on lines begin update orders set total = total - old.n where id = old.orders; end; \
            create trigger change after update on lines begin update orders set total = total - old.n where id = old.orders; \
            update orders set total = total + new.n where id = new.orders; end",
    }).await;
}

both! {
    async fn a_summary_ends_as_planned_though_triggers_answer_each_step(world: World) {
        totals(&world).await;
        let api = tracked(&world, "select 1", &["orders", "lines"]).await;
        world.sql("insert into orders values (1, 0), (2, 0); insert into lines values (1, 1, 5)").await;
        let names = ["orders", "lines"];
        let before = all(&world, &names).await;
        let id = transaction(&world, &api, "insert into lines values (2, 1, 10); update lines set n = 7 where id = 1; \
            insert into lines values (3, 2, 1); update lines set orders = 2 where id = 2; delete from lines where id = 1").await;
        let after = all(&world, &names).await;
        let done = undo_transaction_of_triggers(&api, &id).await;
        assert_eq!(all(&world, &names).await, before, "{done}");
        undo_transaction_of_triggers(&api, &last_transaction(&api).await).await;
        assert_eq!(all(&world, &names).await, after);
    }

    async fn transactions_on_a_row_whose_time_is_kept_go_back_one_after_the_other(world: World) {
        touched(&world).await;
        let api = tracked(&world, "select 1", &["t"]).await;
        world.sql("insert into t values (1, 'a', '2020-01-01 00:00:00')").await;
        let first = transaction(&world, &api, "update t set a = 'b'").await;
        let second = transaction(&world, &api, "update t set a = 'c'").await;
        undo_transaction_of_triggers(&api, &second).await;
        let plan = preview_transaction(&api, &first).await;
        assert_eq!(plan["possible"], true, "{plan}");
        let done = undo_transaction_of_triggers(&api, &first).await;
        assert_eq!(world.scalar("select a from t").await, "a");
        let kept = done["skipped"].as_array().into_iter().flatten().chain(done["derived"].as_array().into_iter().flatten());
        assert!(kept.into_iter().any(|told| told.to_string().contains("updated_at")), "{done}");
    }

    async fn a_time_that_somebody_set_since_is_a_conflict(world: World) {
        let api = tracked(&world, "create table t (id integer primary key, a text, due timestamp)", &["t"]).await;
        world.sql("insert into t values (1, 'a', '2020-01-01 00:00:00')").await;
        let id = transaction(&world, &api, "update t set a = 'b', due = '2021-01-01 00:00:00'").await;
        world.sql("update t set due = '2022-02-02 00:00:00'").await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "CONFLICT" && message.contains("due") && message.contains("2022-02-02"), "{message}");
        // Nor is it a trigger's where an undo set precisely what it meant to.
        world.sql("update t set due = '2021-01-01 00:00:00'").await;
        let late = transaction(&world, &api, "update t set due = '2023-03-03 00:00:00'").await;
        undo_transaction(&api, &late).await;
        undo_transaction(&api, &id).await;
        assert_eq!(world.scalar("select a from t").await, "a");
    }

    async fn a_restored_row_s_time_is_the_image_s(world: World) {
        touched(&world).await;
        let api = tracked(&world, "select 1", &["t"]).await;
        world.sql("insert into t values (1, 'a', '2020-01-01 00:00:00')").await;
        let before = all(&world, &["t"]).await;
        let id = transaction(&world, &api, "delete from t").await;
        let done = undo_transaction(&api, &id).await;
        assert_eq!(steps(&done["effects"]), ["CREATE t 1"]);
        assert_eq!(all(&world, &["t"]).await, before);
        assert_eq!(done["derived"], json!([]));
        assert!(!entry(&api, "CREATE", "t", "1").await.is_empty());
    }
}

/// As planned in what counts: triggers write more entries than the plan has steps.
async fn undo_transaction_of_triggers(api: &crate::support::Api, id: &str) -> serde_json::Value {
    let plan = preview_transaction(api, id).await;
    assert_eq!(plan["possible"], true, "{plan}");
    let variables = json!({"id": id, "h": plan["planHash"]});
    api.ask(&super::undo_transaction_mutation(), variables).await["undoTransaction"].take()
}
