//! What capture and undo know of a table of the user's.

/// A table as the database's catalogue describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The name under which its entries are filed: bare in the default schema, else qualified; a part that holds a dot
    /// or a quote is double-quoted.
    pub name: String,
    /// The name for use in SQL, quoted, and qualified where the database has schemas.
    pub sql_name: String,
    /// PostgreSQL's object identifier; none on SQLite.
    pub relation: Option<i64>,
    /// The role that owns it, by PostgreSQL's object identifier; none on SQLite.
    pub owner: Option<i64>,
    /// Whether its rows are those of its partitions. Any other table has rows of its own, and tables that inherit from it
    /// have theirs.
    pub partitioned: bool,
    /// The columns in table order.
    pub columns: Vec<Column>,
    /// The names of the key's columns, in key order. Never empty: a table without a key is refused.
    pub primary_key: Vec<String>,
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the column is part of the key.
    pub fn is_key(&self, name: &str) -> bool {
        self.primary_key.iter().any(|key| key == name)
    }
}

/// The parts of a record id: of a single key the text itself, of a composite one the strings of its array. None where
/// it does not fit the table's key.
pub(crate) fn key_parts(table: &Table, record_id: &str) -> Option<Vec<String>> {
    if table.primary_key.len() == 1 {
        return Some(vec![record_id.to_owned()]);
    }
    let parts: Vec<String> = serde_json::from_str(record_id).ok()?;
    (parts.len() == table.primary_key.len()).then_some(parts)
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name, as the catalogue has it.
    pub name: String,
    /// The number of the column in the catalogue, which renaming does not change.
    pub number: i32,
    /// The declared type, as the database prints it; on SQLite whatever stands in the definition, or nothing.
    pub type_name: String,
    /// How its values are written into an image.
    pub form: Form,
    /// Whether the database computes it, so that no one can write it.
    pub generated: bool,
}

/// How the values of a type are written into an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the database's own conversion to JSON writes it.
    Json,
    /// An array of a built-in type: as JSON, but as text where it does not begin at 1.
    Array,
    /// A JSON document: as it is, but marked where it would be mistaken for something else.
    Document,
    /// The same, of a type that keeps documents in a form of its own and prints them without white space around.
    BinaryDocument,
    /// As the type's output function prints it, for types that JSON or the user's own casts would change.
    Text,
    /// SQLite's: each value says of itself what it is.
    Dynamic,
    /// SQLite's: the number of the row, which is a whole number whatever is written.
    RowNumber,
}

impl Form {
    /// Whether the values are JSON documents themselves.
    pub fn is_document(self) -> bool {
        matches!(self, Form::Document | Form::BinaryDocument)
    }
}

/// A foreign key that points at a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name of the constraint; SQLite has none, and a description stands here.
    pub constraint: String,
    /// The table that holds the key, as its entries are filed.
    pub child: String,
    /// That table's name for use in SQL.
    pub child_sql_name: String,
    /// Its columns, and the columns of the parent that they point at, in the same order.
    pub columns: Vec<(String, String)>,
    /// What the schema says should happen to the child when the parent goes.
    pub on_delete: OnDelete,
    /// Of its columns, those that become null or their defaults then, where any do.
    pub set_columns: Vec<String>,
    /// Whether the database itself writes into the child when the columns that it points at change.
    pub on_update_writes: bool,
}

/// What a foreign key does to the referencing row when the row that it points at is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// It goes too, or stands in the way: either way, it cannot stay.
    Deleted,
    /// Its columns become null.
    SetNull,
    /// Its columns become their defaults.
    SetDefault,
}

/// What of a table is kept out of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Columns whose values are never recorded, only that they changed.
    pub redacted: Vec<String>,
    /// Columns that are not captured at all.
    pub ignored: Vec<String>,
}

impl Hidden {
    /// Whether only the fact of a change is recorded.
    pub fn is_redacted(&self, column: &str) -> bool {
        self.redacted.iter().any(|name| name == column)
    }

    /// Whether nothing at all is recorded.
    pub fn is_ignored(&self, column: &str) -> bool {
        self.ignored.iter().any(|name| name == column)
    }
}

/// What names no user where one is required, apart from blanks: nothing, and the text of JSON that is none.
pub(crate) const NOBODY: [&str; 5] = ["", "[]", "{}", "false", "true"];

/// How a table is captured, as far as that was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is kept out of the log.
    pub hidden: Hidden,
    /// Whether writes that carry no user are refused.
    pub requires_user: bool,
}

/// Whether the triggers in the database are those that this server would install today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// They are.
    Ok,
    /// One or all of them are gone, or the table is.
    Missing,
    /// One of them does not fire, or not for all that changes.
    Disabled,
    /// They are those of another definition of the table.
    Outdated,
}

impl Health {
    /// The health as the command line and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Ok => "OK",
            Health::Missing => "MISSING",
            Health::Disabled => "DISABLED",
            Health::Outdated => "OUTDATED",
        }
    }
}
