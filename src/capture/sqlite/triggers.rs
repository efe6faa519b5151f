//! The text of the triggers: a function of the table and of what is hidden, and of nothing else.

use super::entry;
use super::image::{changed, is_row_number, joined, record_id_of, recorded, unescaped_changes_of, unescaped_image_of};
use super::keys::Shape;
use super::names::{catalogued, identifier, json_string, literal};
use super::require_user::refusal;
use super::set::{is_told, of_key, of_unique};
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
type Body = ((String, Option<String>), Vec<String>);

fn body(table: &Table, hidden: &Hidden, stash: &Stash<'_>, event: &str) -> Body {
    let old_id = record_id_of(table, "OLD");
    let new_id = record_id_of(table, "NEW");
    let entry = |entry: Entry| entry.insert(table);
    let rekeyed = rekeyed(table, &old_id, &new_id);
    let deletion = |condition: &str, previous: Option<String>, order: &str| {
        entry(Entry {
            action: "DELETE",
            record_id: "afterimage_stash.record_id".into(),
            previous,
            images: "afterimage_stash.old_values".into(),
            redacted: redacted(table, hidden),
            from: format!("afterimage_stash WHERE {condition} ORDER BY {order}afterimage_stash.rowid"),
            ..Entry::default()
        })
    };
    // A row that takes the place of the one under its own key is one event, as a change of the key is: the two entries
    // point at each other. Undone as two, the creation would take along all that refers to the row.
    let replaced = format!("CASE {new_id} WHEN afterimage_stash.record_id THEN afterimage_stash.record_id END");
    let replaced_last = format!("{new_id} = afterimage_stash.record_id, ");
    let gone = |previous: Option<&String>| {
        entry(Entry {
            action: "DELETE",
            record_id: old_id.clone(),
            previous: previous.cloned(),
            images: unescaped_image_of(table, hidden, "OLD", false),
            redacted: redacted(table, hidden),
            ..Entry::default()
        })
    };
    let made = |previous: Option<&String>| {
        entry(Entry {
            action: "CREATE",
            record_id: new_id.clone(),
            previous: previous.cloned(),
            images: unescaped_image_of(table, hidden, "NEW", false),
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
            images: stash.present_image(),
            redacted: redacted(table, hidden),
            from: format!("(SELECT {new_id} AS record_id) AS afterimage_moved JOIN {from} ON {same}"),
            ..Entry::default()
        })
    };
    match event {
        "inserting" => (("BEFORE INSERT".into(), Some(stash.insert_collides())), vec![stash.before_insert()]),
        "updating" => {
            let fires = format!("BEFORE UPDATE{}", of_unique(table, stash.shape));
            ((fires, Some(stash.update_collides())), vec![stash.before_update()])
        }
        "moving" => {
            let when = format!("{} AND {old_id} <> {new_id}", key_changed(table));
            ((format!("BEFORE UPDATE{}", of_key(table)), Some(when)), stash.note_move())
        }
        "deleting" => {
            let forget = stash.shape.circle.then(|| stash.forget_move());
            let statements = [stash.take_old()].into_iter().chain(forget).collect();
            (("BEFORE DELETE".into(), Some(stash.holds_any_to_delete())), statements)
        }
        "delete" => (("AFTER DELETE".into(), None), vec![gone(None), stash.take_old()]),
        "insert" => (("AFTER INSERT".into(), None), vec![made(None)]),
        "rekey" => {
            let when = rekeyed;
            let fires = format!("AFTER UPDATE{}", of_key(table));
            if stash.shape.circle {
                let statements = vec![gone(Some(&new_id)), moved(&old_id), stash.forget_move()];
                return ((fires, Some(when)), statements);
            }
            ((fires, Some(when)), vec![gone(Some(&new_id)), made(Some(&old_id))])
        }
        "insertover" => {
            let condition = stash.gone_by_insert();
            (
                ("AFTER INSERT".into(), Some(stash.holds_any())),
                vec![deletion(&condition, Some(replaced), &replaced_last), stash.take(&condition)],
            )
        }
        "updateover" => {
            let condition = stash.gone_by_update();
            let statements = vec![deletion(&condition, None, ""), stash.take(&condition), stash.renew()];
            ((format!("AFTER UPDATE{}", of_unique(table, stash.shape)), Some(stash.holds_any())), statements)
        }
        _ => {
            let any = table.columns.iter().filter(|column| !hidden.is_ignored(&column.name)).map(changed);
            let any = joined(&any.collect::<Vec<_>>(), "OR");
            let unless_moving = match stash.shape.circle {
                true => format!(" AND NOT {}", stash.is_moving()),
                false => String::new(),
            };
            let when = format!("({any}) AND NOT ({rekeyed}){unless_moving}");
            // Where an UPDATE that sets no key fires nothing else, it renews the stash on the way.
            let told = is_told(table, stash.shape);
            let present = told.then(|| stash.holds_any());
            let update = Entry {
                action: "UPDATE",
                record_id: new_id,
                images: unescaped_changes_of(table, hidden, present.as_deref()),
                redacted: redacted_changes(table, hidden),
                keys: if told { stash.new_keys() } else { Vec::new() },
                ..Entry::default()
            };
            (("AFTER UPDATE".into(), Some(when)), vec![entry(update)])
        }
    }
}

/// Whether the UPDATE makes another object of the row.
fn rekeyed(table: &Table, old_id: &str, new_id: &str) -> String {
    let keys: Vec<_> = table.columns.iter().filter(|column| table.is_key(&column.name)).collect();
    match keys.as_slice() {
        [key] if is_row_number(key) => changed(key),
        _ => format!("{} AND {old_id} IS NOT {new_id}", key_changed(table)),
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
    images: String,
    redacted: Option<String>,
    /// The new row's in the stash, which the view's trigger renews.
    keys: Vec<String>,
    /// What to select from and how, if anything.
    from: String,
}

impl Entry {
    fn insert(self, table: &Table) -> String {
        let null = || "NULL".to_owned();
        let values = [
            format!("'{}'", self.action),
            literal(&table.name),
            self.record_id,
            self.previous.unwrap_or_else(null),
            self.images,
            self.redacted.unwrap_or_else(null),
        ];
        entry::insert(&values, &self.keys, &self.from)
    }
}
