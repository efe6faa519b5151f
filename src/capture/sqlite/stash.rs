//! What a REPLACE deletes.
//!
//! `INSERT OR REPLACE`, `UPDATE OR REPLACE` and ON CONFLICT REPLACE in a schema delete the rows that stand in the way, and
//! fire no DELETE trigger unless the writer has `recursive_triggers` on. Nor can a trigger learn how a conflict will be
//! resolved. So a BEFORE trigger puts the image of every row that collides with the new one on any unique key into
//! `afterimage_stash`, and an AFTER trigger records, as deleted, those of them that are gone.
//!
//! That is right because the stash is true at all times: what stands in it is the present image of a row, or of one that
//! a REPLACE deleted and that no AFTER trigger has come across yet. An UPDATE of a stashed row renews it, a DELETE takes
//! it out. Where nothing that has to do with keys is compiled into the UPDATE ([`super::set`]), the new image goes with
//! the entry, and the trigger that writes the entry renews the stash ([`super::entry`]). What is left by OR IGNORE, DO
//! NOTHING and DO UPDATE, after which nothing fires or another trigger, is therefore harmless, and only bounded: the
//! BEFORE triggers drop all but the newest few. They do not drop all, since a statement of a user's trigger may run
//! between the two halves of an outer REPLACE on the same table.
//!
//! A row is known in the stash by its row number, or, in a WITHOUT ROWID table, by the first columns of its key together
//! with its record id.

use super::image::{changed, record_id_of, unescaped_image_of};
use super::keys::{Shape, Term, UniqueKey};
use super::names::{catalogued, identifier, literal, same};
use crate::capture::{Hidden, Table};

/// How many of the newest rows of the stash are never dropped, beside one for each unique key.
pub(super) const KEPT: usize = 8;

/// How many columns of a key the stash has room for.
pub(super) const KEY_COLUMNS: usize = 4;

/// The stash as the triggers of one table use it.
pub struct Stash<'a> {
    pub(super) table: &'a Table,
    pub(super) shape: &'a Shape,
    pub(super) hidden: &'a Hidden,
    /// The row of the table in scope of a subquery: the name that index definitions may use, but for two.
    pub(super) row: String,
    pub(super) from: String,
    /// The columns that identify a row, ready for SQL.
    pub(super) identity: Vec<String>,
}

impl<'a> Stash<'a> {
    pub fn new(table: &'a Table, shape: &'a Shape, hidden: &'a Hidden) -> Self {
        let name = catalogued(&table.name);
        let taken = same(&name, "new") || same(&name, "old");
        let row = if taken { "afterimage_row".to_owned() } else { table.sql_name.clone() };
        let from = if taken { format!("{} AS {row}", table.sql_name) } else { row.clone() };
        let identity = match &shape.rowid {
            Some(rowid) => vec![rowid.clone()],
            None => table.primary_key.iter().map(|key| identifier(key)).collect(),
        };
        Stash { table, shape, hidden, row, from, identity }
    }

    /// When the new row of an INSERT collides with another.
    pub fn insert_collides(&self) -> String {
        let found = self.collisions("").into_iter().map(|(_, rows)| format!("EXISTS ({rows})"));
        found.collect::<Vec<_>>().join(" OR ")
    }

    /// When the new state of an updated row collides with another.
    pub fn update_collides(&self) -> String {
        let other = self.other_than_old();
        let found = self.collisions(&other).into_iter().map(|(moved, rows)| format!("({moved} AND EXISTS ({rows}))"));
        found.collect::<Vec<_>>().join(" OR ")
    }

    /// Stashes the rows that collide with the new row of an INSERT.
    pub fn before_insert(&self) -> String {
        self.fill("")
    }

    /// Stashes the rows that collide with the new state of an updated row.
    pub fn before_update(&self) -> String {
        self.fill(&self.other_than_old())
    }

    /// Whether anything of the table's is stashed.
    pub fn holds_any(&self) -> String {
        format!("EXISTS (SELECT 1 FROM afterimage_stash WHERE {})", self.of_table())
    }

    /// Whether anything is stashed or noted that the deletion of a row may concern.
    pub fn holds_any_to_delete(&self) -> String {
        match self.shape.circle {
            true => {
                format!("EXISTS (SELECT 1 FROM afterimage_stash WHERE {} OR {})", self.of_table(), self.is_note())
            }
            false => self.holds_any(),
        }
    }

