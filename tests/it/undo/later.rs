//! What came later, about the same fields and objects.

use afterimage::auth::Role;
use serde_json::{Value, json};

use super::{entry, preview, preview_transaction, tracked, transaction};
use crate::support::both;

fn ids(plan: &Value) -> Vec<&str> {
    plan["laterEntries"].as_array().expect("a list").iter().map(|e| e["id"].as_str().expect("an id")).collect()
}

const TABLES: &str = "create table p (id integer primary key, a text, b text); \
    create table c (id integer primary key, p integer references p, x text)";

both! {
    async fn of_an_update_those_that_changed_the_same_fields(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'x'), (2, 'a', 'x'); update p set a = 'b' where id = 1").await;
        let id = entry(&api, "UPDATE", "p", "1").await;
        assert!(ids(&preview(&api, &id, false).await).is_empty());
        world.sql("update p set b = 'y' where id = 1; update p set a = 'q' where id = 2; update p set a = 'c' where id = 1").await;
        let away = entry(&api, "UPDATE", "p", "1").await;
        assert_eq!(ids(&preview(&api, &id, false).await), [&away]);
        // The value came back, and the undo would go through: this is what the list is for.
        world.sql("update p set a = 'b' where id = 1").await;
        let back = entry(&api, "UPDATE", "p", "1").await;
        let plan = preview(&api, &id, false).await;
        assert_eq!(ids(&plan), [&back, &away]);
        assert_eq!((&plan["possible"], &plan["skipped"]), (&json!(true), &json!([])));
    }

    async fn of_other_entries_those_about_the_objects(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'x'); insert into c values (1, 1, 'x'); update p set b = 'y'; update c set x = 'y'").await;
        let plan = preview(&api, &entry(&api, "CREATE", "p", "1").await, false).await;
        let expected = [entry(&api, "UPDATE", "c", "1").await, entry(&api, "UPDATE", "p", "1").await, entry(&api, "CREATE", "c", "1").await];
        assert_eq!(ids(&plan), expected);
    }

    async fn of_a_transaction_what_came_after_it(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'x'), (2, 'a', 'x')").await;
        let id = transaction(&world, &api, "update p set a = 'b' where id = 1; update p set a = 'c' where id = 1; update p set b = 'z' where id = 2").await;
        assert!(ids(&preview_transaction(&api, &id).await).is_empty());
        world.sql("update p set b = 'other' where id = 1; update p set a = 'other' where id = 2; update p set b = 'w' where id = 2; update p set b = 'z' where id = 2").await;
        let plan = preview_transaction(&api, &id).await;
        assert_eq!(ids(&plan).len(), 2, "{plan}");
        assert_eq!(plan["possible"], true);
    }

    async fn at_most_a_hundred_and_none_that_a_writer_made_up(world: World) {
        let api = tracked(&world, TABLES, &["p", "c"]).await;
        world.sql("insert into p values (1, 'a', 'x'); update p set a = 'b'").await;
        let id = entry(&api, "UPDATE", "p", "1").await;
        let record = "mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }";
        let forged = json!({"i": {"userId": "1", "action": "UPDATE", "tableName": "p", "recordId": "1", "newValues": {"a": "z"}}});
        api.answer_as(&[Role::Writer], record, forged).await;
        assert!(ids(&preview(&api, &id, false).await).is_empty());
        let many: String = (0..110).map(|n| format!("update p set a = 'v{n}';")).collect();
        world.sql(&many).await;
        let plan = preview(&api, &id, false).await;
        assert_eq!(ids(&plan).len(), 100);
        assert_eq!(ids(&plan)[0], entry(&api, "UPDATE", "p", "1").await);
    }
}
