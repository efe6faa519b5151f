//! The text of the triggers: a function of the table and of what is hidden, and of nothing else.

use super::image::{changed, changes_of, image_of, joined, record_id_of, recorded};
use super::keys::Shape;
use super::names::{catalogued, identifier, json_string, literal};
use super::require_user::refusal;
use super::stash::Stash;
use crate::capture::{Choice, Hidden, Table};

/// A trigger of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its name, unquoted.
    pub name: String,
    /// The statement that creates it, as SQLite keeps it.
    pub sql: String,
}

/// What ends the names of the triggers of one table. No word is part of another behind an underscore, so that the names
/// of two tables' triggers never meet.
pub const EVENTS: [&str; 10] =
    ["inserting", "updating", "moving", "deleting", "delete", "update", "rekey", "insert", "updateover", "insertover"];

/// The name of a table's trigger.
pub fn trigger_name(table: &str, event: &str) -> String {
    format!("afterimage_{table}_{event}")
}

/// The triggers that capture the table, in the order in which they are to be created: SQLite fires the youngest first,
/// and what a REPLACE deleted is recorded before what took its place.
pub fn triggers(table: &Table, shape: &Shape, choice: &Choice) -> Vec<Trigger> {
    let stash = Stash::new(table, shape, &choice.hidden);
    EVENTS
        .iter()
        .filter(|event| **event != "moving" || shape.circle)
        .map(|event| {
            let (fires, mut body) = body(table, &choice.hidden, &stash, event);
            if choice.requires_user {
                body.splice(0..0, refusal(table, &stash, event));
            }
            let name = trigger_name(&catalogued(&table.name), event);
            let on = &table.sql_name;
            let (fires, when) = match fires {
                (fires, Some(when)) => (fires, format!("WHEN {when}\n")),
                (fires, None) => (fires, String::new()),
            };
            let body = body.iter().map(|statement| format!("  {statement};\n")).collect::<String>();
            Trigger {
                sql: format!("CREATE TRIGGER {} {fires} ON {on}\n{when}BEGIN\n{body}END", identifier(&name)),
                name,
            }
        })
        .collect()
}

