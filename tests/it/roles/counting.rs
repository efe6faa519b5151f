//! What becomes of the counters beside the log where the server's role may not bring them forward.

use std::time::Duration;

use afterimage::audit::Code;
use afterimage::store::{Database, Folded, fold, grant_runtime, warnings};
use serde_json::json;

use super::Shop;

/// Answers stay right; they only take longer, and the server says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_not_count_asks_the_log() {
    let shop = Shop::open().await;
    let tables = "afterimage.rollup_position, afterimage.rollup_count, afterimage.rollup_user, afterimage.rollup_trash";
    let revoke = format!("revoke all on {tables} from afterimage_server");
    let entries =
        "insert into afterimage.log (action, table_name, record_id) values ('DELETE', 't', 'a'), ('READ', 't', 'a')";
    shop.try_as("afterimage_owner", &format!("{revoke}; {entries}")).await.expect("the owner's work");
    let server = shop.server("afterimage_server", None).await;
    let database = &server.server.services.database;
    let ask = async |warned: bool| {
        let query = "{ summary { total byUser { count } } trash { totalCount nodes { recordId } } }";
        let answer = server.ask(query, json!({})).await;
        assert_eq!(answer["summary"], json!({"total": 2, "byUser": [{"count": 2}]}));
        assert_eq!(answer["trash"], json!({"totalCount": 1, "nodes": [{"recordId": "a"}]}));
        let warnings = warnings(database).await.expect("the database answers");
        assert_eq!(warnings.iter().any(|warning| warning.contains("--runtime-role")), warned, "{warnings:?}");
    };
    ask(true).await;
    assert_eq!(fold(database).await.expect_err("it may not").code(), Code::Forbidden);
    ask(true).await;
    let owner = Database::connect(&shop.world.database_url, Duration::from_secs(30)).await.expect("the owner connects");
    grant_runtime(&owner, "afterimage_server").await.expect("the owner grants");
    ask(false).await;
    assert_eq!(fold(database).await.expect("it may"), Folded::Everything);
    ask(false).await;
    shop.refused_to("shop_app", "delete from afterimage.rollup_position").await;
}
