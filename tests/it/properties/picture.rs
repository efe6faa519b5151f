//! The tables as they are, every value as the database's own text; and rows that images tell of, printed alike.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::kinds;
use super::schema::{Schema, Table};
use crate::support::{Kind, World};

/// A row's columns, each as an image writes it.
pub type Image = BTreeMap<String, Box<RawValue>>;

/// Table and record id to the row as text.
pub type Picture = BTreeMap<(String, String), String>;

/// The tables as they are now.
pub async fn take(world: &World, schema: &Schema) -> Picture {
    let mut picture = Picture::new();
    for (name, table) in schema.names().into_iter().zip(&schema.tables) {
        let whole = whole(world.kind, &name, schema, table);
        let sql = format!("select {}, {whole} from {name}", table.record_id(world.kind));
        for row in world.rows(&sql).await {
            let [id, text] = row.as_slice() else { unreachable!("two columns") };
            picture.insert((name.clone(), id.clone().expect("a key")), text.clone().expect("a row"));
        }
    }
    picture
}

/// A row as text, in SQL.
fn whole(kind: Kind, name: &str, schema: &Schema, table: &Table) -> String {
    match kind {
        Kind::Postgres => format!("{name}::text"),
        Kind::Sqlite => {
            let columns = table.column_names(schema);
            let texts: Vec<String> = columns.iter().map(|column| printed(column)).collect();
            texts.join(" || ',' || ")
        }
    }
}

/// SQLite's value with its storage class.
fn printed(value: &str) -> String {
    format!("typeof({value}) || ' ' || case typeof({value}) when 'text' then hex({value}) else quote({value}) end")
}

/// The rows that the images tell of, printed as [`take`] prints rows.
pub async fn print(world: &World, schema: &Schema, rows: &BTreeMap<(String, String), Image>) -> Picture {
    if rows.is_empty() {
        return Picture::new();
    }
    let selects = rows.iter().enumerate().map(|(place, ((name, _), image))| match world.kind {
        Kind::Postgres => postgres_row(place, name, schema, image),
        Kind::Sqlite => sqlite_row(place, name, schema, image),
    });
    let selects: Vec<String> = selects.collect();
    let printed = world.rows(&format!("{} order by 1", selects.join("\nunion all "))).await;
    rows.keys().cloned().zip(printed.into_iter().map(|row| row[1].clone().expect("a row"))).collect()
}

fn sqlite_row(place: usize, name: &str, schema: &Schema, image: &Image) -> String {
    let columns = schema.called(name).column_names(schema);
    let value = |column: &String| image.get(column).map_or("'missing'".to_owned(), |value| literal(value.get()));
    let texts: Vec<String> = columns.iter().map(|column| printed(&value(column))).collect();
    format!("select {place}, {}", texts.join(" || ',' || "))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A row of a table as text, from its image. PostgreSQL reads all values but documents out of one record.
fn postgres_row(place: usize, name: &str, schema: &Schema, image: &Image) -> String {
    let table = schema.called(name);
    let columns = table.column_names(schema);
    let values = columns.iter().map(|column| match (image.get(column), table.document(column)) {
        (None, _) => panic!("{name} has no {column} in {image:?}"),
        (Some(value), Some(kind)) => match document(value.get()) {
            Some(text) => format!("{}::{kind}", quote(&text)),
            None => "null".to_owned(),
        },
        (Some(_), None) => format!("image.{column}"),
    });
    let values: Vec<String> = values.collect();
    let others = image.iter().filter(|(column, _)| table.document(column).is_none());
    let record: Vec<String> =
        others.map(|(column, value)| format!("{}:{}", serde_json::Value::from(column.as_str()), value.get())).collect();
    let record = quote(&format!("{{{}}}", record.join(",")));
    format!(
        "select {place}, row({})::{name}::text from json_populate_record(null::{name}, {record}) image",
        values.join(", ")
    )
}

/// The text of a document; none for SQL's null.
fn document(value: &str) -> Option<String> {
    let marked: Option<BTreeMap<String, String>> = serde_json::from_str(value).ok();
    match marked.as_ref().and_then(|marked| marked.get("$json")) {
        Some(text) => Some(text.clone()),
        None => (value != "null").then(|| value.to_owned()),
    }
}

/// A value of an image as SQLite's SQL writes it.
fn literal(value: &str) -> String {
    if value == "null" {
        return "null".to_owned();
    }
    if let Ok(text) = serde_json::from_str::<String>(value) {
        return text_literal(text.as_bytes());
    }
    let marked: Option<BTreeMap<String, String>> = serde_json::from_str(value).ok();
    match marked.iter().flatten().next().map(|(mark, text)| (mark.as_str(), text.as_str())) {
        Some(("$blob", hex)) => format!("x'{hex}'"),
        Some(("$text", hex)) => format!("cast(x'{hex}' as text)"),
        Some(("$real", "Inf")) => "9e999".to_owned(),
        Some(("$real", _)) => "-9e999".to_owned(),
        _ => value.to_owned(),
    }
}

/// By its bytes: whatever stands in it.
fn text_literal(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("cast(x'{hex}' as text)")
}

impl Table {
    /// The type of a column that holds documents.
    fn document(&self, column: &str) -> Option<&'static str> {
        let place: usize = column.strip_prefix('c')?.parse().ok()?;
        let (kind, _) = kinds::values(Kind::Postgres, self.columns[place]);
        ["json", "jsonb"].contains(&kind).then_some(kind)
    }

    /// All columns, in order.
    pub fn column_names(&self, schema: &Schema) -> Vec<String> {
        let mut names: Vec<String> = self.key().into_iter().map(str::to_owned).collect();
        names.extend((0..self.columns.len()).map(|place| format!("c{place}")));
        for (place, reference) in self.foreign_keys.iter().enumerate() {
            names.extend(schema.table(reference.parent).key().iter().map(|key| format!("f{place}{key}")));
        }
        names
    }
}
