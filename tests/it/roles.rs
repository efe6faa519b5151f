//! The three roles of a PostgreSQL set-up: the owner, who migrates and tracks; the server's, which serves and undoes; and
//! the application's, whose changes are recorded and which can do nothing about it. Roles belong to a whole cluster, so
//! that these tests have one of their own.

mod counting;
mod elsewhere;
mod migrated;

use afterimage::auth::Role;
use afterimage::store::{Database, grant_runtime, migrate};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

use crate::command;
use crate::support::cluster::Cluster;
use crate::support::{Api, Kind, World};

/// What the README shows.
const SET_UP: &str = "create role shop_owner login; create role shop_app login; create role afterimage_server login; \
    create role afterimage_owner login; create role afterimage_capture nologin; \
    grant shop_owner to afterimage_owner; grant afterimage_capture to afterimage_owner";
const DATABASE: &str = "grant create on database shop to afterimage_owner; alter schema public owner to shop_owner; \
    grant usage on schema public to shop_app, afterimage_server, afterimage_owner; set role shop_owner; \
    create table orders (id int primary key, note text); create table private (id int primary key, note text); \
    grant select, insert, update, delete on orders, private to shop_app; \
    grant select, insert, update, delete on orders to afterimage_server; reset role";

struct Shop {
    cluster: Cluster,
    world: World,
}

impl Shop {
    async fn open() -> Shop {
        let cluster = Cluster::start();
        run(&cluster.url("postgres"), "create database shop").await.expect("a database");
        run(&cluster.url("postgres"), SET_UP).await.expect("the roles");
        run(&cluster.url("shop"), DATABASE).await.expect("the tables");
        let owner = cluster.url_of("afterimage_owner", "shop");
        let database = Database::connect(&owner, Duration::from_secs(30)).await.expect("the owner connects");
        migrate(&database, &owner).await.expect("the owner migrates");
        grant_runtime(&database, "afterimage_server").await.expect("the owner grants");
        let world = World::new(Kind::Sqlite).await;
        Shop { cluster, world: World { kind: Kind::Postgres, database_url: owner, folder: world.folder } }
    }

    /// A server as this role.
    async fn server(&self, role: &str, owner: Option<&str>) -> Api {
        let folder = World::new(Kind::Sqlite).await.folder;
        let world = World { kind: Kind::Postgres, database_url: self.cluster.url_of(role, "shop"), folder };
        let owner = owner.map(|owner| self.cluster.url_of(owner, "shop"));
        Api::start_with(&world, |settings| settings.owner_database_url = owner).await
    }

    async fn try_as(&self, role: &str, sql: &str) -> Result<(), sqlx::Error> {
        run(&self.cluster.url_of(role, "shop"), sql).await
    }

    async fn refused_to(&self, role: &str, sql: &str) {
        let refusal = self.try_as(role, sql).await.expect_err(sql).to_string();
        let told = ["permission denied", "append-only", "must be owner", "must be member"];
        assert!(told.iter().any(|text| refusal.contains(text)), "{sql}: {refusal}");
    }
}

async fn run(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(drop)
}

