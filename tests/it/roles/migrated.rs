//! Who has migrated, and whose is what came of it.

use std::time::Duration;

use afterimage::audit::Code;
use afterimage::store::{Database, migrate};
use afterimage_migration::{Migrator, MigratorTrait};
use sea_orm::ConnectOptions;

use super::Shop;

/// The triggers' functions run as the log's owner: what a superuser's migration adds must be that one's too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_one_migrates_is_the_log_s_owner_s() {
    let shop = Shop::open().await;
    let mut options = ConnectOptions::new(shop.cluster.url("shop"));
    options.max_connections(1).set_schema_search_path("afterimage");
    let superuser = sea_orm::Database::connect(options).await.expect("the superuser connects");
    let later = Migrator::migrations().iter().rev().take_while(|one| one.name() != "m0008_hidden_columns").count();
    Migrator::down(&superuser, u32::try_from(later).ok()).await.expect("it leads back");
    Migrator::up(&superuser, None).await.expect("and forth");
    let others = "select coalesce(string_agg(name, ' '), '') from (
        select relname::text, relowner from pg_class where relnamespace = 'afterimage'::regnamespace
        union all select proname::text, proowner from pg_proc where pronamespace = 'afterimage'::regnamespace
        ) as made (name, owner) where pg_get_userbyid(owner) <> 'afterimage_owner'";
    assert_eq!(shop.world.scalar(others).await, "");
}

/// Who has migrated must not grant anew what the server needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_grants_to_those_who_had_what_was_there() {
    let shop = Shop::open().await;
    let back = "delete from afterimage.afterimage_migrations where version = \
        'm0004_options'; alter table afterimage.tracked_table drop column requires_user, drop column paused_since, \
        drop column whole_at; revoke execute on function afterimage.shape(regclass) from afterimage_server";
    shop.try_as("afterimage_owner", back).await.expect("an older version");
    let owner = Database::connect(&shop.world.database_url, Duration::from_secs(30)).await.expect("the owner connects");
    migrate(&owner, &shop.world.database_url).await.expect("the owner migrates");
    let may = "select has_function_privilege('afterimage_server', 'afterimage.shape(regclass)', 'execute')";
    assert_eq!(shop.world.scalar(may).await, "t");
}

/// As where the application's role is given to the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_any_right_on_the_log_is_told_so() {
    let shop = Shop::open().await;
    let stranger = shop.cluster.url_of("shop_app", "shop");
    let database = Database::connect(&stranger, Duration::from_secs(30)).await.expect("it connects");
    let error = migrate(&database, &stranger).await.expect_err("it has no business there");
    assert_eq!(error.code(), Code::Forbidden, "{error}");
}
