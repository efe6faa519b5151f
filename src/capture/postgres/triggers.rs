//! The code of the triggers, generated for one table: cheaper than any generic walk over the row as JSON.

use super::altered::{Recording, record_altered};
use super::catalogue::Relation;
use super::image::{image, record_id, redacted, value_text};
use super::moves;
use super::name::{identifier, literal};
use super::require_user::refusal;
use crate::capture::table::{Choice, Hidden, Table};

/// One trigger and its function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trigger {
    /// The trigger's name. It sorts before any other: triggers fire in the order of their names.
    pub(super) name: &'static str,
    /// What it fires on, and how often: what stands between the name and the function in CREATE TRIGGER.
    pub(super) event: String,
    /// Whether it fires for each row.
    pub(super) each_row: bool,
    /// The function's name.
    pub(super) function: String,
    /// The function's body. Its last line holds all that stands outside of it, so that comparing bodies is enough to
    /// tell whether a function is up to date.
    pub(super) body: String,
}

/// The name of the trigger that refuses TRUNCATE.
pub(super) const TRUNCATE: &str = "!afterimage_truncate";

/// What each function begins with. Names without a table before them are variables, whatever the table's columns are
/// called. The era and the role are asked for once a call, not once a row.
const HEAD: &str = "#variable_conflict use_variable
DECLARE
  a afterimage.author;
  era bigint := (SELECT max(e.era) FROM afterimage.era e);
  database_role text := CASE WHEN current_setting('role') IN ('none', session_user::text) THEN session_user::text
    ELSE session_user::text || ' as ' || current_setting('role') END;
";
/// Who makes the change. Most applications' transactions say nothing, and are not asked further.
const AUTHOR: &str = "  IF current_setting('afterimage.context', true) <> '' OR \
                      current_setting('afterimage.server', true) <> '' THEN
    a := afterimage.author();
  ELSE
    a.source := 'TRIGGER';
  END IF;
";
const AUTHOR_COLUMNS: &str = "era, user_id, username, description, ip_address, correlation_id, metadata, source, \
                              recorded_by, database_role, undo_of";
const AUTHOR_VALUES: &str = "era, a.user_id, a.username, a.description, a.ip_address, a.correlation_id, a.metadata, \
                             a.source, a.recorded_by, database_role";

/// The triggers of a table.
pub(super) fn triggers(relation: &Relation, choice: &Choice) -> Vec<Trigger> {
    let hidden = &choice.hidden;
    let rows = (!relation.row_level).then_some("changed");
    let altered = |action, rows| record_altered(relation, choice, &Recording { action, rows });
    let refusal = |rows| if choice.requires_user { refusal(&relation.table, rows) } else { String::new() };
    let on = format!("ON {}", relation.table.sql_name);
    let whole = |action: &'static str, event: &str, transition: &str, row: &str| {
        let set = format!("{event} {on} REFERENCING {transition} TABLE AS changed FOR EACH STATEMENT");
        let each = format!("{event} {on} FOR EACH ROW");
        let (variable, code) = moves::other_half(relation, action).unzip();
        let insert = match relation.row_level {
            true => insert_whole(&relation.table, hidden, action, row, variable, ""),
            false => insert_whole(&relation.table, hidden, action, "changed", None, " FROM changed"),
        };
        let declared = variable.map(|name| format!("  {name} text;\n")).unwrap_or_default();
        let code = code.unwrap_or_default();
        let body = format!(
            "{HEAD}{declared}BEGIN\n{}{code}{AUTHOR}{}{insert}\n  RETURN NULL;\nEND",
            altered(action, rows),
            refusal(rows)
        );
        (if relation.row_level { each } else { set }, body)
    };
    let (insert_event, insert) = whole("CREATE", "AFTER INSERT", "NEW", "NEW");
    let (delete_event, delete) = whole("DELETE", "AFTER DELETE", "OLD", "OLD");
    let update_event = format!("AFTER UPDATE {on} FOR EACH ROW WHEN (OLD.* OPERATOR(pg_catalog.*<>) NEW.*)");
    let update = update(relation, hidden, &altered("UPDATE", None), &refusal(None));
    let mut triggers = vec![
        trigger(relation, "!afterimage_insert", insert_event, relation.row_level, insert),
        trigger(relation, "!afterimage_update", update_event, true, update),
        trigger(relation, "!afterimage_delete", delete_event, relation.row_level, delete),
    ];
    triggers.extend(moves::triggers(relation));
    triggers
}

