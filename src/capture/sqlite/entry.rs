//! What the triggers of all tables have in common: writing the entry.
//!
//! SQLite compiles every trigger of an event whenever a statement is prepared, and many drivers prepare each statement
//! anew. So what each entry needs stands once, in the triggers of two views that hold nothing. A statement compiles them
//! once, however many of a table's triggers insert into the first. That one escapes control characters, and looks up who
//! is writing; the second takes the images apart, and inserts into the log. They are two so that what the first finds out
//! is a value to the second, and need not be worked out wherever it is used.
//!
//! They insert VALUES, never a SELECT: into a table or view that has triggers itself SQLite takes the rows of a SELECT by
//! way of a temporary table, which costs more than all the rest.
//!
//! While they run nothing of the user's fires, save a trigger that someone puts on the log itself: unless
//! `recursive_triggers` is on, SQLite leaves out a trigger that is running already, and what such a trigger writes to a
//! tracked table is not recorded.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::failed;
use super::image::{PART, controls_escaped};
use super::names::literal;
use super::stash::KEY_COLUMNS;
use crate::audit::Result;

/// The view that the triggers insert into. Other columns would need another name, since tables whose triggers are of an
/// older release go on using it until they are installed anew.
pub const VIEW: &str = "afterimage_change";

/// What the triggers of older releases insert into. It goes with the last of them.
const FORMER: &str = "afterimage_entry";

/// The view that the first one's trigger inserts into.
const LINE: &str = "afterimage_line";

/// What a change is: one image, or those of an UPDATE as one text. The keys of the new row in the stash follow, which an
/// UPDATE alone has.
const COLUMNS: &str = "action, table_name, record_id, previous_record_id, images, redacted";

/// Pieces of SQL, one for each of the keys.
fn keys(piece: impl Fn(usize) -> String) -> impl Iterator<Item = String> {
    (1..=KEY_COLUMNS).map(piece)
}

/// Names or values with what belongs to the keys behind them.
fn with_keys(columns: &str, key: impl Fn(usize) -> String) -> String {
    std::iter::once(columns.to_owned()).chain(keys(key)).collect::<Vec<_>>().join(", ")
}

/// The statements that make the views and their triggers, as SQLite keeps them.
pub fn statements() -> [String; 5] {
    let change = with_keys(COLUMNS, |place| format!("key_{place}"));
    let line = format!("{change}, part, server, app");
    let view = |name: &str, columns: &str| {
        let nulls = vec!["NULL"; columns.split(", ").count()].join(", ");
        format!("CREATE VIEW {name} ({columns}) AS SELECT {nulls}")
    };
    [view(VIEW, &change), view(LINE, &line), looking_up(&line), writing(), renewing()]
}

/// Looks up what is not known of the change yet.
fn looking_up(line: &str) -> String {
    // What took the place of a row under its own key points at the entry of that row, which came right before.
    let previous = "CASE WHEN NEW.action = 'CREATE' AND NEW.previous_record_id IS NULL THEN (SELECT CASE WHEN \
         action = 'DELETE' AND table_name = NEW.table_name AND record_id = NEW.record_id \
         AND previous_record_id = record_id THEN record_id END FROM afterimage_log ORDER BY id DESC LIMIT 1) \
         ELSE NEW.previous_record_id END";
    // The server's context, when there is one, counts alone; the application's is believed for ten minutes, and the
    // newest of several is meant.
    let server = "(SELECT max(id) FROM afterimage_server_context)";
    let app = "(SELECT CASE WHEN created_at BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-10 minutes') \
         AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes') THEN id END \
         FROM afterimage_context ORDER BY id DESC LIMIT 1)";
    format!(
        "CREATE TRIGGER {VIEW}_write INSTEAD OF INSERT ON {VIEW}\nBEGIN\n  \
         INSERT INTO {LINE} ({line}) VALUES (NEW.action, NEW.table_name, NEW.record_id, {previous}, {images}, \
         {rest}, {part}, {server}, {app});\nEND",
        images = images(),
        rest = with_keys("NEW.redacted", |place| format!("NEW.key_{place}")),
        part = part_end(),
    )
}

