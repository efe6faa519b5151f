//! Tables whose own triggers and types do something of their own.

use serde_json::json;

use super::{entries, health_of, tracked};

/// BEFORE triggers change what is recorded; AFTER triggers come after it, in the order in which they act.
#[tokio::test]
async fn what_the_user_s_triggers_change_is_recorded_after_its_cause() {
    let (world, api) = tracked(
        "create table t (id int primary key, n int, touched int default 0); create table sums (id int primary key, n int); \
        insert into sums values (1, 0); \
        create function touch() returns trigger language plpgsql as $$ begin new.touched := new.touched + 1; return new; end $$; \
        create function sum() returns trigger language plpgsql as $$ begin \
          update sums set n = sums.n + coalesce(new.n, 0) - coalesce(old.n, 0); \
          if tg_op = 'UPDATE' and new.n > 100 then update t set n = 100 where id = new.id; end if; \
          if tg_op = 'UPDATE' and new.n < 0 then delete from t where id = new.id; end if; return null; end $$; \
        create function refuse() returns trigger language plpgsql as $$ begin if old.n = 7 then return null; end if; return old; end $$; \
        create trigger touch before insert or update on t for each row execute function touch(); \
        create trigger \"A sum\" after insert or update or delete on t for each row execute function sum(); \
        create trigger refuse before delete on t for each row execute function refuse()",
        &["t", "sums"],
    )
    .await;
    assert_eq!(health_of(&api, "t").await, "OK");
    world.sql("insert into t values (1, 5); update t set n = 200; insert into t values (2, 7); delete from t where id = 2; update t set n = -1 where id = 1").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"n":5,"touched":1}"#,
            r#"UPDATE sums 1 {"n":0} {"n":5}"#,
            r#"UPDATE t 1 {"n":5,"touched":1} {"n":200,"touched":2}"#,
            r#"UPDATE sums 1 {"n":5} {"n":200}"#,
            r#"UPDATE t 1 {"n":200,"touched":2} {"n":100,"touched":3}"#,
            r#"UPDATE sums 1 {"n":200} {"n":100}"#,
            r#"CREATE t 2 - {"id":2,"n":7,"touched":1}"#,
            r#"UPDATE sums 1 {"n":100} {"n":107}"#,
            r#"UPDATE t 1 {"n":100,"touched":3} {"n":-1,"touched":4}"#,
            r#"UPDATE sums 1 {"n":107} {"n":6}"#,
            r#"DELETE t 1 {"id":1,"n":-1,"touched":4} -"#,
            r#"UPDATE sums 1 {"n":6} {"n":7}"#,
        ]
    );
}

#[tokio::test]
async fn a_deferred_trigger_s_changes_are_recorded() {
    let (world, _api) = tracked(
        "create table t (id int primary key, n int); \
        create function later() returns trigger language plpgsql as $$ begin update t set n = 2 where id = new.id and n = 1; return null; end $$; \
        create constraint trigger later after insert on t deferrable initially deferred for each row execute function later()",
        &["t"],
    )
    .await;
    world.sql("begin; insert into t values (1, 1), (2, 1); delete from t where id = 2; commit").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"n":1}"#,
            r#"CREATE t 2 - {"id":2,"n":1}"#,
            r#"DELETE t 2 {"id":2,"n":1} -"#,
            r#"UPDATE t 1 {"n":1} {"n":2}"#,
        ]
    );
}

/// A cast, an operator or a function of the user's would run with the rights of the capture functions.
#[tokio::test]
async fn casts_and_operators_of_the_user_s_are_not_called() {
    let types = "create table called (what text); \
        create function tell(what text) returns void language plpgsql as 'begin insert into public.called values (what); end'; \
        create type pair as (a int, b text); create type mood as enum ('sad', 'ok'); create domain money_ as numeric check (value > -5); \
        create function pair_json(pair) returns json language sql as $$ select public.tell('cast'); select '\"stolen\"'::json $$; \
        create function mood_json(mood) returns json language sql as $$ select public.tell('cast'); select '\"stolen\"'::json $$; \
        create function mood_text(mood) returns text language sql as $$ select public.tell('text'); select 'stolen' $$; \
        create cast (pair as json) with function pair_json(pair); create cast (mood as json) with function mood_json(mood); \
        create cast (mood as text) with function mood_text(mood) as assignment; \
        create function pair_eq(pair, pair) returns bool language sql as $$ select public.tell('equal'); select true $$; \
        create operator <> (leftarg = pair, rightarg = pair, function = pair_eq); \
        create operator = (leftarg = pair, rightarg = pair, function = pair_eq); \
        create function eq(mood, mood) returns bool language sql as $$ select public.tell('equal'); select true $$; \
        create operator public.<> (leftarg = mood, rightarg = mood, function = eq); \
        create table t (id int primary key, p pair, m mood, n money_, ms mood[])";
    for alter in ["", "alter table t add extra pair"] {
        let (world, _api) = tracked(types, &["t"]).await;
        world.sql(alter).await;
        world
            .sql(
                "set search_path = public, pg_catalog; insert into t values (1, row(1, 'x'), 'sad', 1.0, '{ok}'); \
            update t set p = row(2, 'x'), m = 'ok', n = 1.00, ms = '{sad,ok}'; delete from t",
            )
            .await;
        let extra = if alter.is_empty() { "" } else { r#","extra":null"# };
        assert_eq!(
            entries(&world).await,
            [
                format!(r#"CREATE t 1 - {{"id":1,"p":"(1,x)","m":"sad","n":1.0,"ms":"{{ok}}"{extra}}}"#),
                r#"UPDATE t 1 {"p":"(1,x)","m":"sad","n":1.0,"ms":"{ok}"} {"p":"(2,x)","m":"ok","n":1.00,"ms":"{sad,ok}"}"#.to_owned(),
                format!(r#"DELETE t 1 {{"id":1,"p":"(2,x)","m":"ok","n":1.00,"ms":"{{sad,ok}}"{extra}}} -"#),
            ]
        );
        assert_eq!(world.scalar("select count(*) from called").await, "0");
    }
}

/// Policies hide rows from statements, not from capture; the owner of the table is bound by them too.
#[tokio::test]
async fn row_level_security_hides_nothing_from_the_log() {
    let (world, api) = tracked(
        "create table t (id int primary key, a text); alter table t enable row level security; alter table t force row level security; \
        create policy mine on t using (a <> 'hidden')",
        &["t"],
    )
    .await;
    world.sql("insert into t values (1, 'hidden'), (2, 'seen')").await;
    world.sql("set row_security = off; update t set a = a || '!'; delete from t where id = 2").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE t 1 - {"id":1,"a":"hidden"}"#,
            r#"CREATE t 2 - {"id":2,"a":"seen"}"#,
            r#"UPDATE t 1 {"a":"hidden"} {"a":"hidden!"}"#,
            r#"UPDATE t 2 {"a":"seen"} {"a":"seen!"}"#,
            r#"DELETE t 2 {"id":2,"a":"seen!"} -"#,
        ]
    );
    assert_eq!(api.ask("{ trackedTables { health } }", json!({})).await["trackedTables"][0]["health"], "OK");
}
