//! Rows of partitioned tables that go from one partition to another, and partitions that come and go.

use serde_json::json;

use super::{entries, health_of, tracked};
use crate::support::{Api, World};

const M: &str = "create table m (k int, id int, a text, primary key (k, id)) partition by range (k); \
    create table m0 partition of m for values from (0) to (10); \
    create table m1 partition of m for values from (10) to (20) partition by list (id); \
    create table m11 partition of m1 for values in (1); create table m1d partition of m1 default; \
    create table md (a text, gone int, id int not null, k int not null); alter table md drop column gone; \
    alter table m attach partition md default";

async fn last(world: &World, count: usize) -> Vec<String> {
    let all = entries(world).await;
    all[all.len() - count..].to_vec()
}

async fn undo(api: &Api, action: &str, record_id: &str) {
    let find = "query($f: AuditLogFilter) { auditLogs(filter: $f, first: 1) { nodes { id } } }";
    let found = api.ask(find, json!({"f": {"action": [action], "recordId": [record_id]}})).await;
    let id = found["auditLogs"]["nodes"][0]["id"].clone();
    api.ask("mutation($id: ID!) { undo(id: $id) { entries { undoOf { id } } } }", json!({"id": id})).await;
}

#[tokio::test]
async fn a_row_that_moves_is_a_change_of_its_key_and_goes_back_by_one_undo() {
    let (world, api) = tracked(M, &["m"]).await;
    assert_eq!(health_of(&api, "m").await, "OK");
    world.sql("insert into m values (1, 1, 'a'); update m set k = 11, a = 'b'").await;
    let moved = [
        r#"DELETE m ["1","1"] <["11","1"] {"k":1,"id":1,"a":"a"} -"#,
        r#"CREATE m ["11","1"] <["1","1"] - {"k":11,"id":1,"a":"b"}"#,
    ];
    assert_eq!(entries(&world).await[1..], moved);
    undo(&api, "CREATE", r#"["11","1"]"#).await;
    assert_eq!(world.scalar("select tableoid::regclass || ' ' || m from m").await, "m0 (1,1,a)");
    let back = [
        r#"DELETE m ["11","1"] <["1","1"] {"k":11,"id":1,"a":"b"} -"#,
        r#"CREATE m ["1","1"] <["11","1"] - {"k":1,"id":1,"a":"a"}"#,
    ];
    assert_eq!(last(&world, 2).await, back);
    // Between partitions of a partition, to the one that takes the rest, and to one whose columns stand otherwise.
    world.sql("update m set k = 12; update m1 set id = 2; update m set k = 99; update md set k = 98; update md set a = 'd'").await;
    let ids: Vec<String> =
        last(&world, 9).await.iter().map(|entry| entry.split(" {").next().expect("text").replace(" - ", " ")).collect();
    assert_eq!(
        ids,
        [
            r#"DELETE m ["1","1"] <["12","1"]"#,
            r#"CREATE m ["12","1"] <["1","1"] -"#,
            r#"DELETE m ["12","1"] <["12","2"]"#,
            r#"CREATE m ["12","2"] <["12","1"] -"#,
            r#"DELETE m ["12","2"] <["99","2"]"#,
            r#"CREATE m ["99","2"] <["12","2"] -"#,
            r#"DELETE m ["99","2"] <["98","2"]"#,
            r#"CREATE m ["98","2"] <["99","2"] -"#,
            r#"UPDATE m ["98","2"]"#,
        ]
    );
    assert_eq!(world.scalar("select count(*) from afterimage.moved_row").await, "0");
    let trash = api.ask("{ trash { nodes { recordId } } }", json!({})).await;
    assert_eq!(trash["trash"]["nodes"], json!([]));
}

#[tokio::test]
async fn many_moves_of_one_statement_are_told_apart() {
    let (world, _api) = tracked(M, &["m"]).await;
    world.sql("insert into m select n, 1, 'x' from generate_series(0, 29) as n; update m set k = k + 100").await;
    world.sql("update m set k = k - 100").await;
    let wrong = world
        .rows(
            "select a.record_id, a.previous_record_id, b.record_id from afterimage.log a left join afterimage.log b \
             on b.id = a.id + 1 and b.action = 'CREATE' and b.previous_record_id = a.record_id and a.previous_record_id = b.record_id \
             where a.action = 'DELETE' and b.id is null",
        )
        .await;
    assert_eq!(wrong, Vec::<Vec<Option<String>>>::new());
    assert_eq!(world.scalar("select count(*) from afterimage.log where action = 'DELETE'").await, "60");
    assert_eq!(world.scalar("select count(*) from afterimage.moved_row").await, "0");
}

#[tokio::test]
async fn a_merge_moves_rows_and_a_deletion_beside_a_creation_does_not() {
    let (world, _api) = tracked(M, &["m"]).await;
    world
        .sql(
            "insert into m values (1, 1, 'a'); merge into m using (values (1, 11)) as s (k, to_k) on m.k = s.k \
             when matched then update set k = s.to_k when not matched then do nothing; \
             with gone as (delete from m returning *) insert into m select 2, id, a from gone",
        )
        .await;
    assert_eq!(
        entries(&world).await[1..],
        [
            r#"DELETE m ["1","1"] <["11","1"] {"k":1,"id":1,"a":"a"} -"#,
            r#"CREATE m ["11","1"] <["1","1"] - {"k":11,"id":1,"a":"a"}"#,
            r#"DELETE m ["11","1"] {"k":11,"id":1,"a":"a"} -"#,
            r#"CREATE m ["2","1"] - {"k":2,"id":1,"a":"a"}"#,
        ]
    );
}

#[tokio::test]
async fn what_is_no_move_is_none() {
    let (world, _api) = tracked(
        &format!(
            "{M}; create function stay() returns trigger language plpgsql as \
            $$ begin if new.a = 'stay' then return null; end if; return new; end $$; \
            create trigger zzz before update on m for each row execute function stay()"
        ),
        &["m"],
    )
    .await;
    world.sql("insert into m values (1, 1, 'a'); begin; savepoint s; update m set k = 11; rollback to s; delete from m; commit").await;
    // A key that changes within its partition; an update that another trigger prevents, before a true deletion.
    world.sql("begin; insert into m values (1, 1, 'a'); update m set k = 2; insert into m values (1, 1, 'b'); delete from m where k = 1; commit").await;
    world.sql("begin; update m set k = 12, a = 'stay'; insert into m values (12, 1, 'c'); delete from m; commit").await;
    assert_eq!(
        entries(&world).await,
        [
            r#"CREATE m ["1","1"] - {"k":1,"id":1,"a":"a"}"#,
            r#"DELETE m ["1","1"] {"k":1,"id":1,"a":"a"} -"#,
            r#"CREATE m ["1","1"] - {"k":1,"id":1,"a":"a"}"#,
            r#"DELETE m ["1","1"] <["2","1"] {"k":1,"id":1,"a":"a"} -"#,
            r#"CREATE m ["2","1"] <["1","1"] - {"k":2,"id":1,"a":"a"}"#,
            r#"CREATE m ["1","1"] - {"k":1,"id":1,"a":"b"}"#,
            r#"DELETE m ["1","1"] {"k":1,"id":1,"a":"b"} -"#,
            r#"CREATE m ["12","1"] - {"k":12,"id":1,"a":"c"}"#,
            r#"DELETE m ["2","1"] {"k":2,"id":1,"a":"a"} -"#,
            r#"DELETE m ["12","1"] {"k":12,"id":1,"a":"c"} -"#,
        ]
    );
}

/// Triggers of the user's on either end of a move, which move rows themselves.
#[tokio::test]
async fn moves_within_moves_are_told_apart() {
    let (world, _api) = tracked(
        &format!(
            "{M}; create function more() returns trigger language plpgsql as $$ begin \
              if tg_op <> 'INSERT' and old.id = 1 then update m set k = k + 10 where id = 2; update m set a = a || '!' where id = 3; end if; \
              if tg_op = 'DELETE' then return old; end if; return new; end $$; \
            create trigger a before delete on m for each row execute function more(); \
            create trigger b before update on m for each row execute function more(); \
            create trigger c after delete on m for each row execute function more()"
        ),
        &["m"],
    )
    .await;
    world.sql("insert into m values (1, 1, 'a'), (1, 2, 'b'), (1, 3, 'c'); update m set k = 11 where id = 1").await;
    let found = entries(&world).await;
    let ids: Vec<&str> =
        found[3..].iter().map(|entry| entry.split(" {").next().expect("text").trim_end_matches(" -")).collect();
    let moved: Vec<&&str> = ids.iter().filter(|entry| !entry.starts_with("UPDATE")).collect();
    assert_eq!(
        moved,
        [
            &r#"DELETE m ["1","2"] <["11","2"]"#,
            &r#"CREATE m ["11","2"] <["1","2"]"#,
            &r#"DELETE m ["11","2"] <["21","2"]"#,
            &r#"CREATE m ["21","2"] <["11","2"]"#,
            &r#"DELETE m ["1","1"] <["11","1"]"#,
            &r#"DELETE m ["21","2"] <["31","2"]"#,
            &r#"CREATE m ["31","2"] <["21","2"]"#,
            &r#"CREATE m ["11","1"] <["1","1"]"#,
        ]
    );
}

#[tokio::test]
async fn a_detached_partition_is_a_table_like_any_other_and_an_attached_one_is_told() {
    let (world, api) = tracked(M, &["m"]).await;
    world.sql("insert into m values (1, 1, 'a'); alter table m detach partition m0").await;
    assert_eq!(health_of(&api, "m").await, "OK");
    world
        .sql("insert into m0 values (2, 1, 'b'); update m0 set a = 'c'; delete from m0 where k = 1; truncate m0")
        .await;
    assert_eq!(entries(&world).await, [r#"CREATE m ["1","1"] - {"k":1,"id":1,"a":"a"}"#]);
    world.sql("create table other (like m including all); alter table m attach partition other for values from (0) to (10)").await;
    assert_eq!(health_of(&api, "m").await, "OUTDATED");
    world.sql("insert into other values (3, 1, 'd'); update m set k = 12 where k = 3").await;
    assert_eq!(
        entries(&world).await[1..],
        [
            r#"CREATE m ["3","1"] - {"k":3,"id":1,"a":"d"}"#,
            r#"DELETE m ["3","1"] <["12","1"] {"k":3,"id":1,"a":"d"} -"#,
            r#"CREATE m ["12","1"] <["3","1"] - {"k":12,"id":1,"a":"d"}"#,
        ]
    );
    api.track("m").await;
    assert_eq!(health_of(&api, "m").await, "OK");
    assert!(world.try_sql("truncate other").await.is_err());
    api.ask("mutation { untrackTable(tableName: \"m\") { tableName } }", json!({})).await;
    let left =
        "select count(*) from pg_trigger where tgname like '%afterimage%' and tgrelid::regclass::text !~ '^afterimage'";
    assert_eq!(world.scalar(left).await, "1", "that of the partition that was detached");
    assert_eq!(world.scalar("select count(*) from pg_proc where proname like 'capture\\_%'").await, "0");
}

#[tokio::test]
async fn an_altered_partitioned_table_moves_rows_without_failing() {
    let (world, _api) = tracked(M, &["m"]).await;
    world.sql("insert into m values (1, 1, 'a'); alter table m rename id to ident; update m set k = 11").await;
    let found = entries(&world).await;
    assert_eq!(
        found[1..],
        [r#"DELETE m ["1","1"] {"k":1,"ident":1,"a":"a"} -"#, r#"CREATE m ["11","1"] - {"k":11,"ident":1,"a":"a"}"#,]
    );
}

#[tokio::test]
async fn a_tracked_table_can_become_a_partition_of_what_takes_its_name_and_others_of_their_own() {
    let (world, api) = tracked(
        "create table q (id int primary key, v text); create table side (id int primary key, v text)",
        &["q", "side"],
    )
    .await;
    world
        .sql(
            "insert into q values (1, 'a'); alter table q rename to q_0; \
             create table q (id int primary key, v text) partition by range (id); \
             alter table q attach partition q_0 for values from (0) to (100); \
             alter table q attach partition side for values from (100) to (200)",
        )
        .await;
    api.track("q").await;
    assert_eq!(health_of(&api, "q").await, "OK");
    world.sql("insert into q values (2, 'b'), (101, 'c'); update q set v = 'd' where id = 101; delete from q").await;
    assert_eq!(
        entries(&world).await[1..],
        [
            r#"CREATE q 2 - {"id":2,"v":"b"}"#,
            r#"CREATE q 101 - {"id":101,"v":"c"}"#,
            r#"UPDATE q 101 {"v":"c"} {"v":"d"}"#,
            r#"DELETE q 1 {"id":1,"v":"a"} -"#,
            r#"DELETE q 2 {"id":2,"v":"b"} -"#,
            r#"DELETE q 101 {"id":101,"v":"d"} -"#,
        ]
    );
    assert!(world.try_sql("truncate side").await.is_err());
    api.ask("mutation { untrackTable(tableName: \"side\") { tableName } }", json!({})).await;
    assert!(world.try_sql("truncate side").await.is_err(), "it is the root's to refuse");
    assert_eq!(health_of(&api, "q").await, "OK");
    api.ask("mutation { untrackTable(tableName: \"q\") { tableName } }", json!({})).await;
    world.sql("truncate q").await;
}