const TRACK: &str = "mutation($t: String!) { trackTable(input: {tableName: $t}) { trackedTable { tableName } } }";
const UNDO: &str = "mutation($id: ID!) { undo(id: $id) { entries { source databaseRole userId } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_s_changes_are_recorded_and_it_can_do_nothing_about_it() {
    let shop = Shop::open().await;
    let owner = Api::start(&shop.world).await;
    for table in ["orders", "private"] {
        owner.track(table).await;
    }
    let relation = shop.world.scalar("select 'orders'::regclass::oid").await;
    shop.try_as("shop_app", "insert into orders values (1, 'a'); update orders set note = 'b'; delete from orders; \
        insert into orders values (2, 'c'); set afterimage.context = '{\"userId\":\"7\"}'; update orders set note = 'd'").await.expect("its own work");
    for sql in [
        "select * from afterimage.log",
        "insert into afterimage.log (action, table_name) values ('CREATE', 'orders')",
        "update afterimage.log set user_id = 'x'",
        "delete from afterimage.log",
        "truncate afterimage.log",
        "select * from afterimage.tracked_table",
        "insert into afterimage.server_context default values",
        "insert into afterimage.server_undo values ('1', 'orders', '1', 'CREATE', 1)",
        "select afterimage.author()",
        "select afterimage.current_era()",
        "create table afterimage.mine (id int)",
        "alter table orders disable trigger \"!afterimage_update\"",
        "drop trigger \"!afterimage_update\" on orders",
        "truncate orders",
        "set role afterimage_capture",
        "set session_replication_role = replica",
    ] {
        shop.refused_to("shop_app", sql).await;
    }
    for kind in ["insert", "update", "delete"] {
        let forge = format!(
            "create temp table orders (id int, note text); create trigger x after insert on orders \
            for each row execute function afterimage.capture_{relation}_{kind}()"
        );
        shop.refused_to("shop_app", &forge).await;
    }
    shop.try_as(
        "shop_app",
        "begin; select set_config('afterimage.server', 'on', true); \
        update orders set note = 'e' where id = 2; commit",
    )
    .await
    .expect("a setting does no harm");
    let query = "{ auditLogs(filter: {tableName: [\"orders\"]}) { nodes { action source userId databaseRole } } }";
    let nodes = owner.ask(query, json!({})).await["auditLogs"]["nodes"].take();
    let brief: Vec<String> = nodes
        .as_array()
        .expect("a list")
        .iter()
        .map(|n| format!("{} {} {} {}", n["action"], n["source"], n["userId"], n["databaseRole"]).replace('"', ""))
        .collect();
    assert_eq!(
        brief,
        [
            "UPDATE TRIGGER null shop_app",
            "UPDATE TRIGGER 7 shop_app",
            "CREATE TRIGGER null shop_app",
            "DELETE TRIGGER null shop_app",
            "UPDATE TRIGGER null shop_app",
            "CREATE TRIGGER null shop_app"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_s_role_serves_and_undoes_where_it_may() {
    let shop = Shop::open().await;
    let server = shop.server("afterimage_server", None).await;
    assert_eq!(server.refusal(TRACK, json!({"t": "orders"})).await.0, "FORBIDDEN");
    let through = shop.server("afterimage_server", Some("afterimage_owner")).await;
    for table in ["orders", "private"] {
        through.ask(TRACK, json!({"t": table})).await;
    }
    assert_eq!(
        server.refusal("mutation { untrackTable(tableName: \"orders\") { tableName } }", json!({})).await.0,
        "FORBIDDEN"
    );
    shop.try_as(
        "shop_app",
        "insert into orders values (1, 'a'); update orders set note = 'b'; \
        insert into private values (1, 'a')",
    )
    .await
    .expect("its own work");
    let data = server
        .ask(
            "{ trackedTables { health } summary { total } auditLogs(filter: {source: TRIGGER}) { nodes { id } } }",
            json!({}),
        )
        .await;
    assert_eq!(data["trackedTables"], json!([{"health": "OK"}, {"health": "OK"}]));
    let id = |place: usize| data["auditLogs"]["nodes"][place]["id"].clone();
    let done = server.ask(UNDO, json!({"id": id(1)})).await;
    assert_eq!(
        done["undo"]["entries"],
        json!([{"source": "UNDO", "databaseRole": "afterimage_server", "userId": "42"}])
    );
    let (code, message) = server.refusal(UNDO, json!({"id": id(0)})).await;
    assert_eq!(code, "FORBIDDEN", "{message}");
    assert!(message.contains("private") && message.contains("GRANT SELECT, INSERT, UPDATE, DELETE"), "{message}");
    let create =
        "mutation { createAuditLog(input: {userId: \"1\", action: READ, tableName: \"orders\"}) { auditLog { id } } }";
    assert!(server.answer_as(&[Role::Writer], create, json!({})).await.get("errors").is_none());
    for sql in [
        "update afterimage.log set user_id = 'x'",
        "delete from afterimage.log",
        "truncate afterimage.log",
        "alter table afterimage.log disable trigger all",
        "insert into afterimage.tracked_table values ('x', 1, '[]', '[]', '[]', '[]')",
        "set session_replication_role = replica",
    ] {
        shop.refused_to("afterimage_server", sql).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_capture_role_writes_the_log_and_nothing_else() {
    let shop = Shop::open().await;
    let owner = Api::start(&shop.world).await;
    owner.track("orders").await;
    let owners =
        "select count(*) from pg_proc where proname like 'capture\\_%' and proowner = 'afterimage_capture'::regrole";
    assert_eq!(shop.world.scalar(owners).await, "3");
    let rights = "select concat_ws(' ', has_schema_privilege('afterimage_capture', 'afterimage', 'create'), \
        has_table_privilege('afterimage_capture', 'afterimage.log', 'select,update,delete,truncate'), \
        has_table_privilege('afterimage_capture', 'orders', 'select'))";
    assert_eq!(shop.world.scalar(rights).await, "f f f");
    shop.world.sql("delete from orders").await;
}

const OBJECT: &str = "query($t: String!, $r: ID!) { trackedObject(tableName: $t, recordId: $r) { current \
    at(instant: \"2100-01-01\") blame { field value } } }";

/// Rows that the server's role may not see are not taken for rows that are not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_shown_where_the_server_s_role_may_read_them() {
    let shop = Shop::open().await;
    let owner = Api::start(&shop.world).await;
    for table in ["orders", "private"] {
        owner.track(table).await;
    }
    shop.try_as("shop_app", "insert into orders values (1, 'a'); insert into private values (1, 'a')")
        .await
        .expect("its own work");
    let server = shop.server("afterimage_server", None).await;
    let row = json!({"id": 1, "note": "a"});
    let seen = json!({"current": row, "at": row,
        "blame": [{"field": "id", "value": 1}, {"field": "note", "value": "a"}]});
    assert_eq!(server.ask(OBJECT, json!({"t": "orders", "r": "1"})).await["trackedObject"], seen);
    for record_id in ["1", "2"] {
        let (code, message) = server.refusal(OBJECT, json!({"t": "private", "r": record_id})).await;
        assert_eq!(code, "FORBIDDEN", "{message}");
        assert!(message.contains("GRANT SELECT ON public.private"), "{message}");
    }
    shop.try_as("shop_owner", "grant select on private to afterimage_server").await.expect("what it says");
    assert_eq!(server.ask(OBJECT, json!({"t": "private", "r": "1"})).await["trackedObject"], seen);
    let policy = "alter table orders enable row level security; create policy own on orders using (note = 'b')";
    shop.try_as("shop_owner", policy).await.expect("a policy");
    let (code, message) = server.refusal(OBJECT, json!({"t": "orders", "r": "1"})).await;
    assert_eq!((code.as_str(), message.contains("BYPASSRLS")), ("FORBIDDEN", true), "{message}");
    run(&shop.cluster.url("shop"), "alter role afterimage_server bypassrls").await.expect("what it says");
    assert_eq!(server.ask(OBJECT, json!({"t": "orders", "r": "1"})).await["trackedObject"], seen);
}

/// The owner is bound by the table's policies here, and the capture role may read no table at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_policies_hide_what_was_altered_and_what_moves_is_recorded_all_the_same() {
    let shop = Shop::open().await;
    let owner = Api::start(&shop.world).await;
    shop.try_as(
        "afterimage_owner",
        "set role shop_owner; create table m (k int primary key, note text) partition by list (k); \
        create table m1 partition of m for values in (1); create table m2 partition of m for values in (2); \
        grant select, insert, update, delete on m to shop_app; \
        alter table orders enable row level security; alter table orders force row level security; \
        create policy mine on orders using (note <> 'hidden') with check (true)",
    )
    .await
    .expect("its own tables");
    owner.track("m").await;
    owner.track("orders").await;
    shop.try_as(
        "shop_app",
        "insert into orders values (1, 'seen'), (2, 'hidden'); update orders set note = 'hidden'; \
        delete from orders; insert into m values (1, 'a'); update m set k = 2",
    )
    .await
    .expect("its own work");
    shop.try_as(
        "shop_owner",
        "alter table orders rename note to text; alter table orders add more inet; alter table m add more text",
    )
    .await
    .expect("its own tables");
    shop.try_as(
        "shop_app",
        "insert into orders values (3, 'x', '10.0.0.1'); update orders set text = 'y'; update m set more = 'z'",
    )
    .await
    .expect("its own work");
    let rows = shop
        .world
        .rows(
            "select concat_ws(' ', action, record_id, previous_record_id, old_values, new_values, database_role) \
            from afterimage.log where source = 'TRIGGER' order by id",
        )
        .await;
    let rows: Vec<&str> = rows.iter().map(|row| row[0].as_deref().expect("text")).collect();
    assert_eq!(
        rows,
        [
            r#"CREATE 1 {"id":1,"note":"seen"} shop_app"#,
            r#"CREATE 2 {"id":2,"note":"hidden"} shop_app"#,
            r#"UPDATE 1 {"note":"seen"} {"note":"hidden"} shop_app"#,
            r#"CREATE 1 {"k":1,"note":"a"} shop_app"#,
            r#"DELETE 1 2 {"k":1,"note":"a"} shop_app"#,
            r#"CREATE 2 1 {"k":2,"note":"a"} shop_app"#,
            r#"CREATE 3 {"id":3,"text":"x","more":"10.0.0.1"} shop_app"#,
            r#"UPDATE 3 {"text":"x"} {"text":"y"} shop_app"#,
            r#"UPDATE 2 {"more":null} {"more":"z"} shop_app"#,
        ]
    );
    for table in ["afterimage.moved_row", "afterimage.log"] {
        shop.refused_to("shop_app", &format!("delete from {table}")).await;
    }
    shop.refused_to("shop_app", "select afterimage.recording_now('orders'::regclass, 'CREATE', 'x', '{}', null)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_takes_what_it_may_pauses_and_records_what_is_there() {
    let shop = Shop::open().await;
    run(&shop.cluster.url("shop"), "create table foreigners (id int primary key); insert into orders values (1, 'a')")
        .await
        .expect("a table of another owner");
    let all = command::run(&shop.world, &["track", "--all", "--baseline", "--require-user"]);
    let said = command::told(&all.stderr);
    assert!(!all.status.success() && said.contains("2 tracked, 1 left out"), "{said}");
    assert!(said.contains("left out: foreigners: ") && said.contains("tracking orders, 1 rows"), "{said}");
    let refusal = shop.try_as("shop_app", "insert into orders values (2, 'b')").await.expect_err("refused").to_string();
    assert!(refusal.contains("orders takes no change without a user"), "{refusal}");
    assert!(command::run(&shop.world, &["pause", "orders"]).status.success());
    shop.try_as("shop_app", "insert into orders values (2, 'b')").await.expect("nothing stands in the way");
    let resumed = command::run(&shop.world, &["resume", "orders", "--baseline"]);
    assert!(command::told(&resumed.stderr).contains("2 rows recorded"), "{}", command::told(&resumed.stderr));
    shop.try_as("shop_app", "insert into orders values (3, 'c')").await.expect_err("it still requires a user");
}

/// Rows that a policy hides from the owner would be missing without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_baseline_that_a_policy_would_cut_is_refused() {
    let shop = Shop::open().await;
    let hide = "insert into orders values (1, 'a'), (2, 'b'); alter table orders enable row level security; \
        alter table orders force row level security; create policy part on orders using (id = 1)";
    run(&shop.cluster.url("shop"), hide).await.expect("a policy");
    let refused = command::run(&shop.world, &["track", "orders", "--baseline"]);
    assert!(!refused.status.success(), "{}", command::told(&refused.stderr));
    assert!(command::told(&refused.stderr).contains("BYPASSRLS"), "{}", command::told(&refused.stderr));
    assert_eq!(shop.world.scalar("select count(*) from afterimage.log").await, "0");
}

/// What the tables' own triggers do in an undo they do as their owner: no more than he may, and no less.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triggers_fire_in_an_undo_with_the_owner_s_rights() {
    let shop = Shop::open().await;
    let owner = Api::start(&shop.world).await;
    shop.try_as(
        "shop_owner",
        "create table witness (at text, who text, path text); \
         create function see() returns trigger language plpgsql as $f$ begin \
           insert into witness values (tg_name, current_user, current_setting('search_path')); return new; end $f$; \
         create trigger early before update on orders for each row execute function see(); \
         create constraint trigger late after update on orders deferrable initially deferred \
           for each row execute function see(); \
         create function flee() returns trigger language plpgsql as $f$ begin \
           if new.note = 'flee' then reset role; end if; return new; end $f$; \
         create trigger flee before update on orders for each row execute function flee()",
    )
    .await
    .expect("its own triggers");
    owner.track("orders").await;
    owner.track("private").await;
    for sql in ["insert into orders values (1, 'a')", "update orders set note = 'b'", "truncate witness"] {
        shop.try_as("shop_owner", sql).await.expect("its own work");
    }
    let server = shop.server("afterimage_server", None).await;
    let entry = "select max(id) from afterimage.log where action = 'UPDATE'";
    server.ask(UNDO, json!({"id": shop.world.scalar(entry).await})).await;
    let seen = shop.world.rows("select concat_ws(' ', at, who, path) from witness order by 1").await;
    let seen: Vec<&str> = seen.iter().filter_map(|row| row[0].as_deref()).collect();
    assert_eq!(seen, ["early shop_owner \"$user\", public", "late shop_owner \"$user\", public"]);
    // A trigger gets at no one else's rights.
    shop.try_as("shop_owner", "update orders set note = 'flee'; update orders set note = 'c'").await.expect("its own");
    let (code, message) = server.refusal(UNDO, json!({"id": shop.world.scalar(entry).await})).await;
    assert!(message.contains("security-"), "{code} {message}");
    // Nor does the server's role, by the function that undoes write by.
    let oid = |table: &str| format!("select '{table}'::regclass::oid");
    let function = shop.world.scalar("select 'afterimage.write_as_' || 'shop_owner'::regrole::oid").await;
    for table in ["private", "witness"] {
        let number = shop.world.scalar(&oid(table)).await;
        let part =
            format!("[[{{\"action\":\"DELETE\",\"table\":{number},\"columns\":[],\"documents\":[],\"rows\":[]}}]]");
        shop.refused_to("afterimage_server", &format!("select {function}('{part}')")).await;
    }
    shop.refused_to("shop_app", &format!("select {function}('[]')")).await;
}
