//! The demo's SQL on PostgreSQL.

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use serde_json::json;

use super::ground::{Ground, Said};
use crate::audit::Result;
use crate::store::failed;

pub(super) struct Postgres;

const LIFT: &str = "ALTER TABLE afterimage.log DISABLE TRIGGER append_only_rows";
/// Not plain ENABLE: a session with `session_replication_role = replica` would pass it by.
const FORBID: &str = "ALTER TABLE afterimage.log ENABLE ALWAYS TRIGGER append_only_rows";

impl Ground for Postgres {
    fn enter(&self, said: &Said) -> Statement {
        let context = json!({
            "userId": said.user_id,
            "username": said.username,
            "ipAddress": said.ip_address,
            "description": said.description,
            "correlationId": said.correlation_id,
            "metadata": said.metadata,
        });
        let sql = "SELECT set_config('afterimage.context', $1, true)";
        Statement::from_sql_and_values(DbBackend::Postgres, sql, [context.to_string().into()])
    }

    fn leave(&self) -> Option<&'static str> {
        None
    }

    fn hurry(&self) -> &'static str {
        "SET synchronous_commit = off"
    }

    fn is_private(&self, _url: &str) -> bool {
        false
    }

    fn log(&self) -> &'static str {
        "afterimage.log"
    }

    fn has_log(&self) -> &'static str {
        "SELECT 1 WHERE to_regclass('afterimage.log') IS NOT NULL"
    }

    fn lift<'a>(&'a self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            transaction.execute_unprepared(LIFT).await.map_err(failed)?;
            Ok(vec![FORBID.to_owned()])
        })
    }

    fn backdate_log(&self) -> &'static str {
        "UPDATE afterimage.log SET \"timestamp\" = past.\"timestamp\" \
           FROM json_to_recordset($1::json) AS past (id bigint, \"timestamp\" timestamptz) WHERE log.id = past.id"
    }

    fn backdate_tracking(&self) -> &'static str {
        "UPDATE afterimage.tracked_table SET tracked_since = ($1)::text::timestamptz"
    }
}