/// A trigger of the table.
pub(super) fn trigger(relation: &Relation, name: &'static str, event: String, each_row: bool, code: String) -> Trigger {
    let kind = name.split('_').next_back().unwrap_or(name);
    Trigger {
        name,
        function: format!("afterimage.capture_{}_{kind}", relation.table.relation.unwrap_or_default()),
        body: format!("{code} -- {}; {event}", relation.settings.join(", ")),
        event,
        each_row,
    }
}

/// Records whole rows: those that were created or deleted.
fn insert_whole(
    table: &Table,
    hidden: &Hidden,
    action: &str,
    row: &str,
    previous_record_id: Option<&str>,
    from: &str,
) -> String {
    let image_column = if action == "CREATE" { "new_values" } else { "old_values" };
    format!(
        "  INSERT INTO afterimage.log (action, table_name, record_id, previous_record_id, {image_column}, redacted,\n    \
         {AUTHOR_COLUMNS})\n  SELECT '{action}', {}, {}, {}, {}, {},\n    {AUTHOR_VALUES}, {}{from};",
        literal(&table.name),
        record_id(table, row),
        previous_record_id.unwrap_or("NULL::text"),
        image(table, hidden, row),
        redacted(table, hidden),
        reversed(table, action, &record_id(table, row)),
    )
}

/// The entry that the change reverses, of which only an undo knows.
fn reversed(table: &Table, action: &str, record_id: &str) -> String {
    let table = literal(&table.name);
    format!("CASE WHEN a.source = 'UNDO' THEN afterimage.reversed_entry({table}, {record_id}, '{action}') END")
}

/// Records what changed of a row, or a change of its key as two entries that point at each other.
fn update(relation: &Relation, hidden: &Hidden, altered: &str, refusal: &str) -> String {
    let table = &relation.table;
    let (old_id, new_id) = (record_id(table, "OLD"), record_id(table, "NEW"));
    let key_changed: Vec<String> = table.primary_key.iter().map(|key| differs(key)).collect();
    let deletion = insert_whole(table, hidden, "DELETE", "OLD", Some(&new_id), "");
    let creation = insert_whole(table, hidden, "CREATE", "NEW", Some(&old_id), "");
    let mut body =
        format!("{HEAD}  o text := '';\n  n text := '';\n  r text := '';\n  fields int := 0;\nBEGIN\n{altered}");
    body += &format!(
        "  IF ({}) AND {old_id} <> {new_id} THEN\n{}{AUTHOR}{refusal}{deletion}\n{creation}\n  RETURN NULL;\n  \
         END IF;\n",
        key_changed.join(" OR "),
        moves::stayed(relation),
    );
    let counts = !hidden.redacted.is_empty();
    for column in &table.columns {
        let member = literal(&format!(",{}:", serde_json::Value::from(column.name.as_str())));
        let changed = differs(&column.name);
        if hidden.is_redacted(&column.name) {
            body += &format!("  IF {changed} THEN r := r || {member} || fields; END IF;\n");
        } else if !hidden.is_ignored(&column.name) {
            let count = if counts { " fields := fields + 1;" } else { "" };
            body += &format!(
                "  IF {changed} THEN\n    o := o || {member} || {};\n    n := n || {member} || {};{count}\n  END IF;\n",
                value_text(column, "OLD"),
                value_text(column, "NEW"),
            );
        }
    }
    body += &format!(
        "  IF o = '' AND r = '' THEN RETURN NULL; END IF;\n{AUTHOR}{refusal}  \
         INSERT INTO afterimage.log (action, table_name, record_id, old_values, new_values, redacted,\n    \
         {AUTHOR_COLUMNS})\n  VALUES ('UPDATE', {}, {new_id}, ('{{' || substr(o, 2) || '}}')::json,\n    \
         ('{{' || substr(n, 2) || '}}')::json, CASE WHEN r <> '' THEN ('{{' || substr(r, 2) || '}}')::json END,\n    \
         {AUTHOR_VALUES}, {});\n  RETURN NULL;\nEND",
        literal(&table.name),
        reversed(table, "UPDATE", &new_id),
    );
    body
}

/// Whether a column's bytes differ. `IS DISTINCT FROM` asks the type's own notion of equality, which misses 1.0 → 1.00,
/// and some types have none.
pub(super) fn differs(column: &str) -> String {
    let column = identifier(column);
    format!("ROW(OLD.{column})::record OPERATOR(pg_catalog.*<>) ROW(NEW.{column})::record")
}