    /// Which stashed rows an INSERT turned out to have deleted.
    pub fn gone_by_insert(&self) -> String {
        format!("{} AND ({} OR {}){}", self.of_table(), self.is("NEW"), self.absent(), self.and_not_moving())
    }

    /// Which stashed rows an UPDATE turned out to have deleted: never the one that it changed.
    pub fn gone_by_update(&self) -> String {
        format!(
            "{} AND NOT ({}) AND ({} OR {}){}",
            self.of_table(),
            self.is("OLD"),
            self.is("NEW"),
            self.absent(),
            self.and_not_moving()
        )
    }

    /// Takes rows out.
    pub fn take(&self, condition: &str) -> String {
        format!("DELETE FROM afterimage_stash WHERE {condition}")
    }

    /// Takes the row that is deleted out, so that it is not recorded twice. Done before the deletion, since what a foreign
    /// key sets in other rows of the table comes before its AFTER trigger, and would find the row gone; and after it, since
    /// a trigger of the user's may have stashed the row again.
    pub fn take_old(&self) -> String {
        self.take(&format!("{} AND {}", self.of_table(), self.is("OLD")))
    }

    /// How the stash knows the new row, as far as its columns tell.
    pub fn new_keys(&self) -> Vec<String> {
        self.keys().map(|(_, column)| format!("NEW.{column}")).collect()
    }

    /// Renews the updated row, if it is stashed.
    pub fn renew(&self) -> String {
        let set = self.keys().map(|(key, column)| format!("{key} = NEW.{column}, ")).collect::<String>();
        format!(
            "UPDATE afterimage_stash SET {set}record_id = {}, old_values = {} WHERE {} AND {}{}",
            record_id_of(self.table, "NEW"),
            self.renewed_image(),
            self.of_table(),
            self.is("OLD"),
            self.and_settled(),
        )
    }

    /// The image of the updated row. A foreign key may have set something in it since it was updated.
    fn renewed_image(&self) -> String {
        if !self.shape.circle {
            return unescaped_image_of(self.table, self.hidden, "NEW", false);
        }
        let (from, same) = self.present();
        format!("coalesce((SELECT {} FROM {from} WHERE {same}), afterimage_stash.old_values)", self.present_image())
    }

    fn fill(&self, and: &str) -> String {
        let table = literal(&self.table.name);
        let keys = self.keys().map(|(key, _)| format!("{key}, ")).collect::<String>();
        let values = self.keys().map(|(_, column)| format!("{}.{column}, ", self.row)).collect::<String>();
        let identity = self.identity.iter().map(|column| format!("{}.{column}", self.row)).collect::<Vec<_>>();
        let identity = if self.identity.len() == 1 { identity.join("") } else { format!("({})", identity.join(", ")) };
        let rows = self.collisions(and).into_iter().map(|(_, rows)| rows).collect::<Vec<_>>().join(" UNION ");
        let forget = match self.shape.circle {
            true => format!("{};\n  ", self.forget_moves_of(&identity, &rows)),
            false => String::new(),
        };
        format!(
            "{forget}DELETE FROM afterimage_stash WHERE {of_table} \
             AND rowid <= (SELECT max(rowid) FROM afterimage_stash) - {kept};\n  \
             INSERT INTO afterimage_stash (table_name, {keys}record_id, old_values) \
             SELECT {table}, {values}{record_id}, {image} FROM {from} WHERE {identity} IN ({rows}) \
             AND {unless_stashed}",
            of_table = self.of_table(),
            kept = KEPT + self.shape.unique.len(),
            record_id = record_id_of(self.table, &self.row),
            image = unescaped_image_of(self.table, self.hidden, &self.row, false),
            from = self.from,
            unless_stashed = self.not_stashed(),
        )
    }

    /// For each thing that may be unique: when an UPDATE may make it collide at all, and the rows that collide on it.
    fn collisions(&self, and: &str) -> Vec<(String, String)> {
        let columns =
            self.identity.iter().map(|column| format!("{}.{column}", self.row)).collect::<Vec<_>>().join(", ");
        let rows = |condition: String| format!("SELECT {columns} FROM {} WHERE {condition}{and}", self.from);
        let row_number =
            self.shape.rowid.iter().map(|rowid| {
                (format!("NEW.{rowid} <> OLD.{rowid}"), rows(format!("{}.{rowid} = NEW.{rowid}", self.row)))
            });
        let keys = self.shape.unique.iter().map(|key| (self.moved(key), rows(self.collides(key))));
        row_number.chain(keys).collect()
    }

