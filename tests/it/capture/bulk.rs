//! Statements that change many rows, where others come in between: each change is recorded once.

use super::tracked;
use crate::support::World;

const ROWS: &str = "select n, n from generate_series(1, 40) as n";

/// How many updates were recorded of the table, and how many different ones.
async fn updates(world: &World, table: &str) -> (i64, i64) {
    let sql = format!(
        "select count(*), count(distinct (record_id, old_values::text, new_values::text)) \
           from afterimage.log where action = 'UPDATE' and table_name = '{table}'"
    );
    let row = &world.rows(&sql).await[0];
    let number = |place: usize| row[place].as_ref().expect("a number").parse().expect("a number");
    (number(0), number(1))
}

#[tokio::test]
async fn a_row_trigger_of_another_table_that_the_statement_writes_comes_in_between() {
    let (world, _api) = tracked(
        "create table job (id int primary key, n int); create table t (id int primary key, n int, note text); \
         create function rerank() returns trigger language plpgsql as 'begin update t set n = n + 1; return null; end'; \
         create trigger rerank after update on job for each row execute function rerank()",
        &["t"],
    )
    .await;
    world.sql(&format!("insert into job {ROWS}; insert into t {ROWS}")).await;
    world
        .sql("with job as (update job set n = 0 returning id) update t set note = 'seen' from job where job.id = t.id")
        .await;
    assert_eq!(updates(&world, "t").await, (40 + 40 * 40, 40 + 40 * 40));
    let seen = "select count(*) from afterimage.log where new_values ->> 'note' = 'seen'";
    assert_eq!(world.scalar(seen).await, "40");
}

/// The commands of foreign keys share one queue, and one pair of transition tables.
#[tokio::test]
async fn foreign_keys_of_many_parents_write_many_children() {
    let (world, _api) = tracked(
        "create table p (id int primary key); \
         create table c (id int primary key, p int references p on update cascade on delete set null); \
         create table s (id int primary key, s int references s on delete set null)",
        &["c", "s"],
    )
    .await;
    world
        .sql(
            "insert into p select n from generate_series(1, 4) as n; \
        insert into c select n, 1 + n % 4 from generate_series(1, 40) as n; \
        insert into s select n, nullif(1 + n % 4, n) from generate_series(1, 40) as n",
        )
        .await;
    world.sql("update p set id = id + 10").await;
    assert_eq!(updates(&world, "c").await, (40, 40));
    world.sql("delete from p where id in (11, 12)").await;
    assert_eq!(updates(&world, "c").await, (60, 60));
    world.sql("delete from s where id in (1, 2)").await;
    let written = "select count(*) from s where s is null and id > 2";
    let (recorded, different) = updates(&world, "s").await;
    assert_eq!(recorded, different);
    assert_eq!(world.scalar(written).await, recorded.to_string());
}

#[tokio::test]
async fn a_function_that_the_statement_calls_changes_its_rows_again() {
    let (world, _api) = tracked(
        "create table t (id int primary key, b int, a text); \
         create function again(n int) returns int language plpgsql as $$ begin \
           if n in (5, 25, 40) then update t set b = b + 1000 where id < n and b < 1000; end if; return n; end $$",
        &["t"],
    )
    .await;
    world
        .sql(&format!(
            "insert into t {ROWS}; begin; select 1 from t for update; update t set a = 'x'; \
        update t set a = 'y', b = again(id); update t set a = 'z'; commit"
        ))
        .await;
    assert_eq!(updates(&world, "t").await, (3 * 40 + 39, 3 * 40 + 39));
}
