//! Random tables, with keys and foreign keys of every shape.

use proptest::collection::vec;
use proptest::prelude::*;

use super::kinds;
use crate::support::Kind;

/// Tables that may refer to each other and to themselves.
#[derive(Clone, Debug)]
pub struct Schema {
    /// What the tables' names begin with: many schemas share one database.
    pub prefix: String,
    pub tables: Vec<Table>,
}

/// What a table is made of. Numbers choose from what there is, modulo its length: any number is a choice.
#[derive(Clone, Debug)]
pub struct Table {
    /// Whether the key is of two columns.
    pub composite: bool,
    /// The columns' types.
    pub columns: Vec<u8>,
    /// Whether the first column's values may occur once only.
    pub unique: bool,
    pub foreign_keys: Vec<ForeignKey>,
}

/// A reference to a table's key.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    pub parent: u8,
    pub on_delete: u8,
    pub on_update: u8,
    pub deferred: bool,
}

const ACTIONS: [&str; 5] = ["cascade", "set null", "no action", "restrict", "set default"];

pub fn any_schema() -> impl Strategy<Value = Schema> {
    vec(any_table(), 1..4).prop_map(|tables| Schema { prefix: String::new(), tables })
}

fn any_table() -> impl Strategy<Value = Table> {
    (any::<bool>(), vec(any::<u8>(), 1..4), proptest::bool::weighted(0.3), vec(any_foreign_key(), 0..3))
        .prop_map(|(composite, columns, unique, foreign_keys)| Table { composite, columns, unique, foreign_keys })
}

fn any_foreign_key() -> impl Strategy<Value = ForeignKey> {
    (any::<u8>(), any::<u8>(), any::<u8>(), any::<bool>())
        .prop_map(|(parent, on_delete, on_update, deferred)| ForeignKey { parent, on_delete, on_update, deferred })
}

impl Schema {
    pub fn name(&self, place: u8) -> String {
        format!("{}{}", self.prefix, usize::from(place) % self.tables.len())
    }

    pub fn table(&self, place: u8) -> &Table {
        &self.tables[usize::from(place) % self.tables.len()]
    }

    pub fn names(&self) -> Vec<String> {
        (0..self.tables.len()).map(|place| format!("{}{place}", self.prefix)).collect()
    }

    /// The statements that make the tables.
    pub fn ddl(&self, kind: Kind) -> String {
        let mut statements = Vec::new();
        let mut later = Vec::new();
        for (name, table) in self.names().into_iter().zip(&self.tables) {
            let mut parts =
                table.key_columns().iter().map(|(name, kind)| format!("{name} {kind} not null")).collect::<Vec<_>>();
            for (place, &column) in table.columns.iter().enumerate() {
                parts.push(format!("c{place} {}", kinds::values(kind, column).0));
            }
            for (place, reference) in table.foreign_keys.iter().enumerate() {
                let parent = self.table(reference.parent);
                for (key, kind) in parent.key_columns() {
                    let default = if kind == "int" { "default 1" } else { "default 'a'" };
                    parts.push(format!("f{place}{key} {kind} {default}"));
                }
            }
            parts.push(format!("primary key ({})", table.key().join(", ")));
            if table.unique && comparable(kinds::values(kind, table.columns[0]).0) {
                parts.push("unique (c0)".to_owned());
            }
            for (place, reference) in table.foreign_keys.iter().enumerate() {
                let clause = self.clause(place, reference);
                match kind {
                    Kind::Sqlite => parts.push(clause),
                    // A table that a key points at must be there first.
                    Kind::Postgres => later.push(format!("alter table {name} add {clause}")),
                }
            }
            statements.push(format!("create table {name} ({})", parts.join(", ")));
        }
        statements.extend(later);
        statements.join(";\n")
    }

    /// The statements that drop them.
    pub fn drop(&self, kind: Kind) -> String {
        let cascade = if kind == Kind::Postgres { " cascade" } else { "" };
        let names = self.names();
        let dropped: Vec<String> = names.iter().map(|name| format!("drop table {name}{cascade}")).collect();
        // Rows that refer to each other must not keep a table.
        let loose = if kind == Kind::Sqlite { "pragma foreign_keys = off; " } else { "" };
        format!("{loose}{}", dropped.join("; "))
    }

    /// The table of this name.
    pub fn called(&self, name: &str) -> &Table {
        let place = self.names().iter().position(|known| known == name);
        &self.tables[place.unwrap_or_else(|| panic!("no table {name}"))]
    }

    fn clause(&self, place: usize, reference: &ForeignKey) -> String {
        let parent = self.table(reference.parent);
        let columns: Vec<String> = parent.key().iter().map(|key| format!("f{place}{key}")).collect();
        let action = |number: u8| ACTIONS[usize::from(number) % ACTIONS.len()];
        let deferred = if reference.deferred { " deferrable initially deferred" } else { "" };
        format!(
            "foreign key ({}) references {} ({}) on delete {} on update {}{deferred}",
            columns.join(", "),
            self.name(reference.parent),
            parent.key().join(", "),
            action(reference.on_delete),
            action(reference.on_update),
        )
    }
}

impl Table {
    /// The key's columns and their types.
    pub fn key_columns(&self) -> Vec<(&'static str, &'static str)> {
        if self.composite { vec![("k", "int"), ("l", "text")] } else { vec![("k", "int")] }
    }

    /// The names of the key's columns.
    pub fn key(&self) -> Vec<&'static str> {
        self.key_columns().into_iter().map(|(name, _)| name).collect()
    }

    /// The record id of a row, in SQL.
    pub fn record_id(&self, kind: Kind) -> &'static str {
        match (self.composite, kind) {
            (false, Kind::Postgres) => "k::text",
            (true, Kind::Postgres) => "to_json(array[k::text, l])::text",
            (false, Kind::Sqlite) => "cast(k as text)",
            (true, Kind::Sqlite) => "'[\"' || k || '\",\"' || l || '\"]'",
        }
    }
}

/// Whether an index can be made of the type on PostgreSQL.
fn comparable(kind: &str) -> bool {
    kind != "json"
}