    fn collides(&self, key: &UniqueKey) -> String {
        let terms = key.terms.iter().map(|term| match term {
            Term::Column { name, collation, fallback } => {
                let name = identifier(name);
                let new = match fallback {
                    Some(fallback) => format!("coalesce(NEW.{name}, {fallback})"),
                    None => format!("NEW.{name}"),
                };
                format!("{}.{name} = {new} COLLATE {}", self.row, identifier(collation))
            }
            Term::Expression { text, collation } => {
                // The expression of the new row: a row by the table's own name, with its columns, holds the new values.
                let new = self.table.columns.iter().map(|column| {
                    let name = identifier(&column.name);
                    match self.shape.fallbacks.iter().find(|(other, _)| *other == column.name) {
                        Some((_, fallback)) => format!("coalesce(NEW.{name}, {fallback}) AS {name}"),
                        None => format!("NEW.{name} AS {name}"),
                    }
                });
                let new = new.collect::<Vec<_>>().join(", ");
                let row = &self.row;
                format!("({text}\n) = (SELECT {text}\n FROM (SELECT {new}) AS {row}) COLLATE {}", identifier(collation))
            }
        });
        let filter = key.filter.iter().map(|filter| format!("({filter}\n)"));
        terms.chain(filter).collect::<Vec<_>>().join(" AND ")
    }

    /// When an UPDATE may make the key collide: for plain columns when one of them changes.
    fn moved(&self, key: &UniqueKey) -> String {
        let columns: Option<Vec<_>> = key
            .terms
            .iter()
            .map(|term| match term {
                Term::Column { name, .. } => self.table.column(name).map(changed),
                Term::Expression { .. } => None,
            })
            .collect();
        match columns {
            Some(columns) if key.filter.is_none() => format!("({})", columns.join(" OR ")),
            _ => "1".to_owned(),
        }
    }

    fn of_table(&self) -> String {
        format!("afterimage_stash.table_name = {}", literal(&self.table.name))
    }

    /// The columns of the stash that hold the identity, each with the table's.
    fn keys(&self) -> impl Iterator<Item = (String, &String)> {
        self.identity.iter().take(KEY_COLUMNS).enumerate().map(|(place, column)| (format!("key_{}", place + 1), column))
    }

    /// Whether the stashed row is the one that `alias` names. The stash stands on the left, so that no collation of the
    /// table's blurs the comparison.
    fn is(&self, alias: &str) -> String {
        let keys = self.keys().map(|(key, column)| format!("afterimage_stash.{key} IS {alias}.{column}"));
        // A key that is longer than the stash has room for. The id goes first, and on the left: what stands before it
        // would fill the parser's stack further.
        let id = (self.identity.len() > KEY_COLUMNS).then(|| record_id_of(self.table, alias));
        let id = id.map(|id| format!("{id} = afterimage_stash.record_id"));
        id.into_iter().chain(keys).collect::<Vec<_>>().join(" AND ")
    }

    /// Whether the table's row is not in the stash yet.
    fn not_stashed(&self) -> String {
        let keys = self.keys().map(|(key, column)| format!("afterimage_stash.{key} IS {}.{column}", self.row));
        let keys = keys.collect::<Vec<_>>().join(" AND ");
        let rows = format!("FROM afterimage_stash WHERE {} AND {keys}", self.of_table());
        match self.identity.len() > KEY_COLUMNS {
            true => format!("{} NOT IN (SELECT record_id {rows})", record_id_of(self.table, &self.row)),
            false => format!("NOT EXISTS (SELECT 1 {rows})"),
        }
    }

    /// Whether the stashed row is in the table no more. The table stands on the left, so that its index serves.
    fn absent(&self) -> String {
        let keys = self.keys().map(|(key, column)| format!("{}.{column} = afterimage_stash.{key}", self.row));
        let condition = keys.collect::<Vec<_>>().join(" AND ");
        match self.shape.rowid {
            Some(_) => format!("NOT EXISTS (SELECT 1 FROM {} WHERE {condition})", self.from),
            // Other keys may be equal by their collation, or longer than the stash has room for.
            None => format!(
                "afterimage_stash.record_id NOT IN (SELECT {} FROM {} WHERE {condition})",
                record_id_of(self.table, &self.row),
                self.from
            ),
        }
    }

    fn other_than_old(&self) -> String {
        let same = self.identity.iter().map(|column| format!("{}.{column} = OLD.{column}", self.row));
        format!(" AND NOT ({})", same.collect::<Vec<_>>().join(" AND "))
    }
}
