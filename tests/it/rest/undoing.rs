//! Undo by path.

use afterimage::auth::Role;
use axum::body::Body;
use serde_json::{Value, json};

use super::{Answer, get, post, request, send};
use crate::support::{Api, both};

const TABLES: &str = "create table makers (id integer primary key, name text);
    create table products (id integer primary key, name text, price numeric, maker integer references makers on delete cascade)";

async fn shop(world: &crate::support::World) -> Api {
    let api = Api::start(world).await;
    world.sql(TABLES).await;
    api.track("makers").await;
    api.track("products").await;
    world.sql("insert into makers values (1, 'Bright')").await;
    world.sql("insert into products values (1, 'Lamp', 19.5, 1)").await;
    api
}

/// The id of the latest entry about an object.
async fn latest(api: &Api, path: &str) -> String {
    get(api, &format!("{path}?limit=1")).await.good()[0]["id"].as_str().expect("an entry").to_owned()
}

async fn undo(api: &Api, id: &str, body: Value) -> Answer {
    post(api, &format!("/{id}/undo"), body.to_string()).await
}

both! {
    async fn an_undo_answers_with_the_latest_entry_of_the_object(world: World) {
        let api = shop(&world).await;
        world.sql("update products set price = 9.5").await;
        let id = latest(&api, "/products/1").await;
        let answer = undo(&api, &id, json!({"reason": "wrong product"})).await;
        assert_eq!(answer.status, 200);
        let entry = answer.good();
        assert_eq!((&entry["action"], &entry["source"], &entry["undoOf"]), (&json!("UPDATE"), &json!("UNDO"), &json!(id)));
        assert_eq!((&entry["description"], &entry["userId"], &entry["recordedBy"]), (&json!("wrong product"), &json!("42"), &json!("42")));
        assert_eq!((&entry["oldValues"], &entry["newValues"]), (&json!({"price": 9.5}), &json!({"price": 19.5})));
        assert_eq!(world.scalar("select price from products").await, "19.5");
        assert_eq!(latest(&api, "/products/1").await, entry["id"].as_str().unwrap());
        assert_eq!(get(&api, &format!("/{id}")).await.good()["undoneBy"], entry["id"]);
        // Undoing that is redo.
        undo(&api, entry["id"].as_str().unwrap(), json!({})).await.good();
        assert_eq!(world.scalar("select price from products").await, "9.5");
    }

    async fn the_body_may_be_left_out(world: World) {
        let api = shop(&world).await;
        for body in ["", "null", "{}", r#"{"reason":null,"restoreLinked":null,"planHash":null}"#] {
            world.sql("update products set price = price + 1").await;
            let id = latest(&api, "/products/1").await;
            assert_eq!(post(&api, &format!("/{id}/undo"), body).await.good()["undoOf"], json!(id), "{body}");
        }
        // Without a body no Content-Type is needed either.
        world.sql("update products set price = price + 1").await;
        let path = format!("/api/auditLog/{}/undo", latest(&api, "/products/1").await);
        send(&api, request(&api, &[Role::Admin], "POST", &path).body(Body::empty()).unwrap()).await.good();
        assert_eq!(world.scalar("select price from products").await, "19.5");
    }

    async fn what_was_linked_comes_back_where_it_is_asked_for(world: World) {
        for (linked, products) in [(json!(false), "0"), (json!(true), "1")] {
            let world = crate::support::World::new(world.kind).await;
            let api = shop(&world).await;
            match world.kind {
                crate::support::Kind::Postgres => world.sql("delete from makers").await,
                crate::support::Kind::Sqlite => world.sql("begin immediate; insert into afterimage_context (user_id) values ('1');
                    delete from makers; delete from afterimage_context; commit").await,
            }
            let id = latest(&api, "/makers/1").await;
            assert_eq!(undo(&api, &id, json!({"restoreLinked": linked})).await.good()["action"], "CREATE");
            assert_eq!(world.scalar("select count(*) from products").await, products);
        }
    }

    async fn a_plan_that_is_another_by_now_is_a_conflict(world: World) {
        let api = shop(&world).await;
        world.sql("update products set price = 9.5").await;
        let id = latest(&api, "/products/1").await;
        assert!(undo(&api, &id, json!({"planHash": "x"})).await.problem(409, "CONFLICT").contains("planHash"));
        let hash = api.ask("query($id: ID!) { undoPreview(id: $id) { planHash } }", json!({"id": id})).await;
        undo(&api, &id, json!({"planHash": hash["undoPreview"]["planHash"]})).await.good();
    }

    async fn what_cannot_be_undone_says_why_and_changes_nothing(world: World) {
        let api = shop(&world).await;
        let read = api.record([crate::support::by_hand("x", json!({}))].to_vec()).await.remove(0);
        assert!(undo(&api, &read, json!({})).await.problem(422, "NOT_UNDOABLE").contains("READ"));
        let created = latest(&api, "/products/1").await;
        world.sql("delete from products").await;
        undo(&api, &created, json!({})).await.problem(409, "CONFLICT");
        for none in ["999999", "0", "x", "-1"] {
            undo(&api, none, json!({})).await.problem(404, "NOT_FOUND");
        }
        for (body, part) in [
            (json!({"why": "x"}), "\"why\" means nothing here; the body may have: reason, restoreLinked, planHash"),
            (json!({"reason": 1}), "`reason`"), (json!({"restoreLinked": "yes"}), "`restoreLinked`"), (json!({"planHash": {}}), "`planHash`"),
            (json!({"reason": "\0"}), "U+0000"), (json!([]), "object"),
        ] {
            let detail = undo(&api, &created, body).await.problem(400, "BAD_USER_INPUT");
            assert!(detail.contains(part), "{detail}");
        }
        post(&api, &format!("/{created}/undo?reason=x"), "").await.problem(400, "BAD_USER_INPUT");
        assert_eq!(world.scalar("select count(*) from products").await, "0");
    }
}