/// The images with their control characters escaped. Those of text in lines go first, since the others are looked for at
/// each place of the text, and replaced one by one, which is long.
fn images() -> String {
    let common = [(10, "\\n"), (13, "\\r"), (9, "\\t")];
    let found = common.map(|(code, _)| format!("j GLOB '*' || char({code}) || '*'")).join(" OR ");
    let replaced =
        common.iter().fold("j".to_owned(), |text, (code, escape)| format!("replace({text}, char({code}), '{escape}')"));
    // Without the LIMIT SQLite would draw the one SELECT into the other, and replace for each use of what comes out.
    format!(
        "(SELECT {} FROM (SELECT CASE WHEN {found} THEN {replaced} ELSE j END AS j \
         FROM (SELECT NEW.images AS j) LIMIT 1))",
        controls_escaped(&common.map(|(code, _)| code))
    )
}

/// Inserts into the log.
fn writing() -> String {
    let said = |column: &str, length: u32| {
        format!(
            "substr(CASE WHEN NEW.server IS NOT NULL THEN (SELECT {column} FROM afterimage_server_context \
             WHERE id = NEW.server) WHEN NEW.app IS NOT NULL THEN (SELECT {column} FROM afterimage_context \
             WHERE id = NEW.app) END, 1, {length})"
        )
    };
    let values = [
        "CASE WHEN NEW.server IS NOT NULL THEN 's' || NEW.server WHEN NEW.app IS NOT NULL THEN 'c' || NEW.app END"
            .to_owned(),
        "NEW.action, NEW.table_name, NEW.record_id, NEW.previous_record_id".to_owned(),
        said("user_id", 500),
        said("username", 1000),
        format!("CASE NEW.action WHEN 'UPDATE' THEN {} WHEN 'DELETE' THEN NEW.images END", part(0)),
        format!("CASE NEW.action WHEN 'UPDATE' THEN {} WHEN 'CREATE' THEN NEW.images END", part(1)),
        "NEW.redacted".to_owned(),
        said("description", 4000),
        said("ip_address", 1000),
        said("correlation_id", 500),
        said("metadata", 16384),
        "CASE WHEN NEW.server IS NULL THEN 'TRIGGER' ELSE 'UNDO' END".to_owned(),
        "(SELECT recorded_by FROM afterimage_server_context WHERE id = NEW.server)".to_owned(),
        "CASE WHEN NEW.server IS NOT NULL THEN (SELECT undo_of FROM afterimage_server_undo \
         WHERE table_name = NEW.table_name AND record_id = NEW.record_id AND action = NEW.action) END"
            .to_owned(),
    ];
    format!(
        "CREATE TRIGGER {LINE}_write INSTEAD OF INSERT ON {LINE}\nBEGIN\n  \
         INSERT INTO afterimage_log (tx, action, table_name, record_id, previous_record_id, user_id, username, \
         old_values, new_values, redacted, description, ip_address, correlation_id, metadata, source, recorded_by, \
         undo_of) VALUES ({});\nEND",
        values.join(", "),
    )
}

/// Renews the row in the stash, if it is there: see [`super::stash`].
fn renewing() -> String {
    let keys = keys(|place| format!("key_{place} IS NEW.key_{place} AND ")).collect::<String>();
    format!(
        "CREATE TRIGGER {LINE}_renew INSTEAD OF INSERT ON {LINE}\nWHEN NEW.action = 'UPDATE' AND EXISTS \
         (SELECT 1 FROM afterimage_stash WHERE table_name = NEW.table_name)\nBEGIN\n  \
         UPDATE afterimage_stash SET old_values = {} WHERE table_name = NEW.table_name \
         AND {keys}record_id IS NEW.record_id;\nEND",
        part(2),
    )
}

