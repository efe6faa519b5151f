//! What the connections do, one statement after the other in one order: the interleaving.

use proptest::collection::vec;
use proptest::prelude::*;

use super::kinds;
use super::schema::{Schema, Table};
use crate::support::Kind;

/// One step of one of the connections.
#[derive(Clone, Debug)]
pub struct Step {
    pub connection: u8,
    pub act: Act,
}

/// What a connection does next. Numbers choose from what there is.
#[derive(Clone, Debug)]
pub enum Act {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    RollbackToSavepoint,
    /// All transactions end, and the tables are looked at.
    Pause,
    Insert(Row),
    InsertMany(Row, Row, Row),
    Upsert(Row),
    /// SQLite's INSERT OR REPLACE; on PostgreSQL a MERGE.
    Replace(Row),
    Update(Row, u8),
    UpdateAll(Row, u8),
    /// Changes a key.
    Rekey(Row, u8),
    /// Changes one reference.
    Refer(Row, u8),
    Delete(Row),
    DeleteAll(u8),
}

/// A row of a table; all but the table and the key choose values.
#[derive(Clone, Debug)]
pub struct Row {
    pub table: u8,
    pub key: u8,
    pub values: [u8; 8],
}

/// How many connections there are.
pub const CONNECTIONS: usize = 3;
/// How many keys a table's rows may have: few, so that they meet.
const KEYS: u8 = 5;

pub fn any_script() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..CONNECTIONS as u8, any_act()).prop_map(|(connection, act)| Step { connection, act });
    vec(step, 10..100)
}

fn any_row() -> impl Strategy<Value = Row> {
    (any::<u8>(), 0..KEYS, any::<[u8; 8]>()).prop_map(|(table, key, values)| Row { table, key, values })
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => Just(Act::Begin),
        3 => Just(Act::Commit),
        1 => Just(Act::Rollback),
        1 => Just(Act::Savepoint),
        1 => Just(Act::RollbackToSavepoint),
        1 => Just(Act::Pause),
        12 => any_row().prop_map(Act::Insert),
        4 => (any_row(), any_row(), any_row()).prop_map(|(one, two, three)| Act::InsertMany(one, two, three)),
        2 => any_row().prop_map(Act::Upsert),
        2 => any_row().prop_map(Act::Replace),
        5 => (any_row(), any::<u8>()).prop_map(|(row, column)| Act::Update(row, column)),
        2 => (any_row(), any::<u8>()).prop_map(|(row, column)| Act::UpdateAll(row, column)),
        2 => (any_row(), 0..KEYS).prop_map(|(row, key)| Act::Rekey(row, key)),
        3 => (any_row(), any::<u8>()).prop_map(|(row, reference)| Act::Refer(row, reference)),
        3 => any_row().prop_map(Act::Delete),
        1 => any::<u8>().prop_map(Act::DeleteAll),
    ]
}

/// The letters of a key's text part.
fn letter(key: u8) -> String {
    format!("'{}'", char::from(b'a' + key % 2))
}

impl Act {
    /// The statement, for those that are one and that the schema has a place for.
    pub fn sql(&self, kind: Kind, schema: &Schema) -> Option<String> {
        Some(match self {
            Act::Insert(row) => format!("insert into {} {}", row.name(schema), row.tuple(kind, schema)),
            Act::InsertMany(one, two, three) => {
                let name = one.name(schema);
                let rows = [one.clone(), two.of(one), three.of(one)].map(|row| row.values(kind, schema));
                format!("insert into {name} ({}) values {}", one.columns(schema), rows.join(", "))
            }
            Act::Upsert(row) => format!(
                "insert into {} {} on conflict ({}) do update set c0 = excluded.c0",
                row.name(schema),
                row.tuple(kind, schema),
                row.table(schema).key().join(", "),
            ),
            Act::Replace(row) if kind == Kind::Sqlite => {
                format!("insert or replace into {} {}", row.name(schema), row.tuple(kind, schema))
            }
            Act::Replace(row) => format!(
                "merge into {} using (select 1) one on {} when matched then update set c0 = null \
                 when not matched then insert {}",
                row.name(schema),
                row.is_row(schema),
                row.tuple(kind, schema),
            ),
            Act::Update(row, column) => {
                format!(
                    "update {} set {} where {}",
                    row.name(schema),
                    row.set(kind, schema, *column),
                    row.is_row(schema)
                )
            }
            Act::UpdateAll(row, column) => {
                format!("update {} set {}", row.name(schema), row.set(kind, schema, *column))
            }
            Act::Rekey(row, key) => {
                let table = row.table(schema);
                let letter = if table.composite { format!(", l = {}", letter(key / 2)) } else { String::new() };
                format!("update {} set k = {key}{letter} where {}", row.name(schema), row.is_row(schema))
            }
            Act::Refer(row, reference) => {
                let table = row.table(schema);
                let count = table.foreign_keys.len();
                let place = usize::from(*reference).checked_rem(count)?;
                let columns = reference_columns(schema, table, place);
                let values = row.reference(schema, place);
                let set: Vec<String> =
                    columns.iter().zip(values).map(|(name, value)| format!("{name} = {value}")).collect();
                format!("update {} set {} where {}", row.name(schema), set.join(", "), row.is_row(schema))
            }
            Act::Delete(row) => format!("delete from {} where {}", row.name(schema), row.is_row(schema)),
            Act::DeleteAll(table) => format!("delete from {}", schema.name(*table)),
            _ => return None,
        })
    }
}

