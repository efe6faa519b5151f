//! Whether the triggers are what they should be, told from the database as it is.

use serde_json::json;

use super::{entries, health_of, tracked};

const T: &str = "create table t (id int primary key, a text)";

#[tokio::test]
async fn what_is_gone_off_or_of_another_definition_is_told() {
    let (world, api) = tracked(T, &["t"]).await;
    assert_eq!(health_of(&api, "t").await, "OK");
    for (statement, health) in [
        ("alter table t disable trigger \"!afterimage_update\"", "DISABLED"),
        ("alter table t enable trigger \"!afterimage_update\"", "DISABLED"),
        ("alter table t disable trigger user", "DISABLED"),
        ("alter table t enable replica trigger \"!afterimage_truncate\"", "DISABLED"),
        ("drop trigger \"!afterimage_delete\" on t", "MISSING"),
        ("drop trigger \"!afterimage_truncate\" on t", "MISSING"),
        ("alter table t add column b int", "OUTDATED"),
        ("alter table t rename column b to c", "OUTDATED"),
        ("alter table t alter column c type text", "OUTDATED"),
        ("alter table t alter column a type varchar(9)", "OUTDATED"),
        ("alter table t alter column a type varchar(20)", "OK"),
        ("alter table t alter column c type bytea using null", "OUTDATED"),
        ("alter table t drop column c", "OUTDATED"),
        (
            "create function f() returns trigger language plpgsql as 'begin return null; end'; \
          create trigger mine after insert on t for each row execute function f()",
            "OUTDATED",
        ),
        ("drop trigger mine on t", "OUTDATED"),
        ("create table c (t int references t on delete cascade)", "OUTDATED"),
        ("drop table c", "OUTDATED"),
    ] {
        world.sql(statement).await;
        assert_eq!(health_of(&api, "t").await, health, "{statement}");
        api.track("t").await;
        assert_eq!(health_of(&api, "t").await, "OK", "after {statement}");
    }
    world.sql("insert into t values (1, 'a'); update t set a = 'b'; delete from t").await;
    assert_eq!(entries(&world).await.len(), 3);
    world.sql("drop table t").await;
    assert_eq!(health_of(&api, "t").await, "MISSING");
}

#[tokio::test]
async fn a_trigger_that_fires_before_ours_is_told_until_it_is_renamed() {
    let (world, api) = tracked(
        "create table t (id int primary key, a text); \
        create function f() returns trigger language plpgsql as 'begin return null; end'; \
        create trigger \" early\" after insert on t for each row execute function f()",
        &["t"],
    )
    .await;
    assert_eq!(health_of(&api, "t").await, "OUTDATED");
    world.sql("alter trigger \" early\" on t rename to later").await;
    assert_eq!(health_of(&api, "t").await, "OK");
}

#[tokio::test]
async fn a_partition_without_our_triggers_is_told() {
    let (world, api) = tracked(
        "create table m (k int primary key, a text) partition by list (k); \
        create table m1 partition of m for values in (1)",
        &["m"],
    )
    .await;
    assert_eq!(health_of(&api, "m").await, "OK");
    for (statement, health) in [
        ("create table m2 partition of m for values in (2)", "OUTDATED"),
        ("alter table m1 disable trigger \"!afterimage_update\"", "DISABLED"),
        ("drop trigger \"!afterimage_truncate\" on m1", "OUTDATED"),
    ] {
        world.sql(statement).await;
        assert_eq!(health_of(&api, "m").await, health, "{statement}");
        api.track("m").await;
        assert_eq!(health_of(&api, "m").await, "OK", "after {statement}");
    }
}

#[tokio::test]
async fn a_renamed_table_is_outdated_and_its_old_name_can_be_left_without_losing_its_triggers() {
    let (world, api) = tracked(T, &["t"]).await;
    world.sql("alter table t rename to renamed").await;
    assert_eq!(health_of(&api, "t").await, "OUTDATED");
    api.track("renamed").await;
    api.ask("mutation { untrackTable(tableName: \"t\") { tableName } }", json!({})).await;
    assert_eq!(health_of(&api, "renamed").await, "OK");
    world.sql("insert into renamed values (1, 'a')").await;
    let filed = "select table_name from afterimage.log where record_id = '1' and source = 'TRIGGER'";
    assert_eq!(world.scalar(filed).await, "renamed");
}

/// As a migration does it that builds a table anew beside the old one.
#[tokio::test]
async fn a_table_whose_name_has_passed_to_another_is_recorded_no_more() {
    let (world, api) = tracked(T, &["t"]).await;
    world
        .sql(
            "insert into t values (1, 'a'); create table made (like t including all); insert into made select * from t; \
             alter table t rename to was; alter table made rename to t",
        )
        .await;
    assert_eq!(health_of(&api, "t").await, "MISSING");
    api.track("t").await;
    assert_eq!(health_of(&api, "t").await, "OK");
    world.sql("update was set a = 'b'; update t set a = 'c'; delete from was; truncate was").await;
    let filed = "select string_agg(concat_ws(' ', action, table_name, new_values->>'a'), ',' order by id) \
                 from afterimage.log where source = 'TRIGGER'";
    assert_eq!(world.scalar(filed).await, "CREATE t a,UPDATE t c");
    api.track("was").await;
    world.sql("insert into was values (2, 'd'); insert into t values (3, 'e')").await;
    assert_eq!(world.scalar(filed).await, "CREATE t a,UPDATE t c,CREATE was d,CREATE t e");
}

#[tokio::test]
async fn tables_that_swap_their_names_are_both_recorded_until_both_are_tracked_again() {
    let (world, api) = tracked(
        "create table a (id int primary key, v text); create table b (id int primary key, v text)",
        &["a", "b"],
    )
    .await;
    world.sql("alter table a rename to x; alter table b rename to a; alter table x rename to b").await;
    api.track("a").await;
    world.sql("insert into a values (1, 'now a'); insert into b values (2, 'now b')").await;
    let made = "select string_agg(concat_ws(' ', table_name, new_values->>'v'), ',' order by id) \
                from afterimage.log where source = 'TRIGGER'";
    assert_eq!(world.scalar(made).await, "a now a,a now b", "b is filed as a until it is tracked, and OUTDATED");
    assert_eq!(health_of(&api, "b").await, "OUTDATED");
    api.track("b").await;
    world.sql("insert into a values (3, 'a'); insert into b values (4, 'b')").await;
    assert_eq!(world.scalar(made).await, "a now a,a now b,a a,b b");
}

#[tokio::test]
async fn a_name_that_was_tracked_in_between_keeps_nobody_from_leaving_a_table() {
    let (world, api) = tracked(T, &["t"]).await;
    world.sql("alter table t rename to t2").await;
    api.track("t2").await;
    world.sql("alter table t2 rename to t").await;
    api.track("t").await;
    world
        .sql("create table made (like t including all); alter table t rename to was; alter table made rename to t")
        .await;
    api.track("t").await;
    world.sql("insert into was values (1, 'old'); insert into t values (2, 'new')").await;
    let made = "select string_agg(new_values->>'a', ',') from afterimage.log where source = 'TRIGGER'";
    assert_eq!(world.scalar(made).await, "new");
}
