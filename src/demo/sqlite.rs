//! The demo's SQL on SQLite.

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use super::ground::{Ground, Said};
use crate::audit::{Error, Result};
use crate::store::failed;

pub(super) struct Sqlite;

const READ_TRIGGER: &str = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'afterimage_log_no_update'";
const DROP_TRIGGER: &str = "DROP TRIGGER afterimage_log_no_update";

impl Ground for Sqlite {
    fn enter(&self, said: &Said) -> Statement {
        let sql = "INSERT INTO afterimage_context \
                   (user_id, username, ip_address, description, correlation_id, metadata) VALUES (?, ?, ?, ?, ?, ?)";
        let values = [
            said.user_id.clone().into(),
            said.username.clone().into(),
            said.ip_address.clone().into(),
            said.description.clone().into(),
            said.correlation_id.clone().into(),
            said.metadata.to_string().into(),
        ];
        Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
    }

    fn leave(&self) -> Option<&'static str> {
        Some("DELETE FROM afterimage_context")
    }

    fn hurry(&self) -> &'static str {
        // With a write-ahead log this leaves no half of a transaction even where the power fails.
        "PRAGMA synchronous = NORMAL"
    }

    fn is_private(&self, url: &str) -> bool {
        url.contains(":memory:") || url.contains("mode=memory")
    }

    fn log(&self) -> &'static str {
        "afterimage_log"
    }

    fn has_log(&self) -> &'static str {
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'afterimage_log'"
    }

    fn lift<'a>(&'a self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            let read = Statement::from_string(DbBackend::Sqlite, READ_TRIGGER);
            let row = transaction.query_one_raw(read).await.map_err(failed)?;
            let row = row.ok_or_else(|| Error::internal("the log has no trigger against updates"))?;
            transaction.execute_unprepared(DROP_TRIGGER).await.map_err(failed)?;
            Ok(vec![row.try_get_by_index(0).map_err(failed)?])
        })
    }

    fn backdate_log(&self) -> &'static str {
        "UPDATE afterimage_log SET timestamp = past.value ->> 'timestamp' \
           FROM json_each(?) AS past WHERE afterimage_log.id = past.value ->> 'id'"
    }

    fn backdate_tracking(&self) -> &'static str {
        "UPDATE afterimage_tracked_table SET tracked_since = ?"
    }
}
