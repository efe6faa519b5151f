//! The code of the triggers, generated for one table: cheaper than any generic walk over the row as JSON.

use super::altered::{Recording, is_altered, record_altered};
use super::catalogue::{Equality, Relation};
use super::image::{plain_image, record_id, redacted, selected, value_text};
use super::moves;
use super::name::{identifier, literal};
use super::who::{Author, by_author, head};
use crate::capture::table::{Choice, Column, Hidden, Table};

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

/// The triggers of a table.
pub(super) fn triggers(relation: &Relation, choice: &Choice) -> Vec<Trigger> {
    let (table, hidden) = (&relation.table, &choice.hidden);
    let rows = (!relation.row_level).then_some("changed");
    let altered = |action, rows| record_altered(relation, choice, &Recording { action, rows });
    let on = format!("ON {}", table.sql_name);
    let whole = |action: &'static str, event: &str, transition: &str, row: &str| {
        let set = format!("{event} {on} REFERENCING {transition} TABLE AS changed FOR EACH STATEMENT");
        let each = format!("{event} {on} FOR EACH ROW");
        let (variable, code) = moves::other_half(relation, action).unzip();
        let declared = variable.map(|name| format!("  {name} text;\n")).unwrap_or_default();
        let code = code.unwrap_or_default();
        let recorded = by_author(table, choice, rows, &altered(action, rows), |author| {
            let insert = match relation.row_level {
                true => insert_whole(table, hidden, action, row, variable, author),
                false => insert_whole(table, hidden, action, "changed", None, author),
            };
            format!("{code}{insert}")
        });
        let body = format!("{}{declared}BEGIN\n{recorded}  RETURN NULL;\nEND", head(&is_altered(relation)));
        (if relation.row_level { each } else { set }, body)
    };
    let (insert_event, insert) = whole("CREATE", "AFTER INSERT", "NEW", "NEW");
    let (delete_event, delete) = whole("DELETE", "AFTER DELETE", "OLD", "OLD");
    // Without a condition, which each statement would have to compile: the code finds out itself whether anything
    // changed.
    let update_event = format!("AFTER UPDATE {on} FOR EACH ROW");
    let update = update(relation, choice, &altered("UPDATE", None));
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

/// Records whole rows: those that were created or deleted. `row` is the row, or the table of them.
fn insert_whole(
    table: &Table,
    hidden: &Hidden,
    action: &str,
    row: &str,
    previous_record_id: Option<&str>,
    author: &Author,
) -> String {
    let image_column = if action == "CREATE" { "new_values" } else { "old_values" };
    let mut columns = String::new();
    let mut values = String::new();
    if let Some(previous) = previous_record_id {
        columns += ", previous_record_id";
        values += &format!(", {previous}");
    }
    if let Some(redacted) = redacted(table, hidden) {
        columns += ", redacted";
        values += &format!(", {redacted}");
    }
    let written = || format!("({}) AS image", selected(table, hidden, row));
    let alone = matches!(row, "OLD" | "NEW");
    let (image, from) = match plain_image(table, hidden, row) {
        // A partition may have its columns in another order.
        Some(image) if alone && !table.partitioned => (image, String::new()),
        Some(image) if !alone => (image, format!("\n    FROM {row}")),
        _ if alone => (String::from("row_to_json(image.*)"), format!("\n    FROM {}", written())),
        _ => (String::from("row_to_json(image.*)"), format!("\n    FROM {row}, LATERAL {}", written())),
    };
    format!(
        "    INSERT INTO afterimage.log (action, table_name, record_id, {image_column}, database_role{columns}{})\n    \
         SELECT '{action}', {}, {}, {image}, database_role{values}{}{from};\n",
        author.columns,
        literal(&table.name),
        record_id(table, row),
        author.values(table, action, row),
    )
}

