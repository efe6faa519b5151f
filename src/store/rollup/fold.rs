//! Adds the tail to what was counted.

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use super::{Step, is_change, same_object, statement};
use crate::audit::{Code, Result};
use crate::store::begin::begin;
use crate::store::connect::Database;
use crate::store::dialect::Dialect;
use crate::store::error::{failed, not_begun};

/// How many entries are folded at once, where other writers have to wait meanwhile: for some tens of milliseconds.
const AT_ONCE: i64 = 5_000;

/// What a fold came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// All that there was when it began.
    Everything,
    /// A part of it: there is more.
    Part,
    /// There was nothing to fold, and nothing was written.
    Nothing,
    /// Another process is at it.
    Elsewhere,
}

/// Adds the entries that are not counted yet to what was counted. One process at a time does so.
///
/// # Errors
/// Where the database fails, or its role may not: then nothing has changed.
pub async fn fold(database: &Database) -> Result<Folded> {
    let (dialect, rollup) = (database.dialect, database.dialect.rollup());
    let transaction = begin(&database.writer, rollup.fold_options()).await.map_err(not_begun)?;
    if let Some(begin) = rollup.begin_fold()
        && let Err(error) = transaction.execute_unprepared(begin).await.map_err(failed)
    {
        transaction.rollback().await.map_err(failed)?;
        return if error.code() == Code::Conflict { Ok(Folded::Elsewhere) } else { Err(error) };
    }
    let look = Statement::from_string(transaction.get_database_backend(), rollup.look());
    let answer = transaction.query_one_raw(look).await.map_err(failed)?;
    let Some(answer) = answer else { return Ok(Folded::Nothing) };
    let step = rollup.step(&answer, AT_ONCE)?;
    let settings = if step.anew { rollup.for_everything() } else { rollup.for_tails() };
    if let Some(settings) = settings {
        transaction.execute_unprepared(settings).await.map_err(failed)?;
    }
    if !step.anew && !exist(dialect, &transaction, &step.entries).await? {
        transaction.rollback().await.map_err(failed)?;
        return Ok(Folded::Nothing);
    }
    let more = step.more;
    for sql in statements(dialect, step) {
        let statement = statement(&transaction, sql);
        transaction.execute_raw(statement).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(if more { Folded::Part } else { Folded::Everything })
}

async fn exist(dialect: &dyn Dialect, transaction: &DatabaseTransaction, entries: &Expr) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {} AS log WHERE (?) LIMIT 1", dialect.table("log"));
    let statement = statement(transaction, dialect.sql(&sql, vec![entries.clone()]));
    Ok(transaction.query_one_raw(statement).await.map_err(failed)?.is_some())
}

fn statements(dialect: &dyn Dialect, step: Step) -> Vec<Expr> {
    let Step { anew, entries, judged, advance, .. } = step;
    let mut statements = Vec::new();
    if anew {
        let tables = ["rollup_position", "rollup_count", "rollup_user", "rollup_trash"];
        statements.extend(tables.map(|table| Expr::cust(format!("DELETE FROM {}", dialect.table(table)))));
    }
    statements.push(dialect.rollup().count(&entries));
    statements.push(name(dialect, &entries));
    if !anew {
        statements.push(doubt(dialect, &entries));
    }
    statements.push(judge(dialect, entries, judged));
    if !anew {
        statements.push(Expr::cust(format!("DELETE FROM {} WHERE {IN_DOUBT}", dialect.table("rollup_trash"))));
    }
    statements.push(advance);
    statements
}

/// Takes up the latest name of each user. The time of it first, and then the entry: a user may have any number of entries
/// without a name.
fn name(dialect: &dyn Dialect, entries: &Expr) -> Expr {
    let (log, user) = (dialect.table("log"), dialect.table("rollup_user"));
    let sql = format!(
        "INSERT INTO {user} AS known (user_id, username, timestamp, id) \
         SELECT latest.user_id, named.username, latest.timestamp, named.id \
           FROM (SELECT log.user_id AS user_id, max(log.timestamp) AS timestamp FROM {log} AS log \
                  WHERE log.user_id IS NOT NULL AND log.username IS NOT NULL AND (?) GROUP BY log.user_id) AS latest \
           JOIN {log} AS named ON named.id = \
                (SELECT same.id FROM {log} AS same WHERE same.user_id = latest.user_id \
                    AND same.timestamp = latest.timestamp AND same.username IS NOT NULL ORDER BY same.id DESC LIMIT 1) \
          WHERE TRUE \
         ON CONFLICT (user_id) DO UPDATE \
            SET username = excluded.username, timestamp = excluded.timestamp, id = excluded.id \
          WHERE (excluded.timestamp, excluded.id) > (known.timestamp, known.id)"
    );
    dialect.sql(&sql, vec![entries.clone()])
}

const IN_DOUBT: &str = "NOT (is_last OR is_last_trusted)";

/// Puts those rows of the trash in doubt whose objects were changed.
fn doubt(dialect: &dyn Dialect, entries: &Expr) -> Expr {
    let (log, trash) = (dialect.table("log"), dialect.table("rollup_trash"));
    let sql = format!(
        "UPDATE {trash} SET is_last = FALSE, is_last_trusted = FALSE WHERE id IN \
         (SELECT gone.id FROM {log} AS log JOIN {trash} AS gone ON {} WHERE {} AND (?))",
        same_object(dialect, "gone", "log"),
        is_change("log")
    );
    dialect.sql(&sql, vec![entries.clone()])
}

/// Judges the objects that were deleted, or whose rows are in doubt: what was the last change of them all, and what the
/// last trusted one?
fn judge(dialect: &dyn Dialect, entries: Expr, judged: Expr) -> Expr {
    let (log, trash) = (dialect.table("log"), dialect.table("rollup_trash"));
    let last = |which: &str| {
        format!(
            "(SELECT change.id FROM {log} AS change WHERE {} AND {}{which} ORDER BY change.id DESC LIMIT 1)",
            same_object(dialect, "change", "object"),
            is_change("change")
        )
    };
    let sql = format!(
        "INSERT INTO {trash} (id, timestamp, table_name, record_id, is_last, is_last_trusted) \
         SELECT log.id, log.timestamp, log.table_name, log.record_id, \
                coalesce(log.id = object.last, FALSE), coalesce(log.id = object.last_trusted, FALSE) \
           FROM (SELECT object.table_name, object.record_id, {} AS last, {} AS last_trusted \
                   FROM (SELECT log.table_name, log.record_id FROM {log} AS log \
                          WHERE log.action = 'DELETE' AND log.record_id IS NOT NULL AND (?) \
                         UNION \
                         SELECT table_name, record_id FROM {trash} WHERE {IN_DOUBT}) AS object) AS object \
           JOIN {log} AS log ON log.id IN (object.last, object.last_trusted) \
          WHERE log.action = 'DELETE' AND log.previous_record_id IS NULL AND (?) \
         ON CONFLICT (id) DO UPDATE SET is_last = excluded.is_last, is_last_trusted = excluded.is_last_trusted",
        last(""),
        last(" AND change.trusted")
    );
    dialect.sql(&sql, vec![entries, judged])
}
