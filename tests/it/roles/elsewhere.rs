//! The role that owns the capture functions, where it was made for another database of the cluster.

use super::{Shop, run};
use crate::support::Api;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_role_without_rights_in_this_database_owns_nothing_and_writes_go_on() {
    let shop = Shop::open().await;
    let strip = "revoke all on schema afterimage from afterimage_capture; \
                 revoke all on all tables in schema afterimage from afterimage_capture";
    run(&shop.world.database_url, strip).await.expect("the owner revokes");
    let owner = Api::start(&shop.world).await;
    owner.track("orders").await;
    shop.try_as("shop_app", "insert into orders values (1, 'a'); update orders set note = 'b'; delete from orders")
        .await
        .expect("its own work");
    let recorded = "select string_agg(action, ' ' order by id) from afterimage.log where table_name = 'orders'";
    assert_eq!(shop.world.scalar(recorded).await, "CREATE UPDATE DELETE");
}
