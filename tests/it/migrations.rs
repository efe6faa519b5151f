//! The log's own tables: each migration's way back, and forth again.

use afterimage_migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use serde_json::{Value, json};

use crate::command::run;
use crate::support::{Api, Kind, World, both, by_hand};

async fn connect(world: &World) -> DatabaseConnection {
    let mut options = ConnectOptions::new(&world.database_url);
    options.max_connections(1).set_schema_search_path("afterimage");
    Database::connect(options).await.expect("the database answers")
}

/// Whatever the migrations make, as the database keeps it.
async fn schema(world: &World) -> String {
    world
        .scalar(match world.kind {
            Kind::Sqlite => {
                "select group_concat(sql, char(10)) from (select sql from sqlite_master where name like 'afterimage%' \
                 and name <> 'afterimage_migrations' order by type, name)"
            }
            Kind::Postgres => {
                "select string_agg(line, e'\\n' order by line) from (
                     select format('%s.%s %s %s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), \
                            pg_get_expr(d.adbin, d.adrelid))
                       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                       left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
                      where c.relnamespace = 'afterimage'::regnamespace and c.relname <> 'afterimage_migrations'
                     union all select pg_get_functiondef(oid) from pg_proc
                      where pronamespace = 'afterimage'::regnamespace
                     union all select pg_get_constraintdef(oid) from pg_constraint
                      where connamespace = 'afterimage'::regnamespace
                     union all select pg_get_indexdef(indexrelid) from pg_index
                      where indrelid::regclass::text like 'afterimage.%'
                     union all select pg_get_triggerdef(oid) from pg_trigger
                      where tgrelid::regclass::text like 'afterimage.%') as lines (line)"
            }
        })
        .await
}

both! {
    async fn every_migration_leads_back_and_forth(world: World) {
        assert!(run(&world, &["migrate"]).status.success());
        let whole = schema(&world).await;
        let connection = connect(&world).await;
        let count = u32::try_from(Migrator::migrations().len()).expect("a few");
        let mut before = whole.clone();
        for steps in 1..count {
            Migrator::down(&connection, Some(1)).await.expect("it leads back");
            let less = schema(&world).await;
            // What the other database alone needs changes nothing on this one.
            if less != before {
                Migrator::up(&connection, Some(1)).await.expect("and forth");
                assert_eq!(schema(&world).await, before, "{steps} from the last");
                Migrator::down(&connection, Some(1)).await.expect("it leads back again");
            }
            before = less;
        }
        Migrator::up(&connection, None).await.expect("all the way");
        assert_eq!(schema(&world).await, whole);
    }

    async fn keys_and_undos_of_an_older_log_are_known(world: World) {
        let api = Api::start(&world).await;
        let input = by_hand("x", json!({"idempotencyKey": "k", "action": "CREATE", "newValues": {"a": 1}}));
        let create = "mutation($i: CreateAuditLogInput!) { createAuditLog(input: $i) { auditLog { id } } }";
        let made = api.ask(create, json!({"i": input.clone()})).await;
        world.sql("create table t (id integer primary key)").await;
        api.track("t").await;
        world.sql("insert into t values (1)").await;
        let entry = "{ auditLogs(filter: {tableName: [\"t\"], action: [CREATE]}) { nodes { id undoneBy { id } } } }";
        let created = api.ask(entry, json!({})).await["auditLogs"]["nodes"][0]["id"].take();
        api.ask("mutation($id: ID!) { undo(id: $id) { auditLog { id } } }", json!({"id": created})).await;
        let undone = api.ask(entry, json!({})).await;
        assert_ne!(undone["auditLogs"]["nodes"][0]["undoneBy"], Value::Null);
        let connection = connect(&world).await;
        let later = Migrator::migrations().iter().rev().take_while(|one| one.name() != "m0008_hidden_columns").count();
        Migrator::down(&connection, u32::try_from(later).ok()).await.expect("it leads back");
        Migrator::up(&connection, None).await.expect("and forth");
        assert_eq!(api.ask(create, json!({"i": input})).await, made);
        assert_eq!(api.ask(entry, json!({})).await, undone);
    }
}
