//! What of a table decides which rows a REPLACE may delete: its identity and its unique keys.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::names::{catalogued, literal, same, unfiled};
use super::{definition, failed};
use crate::audit::{Error, Result};
use crate::capture::Table;

/// The names of a row's number, as far as no column takes them.
pub const ROW_NUMBERS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// What the triggers need to know of a table beyond its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The name by which SQLite's own row number can be had; none for a WITHOUT ROWID table.
    pub rowid: Option<String>,
    /// Everything that may be unique: the key, the constraints, the indexes.
    pub unique: Vec<UniqueKey>,
    /// Whether what foreign keys set when a row's key changes may lead back to that row.
    pub circle: bool,
    /// The defaults that a REPLACE puts in the place of a NULL, by column.
    pub fallbacks: Vec<(String, String)>,
    /// The columns that foreign keys may set in other rows of the table while a REPLACE deletes one.
    pub set_within: Vec<String>,
}

/// Columns or expressions that no two rows share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueKey {
    /// What is compared.
    pub terms: Vec<Term>,
    /// The condition of a partial index, as its definition has it.
    pub filter: Option<String>,
}

/// One part of a unique key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A column.
    Column {
        /// Its name.
        name: String,
        /// The collation by which values are equal.
        collation: String,
        /// The default that a REPLACE puts in the place of a NULL: only a NOT NULL column has one.
        fallback: Option<String>,
    },
    /// An expression over the columns.
    Expression {
        /// Its text in the index's definition.
        text: String,
        /// The collation by which values are equal.
        collation: String,
    },
}

/// Reads the shape of a table.
pub async fn shape(conn: &impl ConnectionTrait, table: &Table) -> Result<Shape> {
    let name = catalogued(&table.name);
    let with_rowid = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?",
        [name.as_str().into()],
    );
    let row = conn.query_one_raw(with_rowid).await.map_err(failed)?;
    let without = match row {
        Some(row) => row.try_get_by_index::<i64>(0).map_err(failed)? != 0,
        None => false,
    };
    let taken = |name: &str| table.columns.iter().any(|column| same(&column.name, name));
    let rowid = ROW_NUMBERS.into_iter().find(|name| !without && !taken(name)).map(str::to_owned);
    Ok(Shape {
        rowid,
        unique: unique_keys(conn, &name).await?,
        circle: is_in_circle(conn, &name).await?,
        fallbacks: fallbacks(conn, &name).await?,
        set_within: set_within(conn, &name).await?,
    })
}

/// What foreign keys do that sets a column when a row's key changes, and all that they do.
const ON_UPDATE: &str = "f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT')";
const ON_ANY: &str = "(f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
     OR f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))";

/// Whether the table `?1` refers to itself, directly or by way of others, by foreign keys that do so.
fn in_circle(does: &str) -> String {
    format!(
        "WITH RECURSIVE refers (child, parent) AS MATERIALIZED ( \
             SELECT t.name, f.\"table\" \
               FROM pragma_table_list AS t JOIN pragma_foreign_key_list(t.name, 'main') AS f \
              WHERE t.schema = 'main' AND t.type = 'table' AND {does}), \
         reached (name) AS ( \
             SELECT child FROM refers WHERE parent = ?1 COLLATE NOCASE \
             UNION SELECT refers.child FROM reached JOIN refers ON refers.parent = reached.name COLLATE NOCASE) \
         SELECT EXISTS (SELECT 1 FROM reached WHERE name = ?1 COLLATE NOCASE)"
    )
}

async fn is_in_circle(conn: &impl ConnectionTrait, table: &str) -> Result<bool> {
    let circle = Statement::from_sql_and_values(DbBackend::Sqlite, in_circle(ON_UPDATE), [table.into()]);
    let row = conn.query_one_raw(circle).await.map_err(failed)?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0).map_err(failed))
}

async fn set_within(conn: &impl ConnectionTrait, table: &str) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT DISTINCT f.\"from\" FROM pragma_foreign_key_list(?1, 'main') AS f WHERE {ON_ANY} AND ({}) ORDER BY 1",
        in_circle(ON_ANY)
    );
    let columns = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [table.into()]);
    let rows = conn.query_all_raw(columns).await.map_err(failed)?;
    rows.iter().map(|row| row.try_get_by_index(0).map_err(failed)).collect()
}

