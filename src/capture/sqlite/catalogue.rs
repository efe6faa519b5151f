//! The catalogue: which tables there are, what their columns are, and what points at them.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::failed;
use super::names::{catalogued, filed, identifier, is_reserved, same, unfiled};
use crate::audit::{Error, Result};
use crate::capture::{Column, Form, OnDelete, Reference, Table};

/// The user's tables, by the names under which their entries are filed, in order; also virtual ones, which cannot be
/// tracked, so that whoever tracks all is told.
pub async fn list(conn: &impl ConnectionTrait) -> Result<Vec<String>> {
    let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') ORDER BY name";
    let names: Vec<String> = query(conn, sql, []).await?.iter().map(text).collect::<Result<_>>()?;
    Ok(names.iter().filter(|name| !is_reserved(name)).map(|name| filed(name)).collect())
}

/// The table that is filed, or called, so. SQLite tells no case apart in names; the catalogue's spelling is returned.
pub async fn describe(conn: &impl ConnectionTrait, name: &str) -> Result<Table> {
    let found = match unfiled(name) {
        Some(bare) => kind_of(conn, &bare).await?,
        None => None,
    };
    let found = match found {
        None => kind_of(conn, name).await?,
        found => found,
    };
    let Some((bare, kind)) = found else {
        return Err(Error::not_found(format!("there is no table {name} in the database")));
    };
    let refuse = |why: &str| Err(Error::bad_input(format!("{bare} cannot be tracked: {why}")));
    if is_reserved(&bare) {
        return refuse("it belongs to SQLite or to Afterimage itself; name a table of your own");
    }
    match kind.as_str() {
        "table" => {}
        "view" => return refuse("it is a view, which holds no rows; track the tables that it reads"),
        _ => {
            return refuse(
                "it belongs to a virtual table, on which SQLite allows no triggers; track an ordinary table",
            );
        }
    }
    let (columns, primary_key) = columns(conn, &bare).await?;
    if primary_key.is_empty() {
        return refuse(
            "it has no PRIMARY KEY, so that no record of it could be told from another; give it one (SQLite: make a new \
             table with a key, copy the rows, and rename it)",
        );
    }
    Ok(Table {
        name: filed(&bare),
        sql_name: identifier(&bare),
        relation: None,
        owner: None,
        partitioned: false,
        columns,
        primary_key,
    })
}

/// The foreign keys of all tables, tracked or not, that point at this one.
pub async fn references(conn: &impl ConnectionTrait, table: &Table) -> Result<Vec<Reference>> {
    let sql = "SELECT t.name, f.id, f.\"from\", f.\"to\", f.seq, f.on_delete, f.on_update \
                 FROM pragma_table_list AS t JOIN pragma_foreign_key_list(t.name, 'main') AS f \
                WHERE t.schema = 'main' AND t.type = 'table' AND f.\"table\" = ? COLLATE NOCASE \
                ORDER BY t.name, f.id, f.seq";
    let rows = query(conn, sql, [catalogued(&table.name).into()]).await?;
    let mut found: Vec<((String, i64), Reference)> = Vec::new();
    for row in &rows {
        let child = text(row)?;
        let number: i64 = row.try_get_by_index(1).map_err(failed)?;
        let from: String = row.try_get_by_index(2).map_err(failed)?;
        let to: Option<String> = row.try_get_by_index(3).map_err(failed)?;
        let place: i64 = row.try_get_by_index(4).map_err(failed)?;
        let on_delete: String = row.try_get_by_index(5).map_err(failed)?;
        let on_update: String = row.try_get_by_index(6).map_err(failed)?;
        if is_reserved(&child) {
            continue;
        }
        let parent = match &to {
            // The clause may spell the column in another case than the table does.
            Some(to) => table.columns.iter().map(|column| &column.name).find(|name| same(name, to)),
            None => usize::try_from(place).ok().and_then(|place| table.primary_key.get(place)),
        };
        // A foreign key that names no column of the parent is a mistake of the schema's that SQLite reports on writing.
        let Some(parent) = parent.cloned() else { continue };
        let id = (child, number);
        if found.last().is_none_or(|(last, _)| *last != id) {
            let reference = Reference {
                constraint: String::new(),
                child: filed(&id.0),
                child_sql_name: identifier(&id.0),
                columns: Vec::new(),
                on_delete: match on_delete.as_str() {
                    "SET NULL" => OnDelete::SetNull,
                    "SET DEFAULT" => OnDelete::SetDefault,
                    _ => OnDelete::Deleted,
                },
                set_columns: Vec::new(),
                on_update_writes: matches!(on_update.as_str(), "CASCADE" | "SET NULL" | "SET DEFAULT"),
            };
            found.push((id, reference));
        }
        if let Some((_, reference)) = found.last_mut() {
            reference.set_columns.push(from.clone());
            reference.columns.push((from, parent));
        }
    }
    Ok(found.into_iter().map(|(_, reference)| described(reference)).collect())
}

/// SQLite does not tell the names of foreign keys: what they are stands for them.
fn described(mut reference: Reference) -> Reference {
    let columns: Vec<_> = reference.columns.iter().map(|(from, _)| from.as_str()).collect();
    reference.constraint = format!("foreign key of {} ({})", reference.child, columns.join(", "));
    reference
}

/// The catalogue's spelling of the name in the main database, and what bears it.
async fn kind_of(conn: &impl ConnectionTrait, name: &str) -> Result<Option<(String, String)>> {
    let sql = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE";
    match query(conn, sql, [name.into()]).await?.first() {
        Some(row) => Ok(Some((text(row)?, row.try_get_by_index(1).map_err(failed)?))),
        None => Ok(None),
    }
}

/// The columns in table order, and the names of those that make the key, in its order.
async fn columns(conn: &impl ConnectionTrait, name: &str) -> Result<(Vec<Column>, Vec<String>)> {
    // A hidden column of kind 1 is a virtual table's; 2 and 3 are generated ones.
    // An INTEGER PRIMARY KEY is the row's number, unless it has an index: WITHOUT ROWID, or declared with DESC.
    let sql = "SELECT c.name, c.cid, c.type, c.hidden, c.pk, \
                      c.pk = 1 AND c.type = 'INTEGER' COLLATE NOCASE \
                      AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1, 'main') WHERE origin = 'pk') \
                      AND (SELECT count(*) FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0) = 1 \
                 FROM pragma_table_xinfo(?1, 'main') AS c WHERE c.hidden <> 1 ORDER BY c.cid";
    let mut columns = Vec::new();
    let mut key = Vec::new();
    for row in query(conn, sql, [name.into()]).await? {
        let column = Column {
            name: text(&row)?,
            number: row.try_get_by_index(1).map_err(failed)?,
            type_name: row.try_get_by_index(2).map_err(failed)?,
            form: if row.try_get_by_index(5).map_err(failed)? { Form::RowNumber } else { Form::Dynamic },
            generated: row.try_get_by_index::<i64>(3).map_err(failed)? != 0,
        };
        let place: i64 = row.try_get_by_index(4).map_err(failed)?;
        if place > 0 {
            key.push((place, column.name.clone()));
        }
        columns.push(column);
    }
    key.sort();
    Ok((columns, key.into_iter().map(|(_, name)| name).collect()))
}

async fn query<const N: usize>(conn: &impl ConnectionTrait, sql: &str, values: [Value; N]) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
    conn.query_all_raw(statement).await.map_err(failed)
}

/// The first column of a row, which is a name everywhere here.
fn text(row: &QueryResult) -> Result<String> {
    row.try_get_by_index(0).map_err(failed)
}
