//! The plan hash binds an undo to the plan that the caller has seen.

use serde_json::{Value, json};

use super::{entry, preview, rows, state, steps, tracked, undo_mutation};
use crate::support::{Api, World, both};

const TABLES: &str = "create table p (id integer primary key, a text, b text); \
    create table c (id integer primary key, p integer references p)";

async fn hash(api: &Api, id: &str) -> String {
    preview(api, id, false).await["planHash"].as_str().expect("a hash").to_owned()
}

async fn undo_with(api: &Api, id: &str, hash: &str) -> Value {
    api.ask(&undo_mutation(), json!({"id": id, "h": hash})).await["undo"].take()
}

async fn refused_with(world: &World, api: &Api, id: &str, hash: &str) {
    let before = (rows(world, "p").await, rows(world, "c").await, state(world).await.len());
    let (code, message) = api.refusal(&undo_mutation(), json!({"id": id, "h": hash})).await;
    assert_eq!(code, "CONFLICT", "{message}");
    assert!(message.contains("planHash"), "{message}");
    let after = (rows(world, "p").await, rows(world, "c").await, state(world).await.len() - 1);
    assert_eq!(after, before);
}

both! {
    async fn it_stays_while_nothing_changes_and_is_another_for_another_plan(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'x'), (2, 'a', 'x'); update p set a = 'b'").await;
        let (one, two) = (entry(&api, "UPDATE", "p", "1").await, entry(&api, "UPDATE", "p", "2").await);
        let first = hash(&api, &one).await;
        assert_eq!(first.len(), 64);
        assert_eq!(hash(&api, &one).await, first);
        assert_ne!(hash(&api, &two).await, first);
        refused_with(&world, &api, &two, &first).await;
        // Reading is no change, nor is what a writer says.
        let read = json!({"i": {"userId": "1", "action": "READ", "tableName": "p", "recordId": "1"}});
        api.ask("mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }", read).await;
        assert_eq!(hash(&api, &one).await, first);
        undo_with(&api, &one, &first).await;
        assert_eq!(world.scalar("select a from p where id = 1").await, "a");
    }

    async fn a_plan_that_is_another_by_now_is_a_conflict_and_nothing_happens(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'x'), (2, 'a', 'x'); update p set a = 'b' where id = 1").await;
        let update = entry(&api, "UPDATE", "p", "1").await;
        let old = hash(&api, &update).await;
        // The fields of the plan are as they were, but the object is not.
        world.sql("update p set b = 'y' where id = 1").await;
        refused_with(&world, &api, &update, &old).await;
        let create = entry(&api, "CREATE", "p", "2").await;
        let old = hash(&api, &create).await;
        world.sql("insert into c values (5, 2)").await;
        refused_with(&world, &api, &create, &old).await;
        let new = hash(&api, &create).await;
        assert_eq!(steps(&undo_with(&api, &create, &new).await["effects"]), ["DELETE c 5", "DELETE p 2"]);
        refused_with(&world, &api, &update, "").await;
    }

    async fn it_lifts_the_limit_of_rows_and_nothing_else_does(world: World) {
        world.sql(TABLES).await;
        let api = Api::start_with(&world, |settings| settings.undo_max_rows = 3).await;
        for table in ["p", "c"] {
            api.track(table).await;
        }
        world.sql("insert into p values (1, 'a', 'x'); insert into c values (1, 1), (2, 1), (3, 1)").await;
        let id = entry(&api, "CREATE", "p", "1").await;
        let plan = preview(&api, &id, false).await;
        assert_eq!(plan["effects"].as_array().map(Vec::len), Some(4), "a preview shows what is beyond the limit");
        let (code, message) = api.refusal(&undo_mutation(), json!({"id": id})).await;
        assert_eq!(code, "CONFLICT");
        assert!(message.contains("--undo-max-rows") && message.contains("planHash"), "{message}");
        refused_with(&world, &api, &id, "0000").await;
        undo_with(&api, &id, plan["planHash"].as_str().expect("a hash")).await;
        assert!(rows(&world, "c").await.is_empty());
    }
}