async fn fallbacks(conn: &impl ConnectionTrait, table: &str) -> Result<Vec<(String, String)>> {
    let columns = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "SELECT name, dflt_value FROM pragma_table_info(?1, 'main') \
          WHERE \"notnull\" AND dflt_value IS NOT NULL ORDER BY cid",
        [table.into()],
    );
    let rows = conn.query_all_raw(columns).await.map_err(failed)?;
    let pair =
        |row: &sea_orm::QueryResult| Ok((row.try_get_by_index(0)?, default_as_sql(row.try_get_by_index::<String>(1)?)));
    rows.iter().map(pair).collect::<Result<_, sea_orm::DbErr>>().map_err(failed)
}

/// A default as it can stand in a statement. A word, or a text in the quotes of a name, is a text where it is a default,
/// and would be a column elsewhere.
fn default_as_sql(default: String) -> String {
    const CONSTANTS: [&str; 6] = ["null", "true", "false", "current_time", "current_date", "current_timestamp"];
    let is_word = default.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && default.chars().all(|other| other.is_alphanumeric() || other == '_');
    if is_word && !CONSTANTS.iter().any(|constant| same(constant, &default)) {
        return literal(&default);
    }
    unfiled(&default).map_or(default, |text| literal(&text))
}

async fn unique_keys(conn: &impl ConnectionTrait, table: &str) -> Result<Vec<UniqueKey>> {
    let columns = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "SELECT i.name, m.sql, x.cid, x.name, x.coll, \
                CASE WHEN c.\"notnull\" THEN c.dflt_value END, i.\"partial\" \
           FROM pragma_index_list(?1, 'main') AS i \
           JOIN pragma_index_xinfo(i.name, 'main') AS x \
           LEFT JOIN pragma_table_xinfo(?1, 'main') AS c ON c.cid = x.cid \
           LEFT JOIN main.sqlite_master AS m ON m.type = 'index' AND m.name = i.name \
          WHERE i.\"unique\" AND x.\"key\" ORDER BY i.name, x.seqno",
        [table.into()],
    );
    let mut keys: Vec<(String, UniqueKey)> = Vec::new();
    for row in conn.query_all_raw(columns).await.map_err(failed)? {
        let index: String = row.try_get_by_index(0).map_err(failed)?;
        let sql: Option<String> = row.try_get_by_index(1).map_err(failed)?;
        let number: i32 = row.try_get_by_index(2).map_err(failed)?;
        let name: Option<String> = row.try_get_by_index(3).map_err(failed)?;
        let collation: String = row.try_get_by_index(4).map_err(failed)?;
        let fallback = row.try_get_by_index::<Option<String>>(5).map_err(failed)?.map(default_as_sql);
        let partial = row.try_get_by_index::<i64>(6).map_err(failed)? != 0;
        let parsed = sql.as_deref().and_then(definition::index);
        if keys.last().is_none_or(|(last, _)| *last != index) {
            let filter = parsed.as_ref().and_then(|parsed| parsed.filter.clone());
            if partial && filter.is_none() {
                return Err(unreadable(&index));
            }
            keys.push((index.clone(), UniqueKey { terms: Vec::new(), filter }));
        }
        let Some((_, key)) = keys.last_mut() else { continue };
        let term = match name {
            Some(name) if number >= 0 => Term::Column { name, collation, fallback },
            _ => {
                let text = parsed.and_then(|parsed| parsed.terms.get(key.terms.len()).cloned());
                Term::Expression { text: text.ok_or_else(|| unreadable(&index))?, collation }
            }
        };
        key.terms.push(term);
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// A REPLACE through such an index would delete rows unseen, so that the table is better not tracked.
fn unreadable(index: &str) -> Error {
    Error::bad_input(format!(
        "the definition of the unique index {index} cannot be understood, and what a REPLACE deletes because of it could \
         not be recorded; write it as a plain CREATE UNIQUE INDEX on columns or expressions"
    ))
}