/// When a trigger fires, and its statements.
type Body = ((&'static str, Option<String>), Vec<String>);

fn body(table: &Table, hidden: &Hidden, stash: &Stash<'_>, event: &str) -> Body {
    let old_id = record_id_of(table, "OLD");
    let new_id = record_id_of(table, "NEW");
    let entry = |entry: Entry| entry.insert(table);
    let deletion = |condition: &str, previous: Option<String>, order: &str| {
        entry(Entry {
            action: "DELETE",
            record_id: "afterimage_stash.record_id".into(),
            previous,
            old: Some("afterimage_stash.old_values".into()),
            redacted: redacted(table, hidden),
            from: "afterimage_stash".into(),
            then: format!("WHERE {condition} ORDER BY {order}afterimage_stash.rowid"),
            ..Entry::default()
        })
    };
    // A row that takes the place of the one under its own key is one event, as a change of the key is: the two entries
    // point at each other. Undone as two, the creation would take along all that refers to the row.
    let replaced = format!("CASE {new_id} WHEN afterimage_stash.record_id THEN afterimage_stash.record_id END");
    let replaced_last = format!("{new_id} = afterimage_stash.record_id, ");
    let replacing = format!(
        "(SELECT record_id FROM afterimage_log WHERE id = (SELECT max(id) FROM afterimage_log) AND action = 'DELETE' \
         AND table_name = {} AND record_id = changed.record_id AND previous_record_id = record_id)",
        literal(&table.name)
    );
    let gone = |previous: Option<&String>| {
        entry(Entry {
            action: "DELETE",
            record_id: old_id.clone(),
            previous: previous.cloned(),
            old: Some(image_of(table, hidden, "OLD", false)),
            redacted: redacted(table, hidden),
            ..Entry::default()
        })
    };
    let made = |previous: Option<&String>| {
        entry(Entry {
            action: "CREATE",
            record_id: new_id.clone(),
            previous: previous.cloned(),
            new: Some(image_of(table, hidden, "NEW", false)),
            redacted: redacted(table, hidden),
            ..Entry::default()
        })
    };
    let moved = |previous: &String| {
        let (from, same) = stash.present();
        entry(Entry {
            action: "CREATE",
            record_id: "afterimage_moved.record_id".into(),
            previous: Some(previous.clone()),
            new: Some(stash.present_image()),
            redacted: redacted(table, hidden),
            from: format!("(SELECT {new_id} AS record_id) AS afterimage_moved JOIN {from} ON {same}"),
            ..Entry::default()
        })
    };
    match event {
        "inserting" => (("BEFORE INSERT", Some(stash.insert_collides())), vec![stash.before_insert()]),
        "updating" => (("BEFORE UPDATE", Some(stash.update_collides())), vec![stash.before_update()]),
        "moving" => {
            let when = format!("{} AND {old_id} <> {new_id}", key_changed(table));
            (("BEFORE UPDATE", Some(when)), stash.note_move())
        }
        "deleting" => {
            let forget = stash.shape.circle.then(|| stash.forget_move());
            let statements = [stash.take_old()].into_iter().chain(forget).collect();
            (("BEFORE DELETE", Some(stash.holds_any_to_delete())), statements)
        }
        "delete" => (("AFTER DELETE", None), vec![gone(None), stash.take_old()]),
        "insert" => (("AFTER INSERT", None), vec![made(Some(&replacing))]),
        "rekey" => {
            let when = format!("{} AND {old_id} IS NOT {new_id}", key_changed(table));
            if stash.shape.circle {
                let statements = vec![gone(Some(&new_id)), moved(&old_id), stash.forget_move()];
                return (("AFTER UPDATE", Some(when)), statements);
            }
            (("AFTER UPDATE", Some(when)), vec![gone(Some(&new_id)), made(Some(&old_id))])
        }
        "insertover" => {
            let condition = stash.gone_by_insert();
            (
                ("AFTER INSERT", Some(stash.holds_any())),
                vec![deletion(&condition, Some(replaced), &replaced_last), stash.take(&condition)],
            )
        }
        "updateover" => {
            let condition = stash.gone_by_update();
            let statements = vec![deletion(&condition, None, ""), stash.take(&condition), stash.renew()];
            (("AFTER UPDATE", Some(stash.holds_any())), statements)
        }
        _ => {
            let any = table.columns.iter().filter(|column| !hidden.is_ignored(&column.name)).map(changed);
            let any = joined(&any.collect::<Vec<_>>(), "OR");
            let unless_moving = match stash.shape.circle {
                true => format!(" AND NOT {}", stash.is_moving()),
                false => String::new(),
            };
            let rekeyed = format!("{} AND {old_id} IS NOT {new_id}", key_changed(table));
            let when = format!("({any}) AND NOT ({rekeyed}){unless_moving}");
            let update = Entry {
                action: "UPDATE",
                record_id: new_id,
                old: Some(changes_of(table, hidden, "OLD")),
                new: Some(changes_of(table, hidden, "NEW")),
                redacted: redacted_changes(table, hidden),
                ..Entry::default()
            };
            (("AFTER UPDATE", Some(when)), vec![entry(update)])
        }
    }
}

/// Whether the UPDATE touches the key, which is asked first because it is cheaper than to compare record ids.
fn key_changed(table: &Table) -> String {
    let keys = table.columns.iter().filter(|column| table.is_key(&column.name)).map(changed);
    format!("({})", joined(&keys.collect::<Vec<_>>(), "OR"))
}

/// The redacted columns, each with the number of recorded fields before it: for a whole image, always the same.
pub fn redacted(table: &Table, hidden: &Hidden) -> Option<String> {
    let fields: Vec<_> =
        places(table, hidden).map(|(name, before)| format!("{}:{}", json_string(name), before.len())).collect();
    (!fields.is_empty()).then(|| literal(&format!("{{{}}}", fields.join(","))))
}

/// The same for the changed columns of an UPDATE.
fn redacted_changes(table: &Table, hidden: &Hidden) -> Option<String> {
    let fields: Vec<_> = places(table, hidden)
        .map(|(name, before)| {
            let before = if before.is_empty() { "0".to_owned() } else { joined(&before, "+") };
            let when = table.column(name).map(changed).unwrap_or_default();
            format!("CASE WHEN {when} THEN {} || ({before}) ELSE '' END", literal(&format!(",{}:", json_string(name))))
        })
        .collect();
    (!fields.is_empty()).then(|| format!("'{{' || substr(nullif({}, ''), 2) || '}}'", joined(&fields, "||")))
}

/// The redacted columns, each with the expressions that say whether the recorded columns before it changed.
fn places<'a>(table: &'a Table, hidden: &'a Hidden) -> impl Iterator<Item = (&'a str, Vec<String>)> {
    table.columns.iter().filter(|column| hidden.is_redacted(&column.name) && !hidden.is_ignored(&column.name)).map(
        move |column| {
            let before = recorded(table, hidden).take_while(|other| other.number < column.number).map(changed);
            (column.name.as_str(), before.collect())
        },
    )
}

/// The parts of an entry that differ, as SQL expressions; what is absent is NULL.
#[derive(Default)]
struct Entry {
    action: &'static str,
    record_id: String,
    previous: Option<String>,
    old: Option<String>,
    new: Option<String>,
    redacted: Option<String>,
    /// A table to select from.
    from: String,
    /// What follows the joins.
    then: String,
}

impl Entry {
    /// The INSERT into the log. The server's context, when there is one, counts alone; the application's is believed for
    /// ten minutes, and the newest of several is meant.
    fn insert(self, table: &Table) -> String {
        let said = |column: &str, length: u32| {
            format!(
                "substr(CASE WHEN afterimage_server_context.id IS NULL THEN afterimage_context.{column} \
                 ELSE afterimage_server_context.{column} END, 1, {length})"
            )
        };
        let null = || "NULL".to_owned();
        let (from, record_id) = match self.from.as_str() {
            "" => (format!("(SELECT {} AS record_id) AS changed", self.record_id), "changed.record_id".to_owned()),
            from => (from.to_owned(), self.record_id),
        };
        let values = [
            "CASE WHEN afterimage_server_context.id IS NOT NULL THEN 's' || afterimage_server_context.id \
             WHEN afterimage_context.id IS NOT NULL THEN 'c' || afterimage_context.id END"
                .to_owned(),
            format!("'{}'", self.action),
            literal(&table.name),
            record_id.clone(),
            self.previous.unwrap_or_else(null),
            said("user_id", 500),
            said("username", 1000),
            self.old.unwrap_or_else(null),
            self.new.unwrap_or_else(null),
            self.redacted.unwrap_or_else(null),
            said("description", 4000),
            said("ip_address", 1000),
            said("correlation_id", 500),
            said("metadata", 16384),
            "CASE WHEN afterimage_server_context.id IS NULL THEN 'TRIGGER' ELSE 'UNDO' END".to_owned(),
            "afterimage_server_context.recorded_by".to_owned(),
            format!(
                "CASE WHEN afterimage_server_context.id IS NOT NULL THEN (SELECT undo_of FROM afterimage_server_undo \
                 WHERE table_name = {} AND record_id = {record_id} AND action = '{}') END",
                literal(&table.name),
                self.action
            ),
        ];
        let statement = format!(
            "INSERT INTO afterimage_log (tx, action, table_name, record_id, previous_record_id, user_id, username, \
             old_values, new_values, redacted, description, ip_address, correlation_id, metadata, source, recorded_by, \
             undo_of) SELECT {values} FROM {from} \
             LEFT JOIN afterimage_server_context \
             ON afterimage_server_context.id = (SELECT max(id) FROM afterimage_server_context) \
             LEFT JOIN afterimage_context ON afterimage_server_context.id IS NULL \
             AND afterimage_context.id = (SELECT max(id) FROM afterimage_context) \
             AND afterimage_context.created_at BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-10 minutes') \
             AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes') {then}",
            values = values.join(", "),
            then = self.then,
        );
        statement.trim_end().to_owned()
    }
}
