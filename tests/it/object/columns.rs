//! Columns that are hidden, added, dropped or renamed since.

use serde_json::{Value, json};

use super::{at, blame, current, moment, tracked};
use crate::support::{Api, both};

const TABLE: &str = "create table t (id integer primary key, a text, b text)";

async fn hide(api: &Api, redacted: Value, ignored: Value) {
    let mutation = "mutation($i: TrackTableInput!) { trackTable(input: $i) { trackedTable { tableName } } }";
    let input = json!({"tableName": "t", "redactedColumns": redacted, "ignoredColumns": ignored});
    api.ask(mutation, json!({"i": input})).await;
}

both! {
    /// What is hidden now is shown nowhere, also where older entries hold it.
    async fn a_column_that_was_hidden_since_is_shown_no_more(world: World) {
        for (redacted, ignored) in [(json!(["b"]), json!([])), (json!([]), json!(["b"]))] {
            let world = crate::support::World::new(world.kind).await;
            let api = tracked(&world, TABLE, &["t"]).await;
            world.sql("insert into t values (1, 'a', 'secret'); update t set b = 'other secret'").await;
            let before = moment(&world).await;
            hide(&api, redacted.clone(), ignored).await;
            world.sql("update t set a = 'a2'; update t set b = 'third secret'").await;
            let shown = json!({"id": 1, "a": "a2"});
            assert_eq!(current(&api, "t", "1").await, shown);
            assert_eq!(at(&api, "t", "1", "2100-01-01").await, shown);
            assert_eq!(at(&api, "t", "1", &before).await, json!({"id": 1, "a": "a"}));
            assert!(!blame(&api, "t", "1").await.to_string().contains("secret"));
            world.sql("delete from t").await;
            assert_eq!(at(&api, "t", "1", &before).await, json!({"id": 1, "a": "a"}));
            assert_eq!(blame(&api, "t", "1").await.as_array().expect("a list").len(), 2);
            // Nor once the table is tracked no more.
            api.ask("mutation { untrackTable(tableName: \"t\") { tableName } }", json!({})).await;
            assert_eq!(at(&api, "t", "1", &before).await, json!({"id": 1, "a": "a"}));
            assert!(!blame(&api, "t", "1").await.to_string().contains("secret"));
        }
    }

    /// While a column was hidden its values were not recorded: what is known from one side says nothing of the other.
    async fn a_column_that_was_hidden_for_a_while_is_left_out_where_it_is_not_known(world: World) {
        for (redacted, ignored) in [(json!(["b"]), json!([])), (json!([]), json!(["b"]))] {
            let world = crate::support::World::new(world.kind).await;
            let api = tracked(&world, TABLE, &["t"]).await;
            world.sql("insert into t values (1, 'a', 'first')").await;
            let first = moment(&world).await;
            hide(&api, redacted, ignored).await;
            world.sql("update t set b = 'unseen'").await;
            let unseen = moment(&world).await;
            world.sql("update t set a = 'a2'; update t set b = 'unseen as well'").await;
            hide(&api, json!([]), json!([])).await;
            let shown = moment(&world).await;
            world.sql("update t set b = 'last'").await;
            assert_eq!(at(&api, "t", "1", &first).await, json!({"id": 1, "a": "a", "b": "first"}));
            assert_eq!(at(&api, "t", "1", &unseen).await, json!({"id": 1, "a": "a"}));
            assert_eq!(at(&api, "t", "1", &shown).await, json!({"id": 1, "a": "a2", "b": "unseen as well"}));
        }
    }

    async fn added_and_dropped_columns_are_those_of_their_time(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b'), (2, 'x', 'y'); update t set b = 'b2' where id = 1").await;
        let old = moment(&world).await;
        // SQLite drops no column that triggers name.
        api.ask("mutation { untrackTable(tableName: \"t\") { tableName } }", json!({})).await;
        world.sql("alter table t drop column b; alter table t add column c text default 'c'").await;
        api.track("t").await;
        let new = moment(&world).await;
        world.sql("update t set c = 'c2' where id = 1").await;
        let newer = moment(&world).await;
        assert_eq!(at(&api, "t", "1", &old).await, json!({"id": 1, "a": "a", "b": "b2"}));
        assert_eq!(at(&api, "t", "2", &old).await, json!({"id": 2, "a": "x", "b": "y"}));
        assert_eq!(at(&api, "t", "1", &new).await, json!({"id": 1, "a": "a", "c": "c"}));
        assert_eq!(at(&api, "t", "2", &new).await, json!({"id": 2, "a": "x", "c": "c"}));
        assert_eq!(at(&api, "t", "1", &newer).await, json!({"id": 1, "a": "a", "c": "c2"}));
    }

    async fn a_column_that_was_added_is_shown_from_when_the_table_was_tracked_with_it(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        world.sql("insert into t values (1, 'a', 'b')").await;
        let old = moment(&world).await;
        world.sql("alter table t add column c integer default 7").await;
        api.track("t").await;
        let new = moment(&world).await;
        world.sql("update t set c = 8").await;
        assert_eq!(at(&api, "t", "1", &old).await, json!({"id": 1, "a": "a", "b": "b"}));
        assert_eq!(at(&api, "t", "1", &new).await, json!({"id": 1, "a": "a", "b": "b", "c": 7}));
        assert_eq!(current(&api, "t", "1").await, json!({"id": 1, "a": "a", "b": "b", "c": 8}));
        let names = |object: &Value| object.as_object().expect("a row").keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&at(&api, "t", "1", "2100-01-01").await), ["a", "b", "c", "id"], "sorted by this reader");
    }

    /// A hidden column may have been renamed before the table is tracked again.
    async fn a_hidden_column_is_not_shown_under_another_name(world: World) {
        let api = tracked(&world, TABLE, &["t"]).await;
        hide(&api, json!(["b"]), json!([])).await;
        world.sql("insert into t values (1, 'a', 'secret')").await;
        world.sql("alter table t rename column b to plain").await;
        assert_eq!(current(&api, "t", "1").await, json!({"id": 1, "a": "a"}));
        assert_eq!(at(&api, "t", "1", "2100-01-01").await, json!({"id": 1, "a": "a"}));
        assert!(!blame(&api, "t", "1").await.to_string().contains("secret"));
    }

    async fn fields_come_in_the_table_s_order(world: World) {
        let api = tracked(&world, "create table t (z text, id integer primary key, a text, m text)", &["t"]).await;
        world.sql("insert into t values ('z', 1, 'a', 'm'); update t set m = 'm2'; update t set z = 'z2'").await;
        let past = moment(&world).await;
        world.sql("update t set a = 'a2'").await;
        let query = format!("{{ trackedObject(tableName: \"t\", recordId: 1) {{ current at(instant: {past:?}) blame {{ field }} }} }}");
        let (_, answer) = api.post(&api.token(&[afterimage::auth::Role::Admin]), &json!({"query": query}).to_string()).await;
        assert_eq!(answer, "{\"data\":{\"trackedObject\":{\"current\":{\"z\":\"z2\",\"id\":1,\"a\":\"a2\",\"m\":\"m2\"},\
            \"at\":{\"z\":\"z2\",\"id\":1,\"a\":\"a\",\"m\":\"m2\"},\
            \"blame\":[{\"field\":\"z\"},{\"field\":\"id\"},{\"field\":\"a\"},{\"field\":\"m\"}]}}}");
    }
}
