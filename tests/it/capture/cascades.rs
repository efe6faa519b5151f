//! Changes that foreign keys make.

use super::{entries, tracked};

#[tokio::test]
async fn every_action_of_a_foreign_key_is_recorded() {
    let (world, _api) = tracked(
        "create table p (id int primary key); \
        create table cascades (id int primary key, p int references p on delete cascade on update cascade); \
        create table nulls (id int primary key, p int references p on delete set null on update set null); \
        create table defaults (id int primary key, p int default 0 references p on delete set default on update set default); \
        create table parts (k int, id int, p int references p on delete cascade on update cascade, primary key (k, id)) partition by list (k); \
        create table parts1 partition of parts default",
        &["p", "cascades", "nulls", "defaults", "parts"],
    )
    .await;
    world
        .sql(
            "insert into p values (0), (1); insert into cascades values (1, 1); insert into nulls values (1, 1); \
        insert into defaults values (1, 1); insert into parts values (1, 1, 1)",
        )
        .await;
    world.sql("update p set id = 2 where id = 1").await;
    world.sql("update nulls set p = 2; update defaults set p = 2; delete from p where id = 2").await;
    let mut found = entries(&world).await.split_off(6);
    // PostgreSQL says in no contract which of several foreign keys acts first.
    found[2..6].sort();
    found[9..].sort();
    assert_eq!(
        found,
        [
            r#"DELETE p 1 <2 {"id":1} -"#,
            r#"CREATE p 2 <1 - {"id":2}"#,
            r#"UPDATE cascades 1 {"p":1} {"p":2}"#,
            r#"UPDATE defaults 1 {"p":1} {"p":0}"#,
            r#"UPDATE nulls 1 {"p":1} {"p":null}"#,
            r#"UPDATE parts ["1","1"] {"p":1} {"p":2}"#,
            r#"UPDATE nulls 1 {"p":null} {"p":2}"#,
            r#"UPDATE defaults 1 {"p":0} {"p":2}"#,
            r#"DELETE p 2 {"id":2} -"#,
            r#"DELETE cascades 1 {"id":1,"p":2} -"#,
            r#"DELETE parts ["1","1"] {"k":1,"id":1,"p":2} -"#,
            r#"UPDATE defaults 1 {"p":2} {"p":0}"#,
            r#"UPDATE nulls 1 {"p":2} {"p":null}"#,
        ]
    );
}

/// A key that cascades into a partitioned table's own key moves its rows.
#[tokio::test]
async fn a_cascade_that_moves_a_row_is_recorded_as_a_change_of_its_key() {
    let (world, _api) = tracked(
        "create table p (k int primary key); \
        create table c (k int references p on update cascade, id int, primary key (k, id)) partition by list (k); \
        create table c1 partition of c for values in (1); create table c2 partition of c for values in (2)",
        &["p", "c"],
    )
    .await;
    world.sql("insert into p values (1); insert into c values (1, 7); update p set k = 2").await;
    assert_eq!(
        entries(&world).await[2..],
        [
            r#"DELETE p 1 <2 {"k":1} -"#,
            r#"CREATE p 2 <1 - {"k":2}"#,
            r#"DELETE c ["1","7"] <["2","7"] {"k":1,"id":7} -"#,
            r#"CREATE c ["2","7"] <["1","7"] - {"k":2,"id":7}"#,
        ]
    );
}

#[tokio::test]
async fn self_references_and_deferred_constraints_are_recorded() {
    let (world, _api) = tracked(
        "create table t (id int primary key, up int references t on delete cascade deferrable initially deferred); \
        create table u (id int primary key, t int references t on delete cascade on update cascade deferrable initially deferred)",
        &["t", "u"],
    )
    .await;
    world.sql("begin; insert into u values (1, 2); insert into t values (1, null), (2, 1); commit; delete from t where id = 1").await;
    let mut found = entries(&world).await;
    found[4..].sort();
    assert_eq!(
        found,
        [
            r#"CREATE u 1 - {"id":1,"t":2}"#,
            r#"CREATE t 1 - {"id":1,"up":null}"#,
            r#"CREATE t 2 - {"id":2,"up":1}"#,
            r#"DELETE t 1 {"id":1,"up":null} -"#,
            r#"DELETE t 2 {"id":2,"up":1} -"#,
            r#"DELETE u 1 {"id":1,"t":2} -"#,
        ]
    );
}