/// The image that stands there in the text of several.
///
/// Its place is counted in bytes: in text that is no UTF-8 `instr` and `substr` disagree on what a character is. In
/// UTF-16, where bytes could seem to match between two characters, there is no such text.
fn part(number: usize) -> String {
    let images = "CASE typeof(NEW.part) WHEN 'blob' THEN CAST(NEW.images AS BLOB) ELSE NEW.images END".to_owned();
    let rest = (0..number).fold(images, |rest, _| {
        format!("(SELECT substr(b, instr(b, NEW.part) + {}) FROM (SELECT {rest} AS b))", PART.len())
    });
    format!("(SELECT CAST(substr(b, 1, instr(b, NEW.part) - 1) AS TEXT) FROM (SELECT {rest} AS b))")
}

/// What ends each of several images, in bytes where the database is in UTF-8.
fn part_end() -> String {
    let hex = PART.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("CASE length(CAST('.' AS BLOB)) WHEN 1 THEN x'{hex}' ELSE {} END", literal(PART))
}

/// Inserts into the view; `keys` are those of the new row in the stash, where they are told, and `from` is empty, or all
/// that follows the values.
pub fn insert(values: &[String; 6], keys: &[String], from: &str) -> String {
    let key = |place: usize| keys.get(place - 1).map_or("NULL", String::as_str).to_owned();
    let values = with_keys(&values.join(", "), key);
    let columns = with_keys(COLUMNS, |place| format!("key_{place}"));
    match from {
        "" => format!("INSERT INTO {VIEW} ({columns}) VALUES ({values})"),
        from => format!("INSERT INTO {VIEW} ({columns}) SELECT {values} FROM {from}"),
    }
}

/// Makes the views and their triggers, unless they are there as they should be.
pub async fn install(conn: &impl ConnectionTrait) -> Result<()> {
    if is_installed(conn).await? {
        return Ok(());
    }
    for view in [VIEW, LINE] {
        drop_view(conn, view).await?;
    }
    for statement in statements() {
        conn.execute_unprepared(&statement).await.map_err(failed)?;
    }
    Ok(())
}

/// Drops the views that no table's triggers are left to use.
pub async fn remove_unused(conn: &impl ConnectionTrait) -> Result<()> {
    for (view, views) in [(VIEW, &[VIEW, LINE][..]), (FORMER, &[FORMER])] {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM main.sqlite_master WHERE type = 'trigger' \
             AND instr(sql, 'INSERT INTO {view} ('))"
        );
        let row = conn.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.map_err(failed)?;
        let used = row.map(|row| row.try_get_by_index::<bool>(0)).transpose().map_err(failed)?;
        if used == Some(false) {
            for view in views {
                drop_view(conn, view).await?;
            }
        }
    }
    Ok(())
}

/// Whether the views and their triggers are those of today.
pub async fn is_installed(conn: &impl ConnectionTrait) -> Result<bool> {
    let statements = statements();
    let count = statements.len();
    let marks = vec!["?"; count].join(", ");
    let statement = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        format!("SELECT count(*) FROM main.sqlite_master WHERE tbl_name IN ('{VIEW}', '{LINE}') AND sql IN ({marks})"),
        statements.map(Into::into),
    );
    let row = conn.query_one_raw(statement).await.map_err(failed)?;
    let found = row.map(|row| row.try_get_by_index::<i64>(0)).transpose().map_err(failed)?;
    Ok(found.and_then(|found| usize::try_from(found).ok()) == Some(count))
}

/// Drops the view, and with it its triggers.
async fn drop_view(conn: &impl ConnectionTrait, view: &str) -> Result<()> {
    conn.execute_unprepared(&format!("DROP VIEW IF EXISTS main.{view}")).await.map_err(failed).map(drop)
}
