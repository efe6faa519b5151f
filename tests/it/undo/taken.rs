//! Unique values taken by other rows since, parents gone since, and checks.

use serde_json::json;

use super::{conflict, entry, refused_transaction, sql_text, tracked, transaction};
use crate::support::both;

both! {
    async fn the_row_that_has_the_value_is_named(world: World) {
        let tables = "create table u (id integer primary key, sku text constraint sku_once unique, x integer, y integer, \
            constraint pair_once unique (x, y))";
        let api = tracked(&world, tables, &["u"]).await;
        world.sql("insert into u values (1, 'a', 1, 2); update u set sku = 'b', x = 5; insert into u values (77, 'a', 9, 9)").await;
        let id = entry(&api, "UPDATE", "u", "1").await;
        conflict(&world, &api, &id, sql_text(&world, "sku_once", "u.sku")).await;
        conflict(&world, &api, &id, "\"77\"").await;
        world.sql("delete from u where id = 77; insert into u values (78, 'c', 1, 2)").await;
        conflict(&world, &api, &id, sql_text(&world, "pair_once", "u.x, u.y")).await;
        conflict(&world, &api, &id, "\"78\"").await;
    }

    async fn a_hidden_unique_value_is_not_told(world: World) {
        let api = tracked(&world, "create table u (id integer primary key, pin text constraint pin_once unique, a text)", &["u"]).await;
        world.sql("insert into u values (1, 'secret', 'a'); delete from u; insert into u values (2, 'secret', 'b')").await;
        let track = "mutation($i: TrackTableInput!) { trackTable(input: $i) { trackedTable { tableName } } }";
        api.ask(track, json!({"i": {"tableName": "u", "redactedColumns": ["pin"]}})).await;
        let query = "query($id: ID!) { undoPreview(id: $id) { possible code reason } }";
        let data = api.ask(query, json!({"id": entry(&api, "DELETE", "u", "1").await})).await;
        let plan = &data["undoPreview"];
        assert_eq!((&plan["possible"], &plan["code"]), (&json!(false), &json!("CONFLICT")));
        assert!(!plan.to_string().contains("secret"), "{plan}");
    }

    async fn a_check_is_named(world: World) {
        let api = tracked(&world, "create table k (id integer primary key, n integer)", &["k"]).await;
        world.sql("insert into k values (1, 500); update k set n = 5").await;
        let id = entry(&api, "UPDATE", "k", "1").await;
        world.sql(sql_text(&world, "alter table k add constraint n_small check (n < 100)",
            "create table k2 (id integer primary key, n integer constraint n_small check (n < 100)); \
             insert into k2 select * from k; drop table k; alter table k2 rename to k")).await;
        api.track("k").await;
        conflict(&world, &api, &id, "n_small").await;
    }

    async fn a_transaction_names_the_parent_that_is_gone(world: World) {
        let tables = "create table p (id integer primary key); \
            create table c (id integer primary key, p integer references p)";
        let api = tracked(&world, tables, &["p", "c"]).await;
        world.sql("insert into p values (7), (8); insert into c values (1, 7), (2, 8)").await;
        let id = transaction(&world, &api, "update c set p = 8 where id = 1; delete from c where id = 2").await;
        world.sql("delete from p where id = 7").await;
        let (code, message) = refused_transaction(&world, &api, &id).await;
        assert!(code == "CONFLICT" && message.contains("\"p\"") && message.contains('7'), "{message}");
    }
}
