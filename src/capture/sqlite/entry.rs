//! What the triggers of all tables have in common: writing the entry.
//!
//! SQLite compiles every trigger of an event whenever a statement is prepared, and many drivers prepare each statement
//! anew. So what each entry needs stands once, in a trigger on a view that holds nothing: who is writing, the escapes
//! for control characters, and the INSERT into the log. A statement compiles it once, however many of a table's
//! triggers insert into the view.
//!
//! While it runs nothing of the user's fires, save a trigger that someone puts on the log itself: unless
//! `recursive_triggers` is on, SQLite leaves out a trigger that is running already, and what such a trigger writes to a
//! tracked table is not recorded.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::failed;
use super::image::controls_escaped;
use crate::audit::Result;

/// The view that the triggers insert into. Other columns would need another name, since tables whose triggers are of an
/// older release go on using it until they are installed anew.
pub const VIEW: &str = "afterimage_entry";

const COLUMNS: &str = "action, table_name, record_id, previous_record_id, old_values, new_values, redacted";

/// The statements that make the view and its trigger, as SQLite keeps them.
pub fn statements() -> [String; 2] {
    let said = |column: &str, length: u32| {
        format!("substr(CASE WHEN server.id IS NULL THEN app.{column} ELSE server.{column} END, 1, {length})")
    };
    // The images side by side in two rows, so that the escapes are compiled once for both. Without the LIMIT SQLite
    // would draw them into the SELECT around them, twice.
    let images = format!(
        "SELECT max(CASE side WHEN 0 THEN j END) AS old_values, max(CASE side WHEN 1 THEN j END) AS new_values \
         FROM (SELECT side, {} AS j \
         FROM (SELECT 0 AS side, NEW.old_values AS j UNION ALL SELECT 1, NEW.new_values) LIMIT 2)",
        controls_escaped()
    );
    // The server's context, when there is one, counts alone; the application's is believed for ten minutes, and the
    // newest of several is meant.
    let values = [
        "CASE WHEN server.id IS NOT NULL THEN 's' || server.id WHEN app.id IS NOT NULL THEN 'c' || app.id END"
            .to_owned(),
        "NEW.action, NEW.table_name, NEW.record_id".to_owned(),
        // What took the place of a row under its own key points at the entry of that row, which came right before.
        "CASE WHEN NEW.action = 'CREATE' AND NEW.previous_record_id IS NULL THEN (SELECT record_id FROM afterimage_log \
         WHERE id = (SELECT max(id) FROM afterimage_log) AND action = 'DELETE' AND table_name = NEW.table_name \
         AND record_id = NEW.record_id AND previous_record_id = record_id) ELSE NEW.previous_record_id END"
            .to_owned(),
        said("user_id", 500),
        said("username", 1000),
        "images.old_values, images.new_values, NEW.redacted".to_owned(),
        said("description", 4000),
        said("ip_address", 1000),
        said("correlation_id", 500),
        said("metadata", 16384),
        "CASE WHEN server.id IS NULL THEN 'TRIGGER' ELSE 'UNDO' END, server.recorded_by".to_owned(),
        "CASE WHEN server.id IS NOT NULL THEN (SELECT undo_of FROM afterimage_server_undo \
         WHERE table_name = NEW.table_name AND record_id = NEW.record_id AND action = NEW.action) END"
            .to_owned(),
    ];
    [
        format!("CREATE VIEW {VIEW} ({COLUMNS}) AS SELECT {}", ["NULL"; 7].join(", ")),
        format!(
            "CREATE TRIGGER {VIEW}_write INSTEAD OF INSERT ON {VIEW}\nBEGIN\n  \
             INSERT INTO afterimage_log (tx, action, table_name, record_id, previous_record_id, user_id, username, \
             old_values, new_values, redacted, description, ip_address, correlation_id, metadata, source, recorded_by, \
             undo_of) SELECT {values} FROM ({images}) AS images \
             LEFT JOIN afterimage_server_context AS server \
             ON server.id = (SELECT max(id) FROM afterimage_server_context) \
             LEFT JOIN afterimage_context AS app ON server.id IS NULL \
             AND app.id = (SELECT max(id) FROM afterimage_context) \
             AND app.created_at BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-10 minutes') \
             AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes');\nEND",
            values = values.join(", "),
        ),
    ]
}

/// Inserts into the view; `from` is empty, or all that follows the values.
pub fn insert(values: &[String; 7], from: &str) -> String {
    let values = values.join(", ");
    match from {
        "" => format!("INSERT INTO {VIEW} ({COLUMNS}) VALUES ({values})"),
        from => format!("INSERT INTO {VIEW} ({COLUMNS}) SELECT {values} FROM {from}"),
    }
}

/// Makes the view and its trigger, unless they are there as they should be.
pub async fn install(conn: &impl ConnectionTrait) -> Result<()> {
    if is_installed(conn).await? {
        return Ok(());
    }
    drop_view(conn).await?;
    for statement in statements() {
        conn.execute_unprepared(&statement).await.map_err(failed)?;
    }
    Ok(())
}

/// Drops the view where no table's triggers are left to use it.
pub async fn remove_unused(conn: &impl ConnectionTrait) -> Result<()> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name <> '{VIEW}' \
         AND instr(sql, 'INSERT INTO {VIEW} ('))"
    );
    let row = conn.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.map_err(failed)?;
    match row.map(|row| row.try_get_by_index::<bool>(0)).transpose().map_err(failed)? {
        Some(false) => drop_view(conn).await,
        _ => Ok(()),
    }
}

/// Whether the view and its trigger are those of today.
pub async fn is_installed(conn: &impl ConnectionTrait) -> Result<bool> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "SELECT count(*) FROM main.sqlite_master WHERE tbl_name = ? AND sql IN (?, ?)",
        std::iter::once(VIEW.to_owned()).chain(statements()).map(Into::into),
    );
    let row = conn.query_one_raw(statement).await.map_err(failed)?;
    let found = row.map(|row| row.try_get_by_index::<i64>(0)).transpose().map_err(failed)?;
    Ok(found == Some(2))
}

/// Drops the view, and with it its triggers.
async fn drop_view(conn: &impl ConnectionTrait) -> Result<()> {
    conn.execute_unprepared(&format!("DROP VIEW IF EXISTS main.{VIEW}")).await.map_err(failed).map(drop)
}