/// Records what changed of a row, or a change of its key as two entries that point at each other.
fn update(relation: &Relation, choice: &Choice, altered: &str) -> String {
    let (table, hidden) = (&relation.table, &choice.hidden);
    let (old_id, new_id) = (record_id(table, "OLD"), record_id(table, "NEW"));
    let redacts = !hidden.redacted.is_empty();
    // An image stays null until something of it has changed, and then lacks its last brace.
    let places = if redacts { "  r text;\n  fields int := 0;\n" } else { "" };
    let mut body = format!(
        "{}  o text;\n  n text;\n{places}BEGIN\n  IF context IS NULL THEN\n{altered}  END IF;\n",
        head(&is_altered(relation))
    );
    // The key's columns, where they come first, are looked at only where the key has changed, which is asked anyway.
    let (keys, others) =
        table.columns.split_at(table.columns.iter().take_while(|column| table.is_key(&column.name)).count());
    let key_changed: Vec<String> = table.primary_key.iter().map(|key| changed(relation, key)).collect();
    body += &format!(
        "  IF {} THEN\n  IF {old_id} <> {new_id} THEN\n{}{}  RETURN NULL;\n  END IF;\n{}  END IF;\n",
        key_changed.join(" OR "),
        moves::stayed(relation),
        by_author(table, choice, None, "", |author| {
            insert_whole(table, hidden, "DELETE", "OLD", Some(&new_id), author)
                + &insert_whole(table, hidden, "CREATE", "NEW", Some(&old_id), author)
        }),
        keys.iter().map(|column| add_changed(relation, hidden, column)).collect::<String>(),
    );
    body.extend(others.iter().map(|column| add_changed(relation, hidden, column)));
    let (nothing, old, new, redacted, places) = match redacts {
        true => ("o IS NULL AND r IS NULL", "coalesce(o, '{')", "coalesce(n, '{')", ", redacted", ", (r || '}')::json"),
        false => ("o IS NULL", "o", "n", "", ""),
    };
    body += &format!("  IF {nothing} THEN RETURN NULL; END IF;\n");
    body += &by_author(table, choice, None, "", |author| {
        format!(
            "    INSERT INTO afterimage.log (action, table_name, record_id, old_values, new_values, database_role{redacted}{})\n    \
             VALUES ('UPDATE', {}, {new_id}, ({old} || '}}')::json, ({new} || '}}')::json,\n      \
             database_role{places}{});\n",
            author.columns,
            literal(&table.name),
            author.values(table, "UPDATE", "NEW"),
        )
    });
    body + "  RETURN NULL;\nEND"
}

/// Adds a column to the images where it has changed; of a redacted one, its place among them.
fn add_changed(relation: &Relation, hidden: &Hidden, column: &Column) -> String {
    let changed = changed(relation, &column.name);
    let member = literal(&format!("{}:", serde_json::Value::from(column.name.as_str())));
    let added = |image: &str, value: &str| format!("{image} := coalesce({image} || ',', '{{') || {member} || {value};");
    if hidden.is_redacted(&column.name) {
        return format!("  IF {changed} THEN {} END IF;\n", added("r", "fields"));
    } else if hidden.is_ignored(&column.name) {
        return String::new();
    }
    let count = if hidden.redacted.is_empty() { "" } else { " fields := fields + 1;" };
    format!(
        "  IF {changed} THEN\n    {}\n    {}{count}\n  END IF;\n",
        added("o", &value_text(column, "OLD")),
        added("n", &value_text(column, "NEW")),
    )
}

/// Whether a column's bytes differ, asked of its type's own notion of equality where that means the same and costs less.
fn changed(relation: &Relation, column: &str) -> String {
    let name = identifier(column);
    match relation.by_bytes.iter().find(|(name, _)| name == column) {
        Some((_, Equality::To(collation))) => format!("OLD.{name}{collation} IS DISTINCT FROM NEW.{name}"),
        Some((_, Equality::AndScale)) => {
            format!("OLD.{name} IS DISTINCT FROM NEW.{name} OR scale(OLD.{name}) IS DISTINCT FROM scale(NEW.{name})")
        }
        None => differs(column),
    }
}

/// Whether a column's bytes differ. `IS DISTINCT FROM` asks the type's own notion of equality, which misses 1.0 → 1.00,
/// and some types have none.
pub(super) fn differs(column: &str) -> String {
    let column = identifier(column);
    format!("ROW(OLD.{column})::record OPERATOR(pg_catalog.*<>) ROW(NEW.{column})::record")
}