fn reference_columns(schema: &Schema, table: &Table, place: usize) -> Vec<String> {
    let parent = schema.table(table.foreign_keys[place].parent);
    parent.key().iter().map(|key| format!("f{place}{key}")).collect()
}

impl Row {
    fn name(&self, schema: &Schema) -> String {
        schema.name(self.table)
    }

    fn table<'a>(&self, schema: &'a Schema) -> &'a Table {
        schema.table(self.table)
    }

    /// The same row, but of another's table.
    fn of(&self, other: &Row) -> Row {
        Row { table: other.table, ..self.clone() }
    }

    fn is_row(&self, schema: &Schema) -> String {
        let letter =
            if self.table(schema).composite { format!(" and l = {}", letter(self.key / 2)) } else { String::new() };
        format!("k = {}{letter}", self.key)
    }

    fn columns(&self, schema: &Schema) -> String {
        let table = self.table(schema);
        let mut names: Vec<String> = table.key().into_iter().map(str::to_owned).collect();
        names.extend((0..table.columns.len()).map(|place| format!("c{place}")));
        names.extend((0..table.foreign_keys.len()).flat_map(|place| reference_columns(schema, table, place)));
        names.join(", ")
    }

    /// Columns and values of an INSERT.
    fn tuple(&self, kind: Kind, schema: &Schema) -> String {
        format!("({}) values {}", self.columns(schema), self.values(kind, schema))
    }

    fn values(&self, kind: Kind, schema: &Schema) -> String {
        let table = self.table(schema);
        let mut values = vec![self.key.to_string()];
        values.extend(table.composite.then(|| letter(self.key / 2)));
        values.extend((0..table.columns.len()).map(|place| self.value(kind, table, place)));
        values.extend((0..table.foreign_keys.len()).flat_map(|place| self.reference(schema, place)));
        format!("({})", values.join(", "))
    }

    /// A value for a column; now and then none.
    fn value(&self, kind: Kind, table: &Table, place: usize) -> String {
        let choice = self.values[place % 4];
        let (_, values) = kinds::values(kind, table.columns[place]);
        match choice % 8 {
            7 => "null".to_owned(),
            _ => values[usize::from(choice) % values.len()].to_owned(),
        }
    }

    /// What a foreign key's columns point at: mostly a key that may be there.
    fn reference(&self, schema: &Schema, place: usize) -> Vec<String> {
        let parent = schema.table(self.table(schema).foreign_keys[place].parent);
        let choice = self.values[4 + place % 4];
        if choice.is_multiple_of(3) {
            return parent.key().iter().map(|_| "null".to_owned()).collect();
        }
        let key = choice % KEYS;
        let mut values = vec![key.to_string()];
        values.extend(parent.composite.then(|| letter(key / 2)));
        values
    }

    fn set(&self, kind: Kind, schema: &Schema, column: u8) -> String {
        let table = self.table(schema);
        let place = usize::from(column) % table.columns.len();
        format!("c{place} = {}", self.value(kind, table, place))
    }
}
