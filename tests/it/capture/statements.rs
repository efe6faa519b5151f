//! Ways to a row that go round the plain statement: rules, views, cursors, other tables' TRUNCATE, prepared statements.

use sqlx::{Connection, PgConnection};

use super::{entries, tracked};

const T: &str = "create table t (id int primary key, a text)";

#[tokio::test]
async fn rules_are_recorded_as_what_they_do() {
    let (world, _api) = tracked(
        "create table t (id int primary key, a text); create table u (id int primary key, a text); \
        create rule also as on insert to t do also insert into u values (new.id, new.a); \
        create rule instead as on delete to u do instead update u set a = 'gone' where id = old.id; \
        create rule nothing as on update to t do instead nothing",
        &["t", "u"],
    )
    .await;
    world.sql("insert into t values (1, 'a'); update t set a = 'b'; delete from u").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"a":"a"}"#,
            r#"CREATE u 1 - {"id":1,"a":"a"}"#,
            r#"UPDATE u 1 {"a":"a"} {"a":"gone"}"#,
        ]
    );
}

#[tokio::test]
async fn views_are_recorded_as_their_tables() {
    let (world, _api) = tracked(
        "create table t (id int primary key, a text, b text default 'd'); create view simple as select id, a from t; \
        create view odd as select id, upper(a) as a from t; \
        create function odd() returns trigger language plpgsql as $$ begin \
          if tg_op = 'INSERT' then insert into t values (new.id, new.a); return new; end if; \
          if tg_op = 'UPDATE' then update t set a = new.a where id = old.id; return new; end if; \
          delete from t where id = old.id; return old; end $$; \
        create trigger odd instead of insert or update or delete on odd for each row execute function odd()",
        &["t"],
    )
    .await;
    world
        .sql(
            "insert into simple values (1, 'a'); update simple set a = 'b'; insert into odd values (2, 'x'); \
        update odd set a = 'c' where id = 2; delete from odd; ",
        )
        .await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"a":"a","b":"d"}"#,
            r#"UPDATE t 1 {"a":"a"} {"a":"b"}"#,
            r#"CREATE t 2 - {"id":2,"a":"x","b":"d"}"#,
            r#"UPDATE t 2 {"a":"x"} {"a":"c"}"#,
            r#"DELETE t 1 {"id":1,"a":"b","b":"d"} -"#,
            r#"DELETE t 2 {"id":2,"a":"c","b":"d"} -"#,
        ]
    );
}

#[tokio::test]
async fn changes_at_a_cursor_are_recorded() {
    let (world, _api) = tracked(T, &["t"]).await;
    world.sql("insert into t values (1, 'a'), (2, 'b'); begin; declare c cursor for select * from t order by id for update; \
        fetch c; update t set a = 'x' where current of c; fetch c; delete from t where current of c; commit").await;
    assert_eq!(entries(&world).await[2..], [r#"UPDATE t 1 {"a":"a"} {"a":"x"}"#, r#"DELETE t 2 {"id":2,"a":"b"} -"#]);
}

#[tokio::test]
async fn truncation_is_refused_by_whatever_table_it_begins_with() {
    let (world, _api) = tracked(
        "create table p (id int primary key); create table t (id int primary key, p int references p); \
        create table m (k int primary key) partition by list (k); create table m1 partition of m default; \
        create table h (id int primary key); create table h1 (primary key (id)) inherits (h)",
        &["t", "m", "h1"],
    )
    .await;
    world.sql("insert into p values (1); insert into t values (1, 1); insert into m values (1); insert into h1 values (1)").await;
    for statement in ["truncate p cascade", "truncate m1", "truncate m", "truncate h", "truncate t, p"] {
        let refusal = world.try_sql(statement).await.expect_err(statement);
        assert!(refusal.to_string().contains("is refused: the audit log tracks it"), "{statement}: {refusal}");
    }
    world.sql("truncate only h").await;
    assert_eq!(entries(&world).await.len(), 3);
}

/// The sixth execution of a prepared statement may use a plan that knows no values.
#[tokio::test]
async fn prepared_statements_and_their_generic_plans_are_recorded() {
    let (world, _api) = tracked(T, &["t"]).await;
    let mut connection = PgConnection::connect(&world.database_url).await.expect("a connection");
    for n in 0..8 {
        let text = if n % 2 == 0 { None } else { Some(format!("v{n}")) };
        sqlx::query("insert into t values ($1, $2)")
            .bind(n)
            .bind(text)
            .execute(&mut connection)
            .await
            .expect("inserted");
    }
    for n in 0..8 {
        sqlx::query("update t set a = $2 where id = $1")
            .bind(n)
            .bind(n.to_string())
            .execute(&mut connection)
            .await
            .expect("updated");
    }
    world.sql("prepare d (int) as delete from t where id = $1; execute d (0); execute d (1); execute d (2); execute d (3); \
        execute d (4); execute d (5); execute d (6); execute d (7)").await;
    let found = entries(&world).await;
    for n in 0..8 {
        let before = if n % 2 == 0 { "null".to_owned() } else { format!("\"v{n}\"") };
        assert_eq!(found[n], format!(r#"CREATE t {n} - {{"id":{n},"a":{before}}}"#));
        assert_eq!(found[8 + n], format!(r#"UPDATE t {n} {{"a":{before}}} {{"a":"{n}"}}"#));
        assert_eq!(found[16 + n], format!(r#"DELETE t {n} {{"id":{n},"a":"{n}"}} -"#));
    }
}

#[tokio::test]
async fn generated_and_identity_columns_are_recorded() {
    let (world, _api) = tracked(
        "create table t (id bigint generated always as identity primary key, serial serial, a int default 5, \
         double int generated always as (a * 2) stored, who text default current_user)",
        &["t"],
    )
    .await;
    world
        .sql(
            "insert into t default values; update t set a = 7; insert into t (id) overriding system value values (99); \
        update t set serial = default, a = default where id = 99",
        )
        .await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"serial":1,"a":5,"double":10,"who":"postgres"}"#,
            r#"UPDATE t 1 {"a":5,"double":10} {"a":7,"double":14}"#,
            r#"CREATE t 99 - {"id":99,"serial":2,"a":5,"double":10,"who":"postgres"}"#,
            r#"UPDATE t 99 {"serial":2} {"serial":3}"#,
        ]
    );
}

#[tokio::test]
async fn a_key_is_its_own_columns_and_not_those_that_its_index_includes() {
    let (world, _api) = tracked(
        "create table t (gone int, b int, note text, a int, primary key (a, b) include (note)); alter table t drop gone",
        &["t"],
    )
    .await;
    world.sql("insert into t values (1, 'n', 2); update t set note = 'm'; alter table t add c int; update t set note = 'o', b = 3").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t ["2","1"] - {"b":1,"note":"n","a":2}"#,
            r#"UPDATE t ["2","1"] {"note":"n"} {"note":"m"}"#,
            r#"DELETE t ["2","1"] <["2","3"] {"b":1,"note":"m","a":2,"c":null} -"#,
            r#"CREATE t ["2","3"] <["2","1"] - {"b":3,"note":"o","a":2,"c":null}"#,
        ]
    );
}
