//! What PostgreSQL's catalogue says of a table.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::name;
use crate::audit::{Code, Error, Result};
use crate::capture::table::{Column, Form, OnDelete, Reference, Table};
use crate::store::failed;

/// When values that a type calls equal have the same bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Equality {
    /// Always, to this collation.
    To(&'static str),
    /// Where they have as many digits behind the point.
    AndScale,
}

/// A table, and what decides how its triggers look.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// The table.
    pub(crate) table: Table,
    /// Settings of the session that would change how its values are printed, each as `name = value`: capture pins them.
    pub(super) settings: Vec<&'static str>,
    /// Whether INSERT and DELETE are recorded row by row. A statement's triggers fire after all of its rows', so that
    /// beside row triggers that write they would record the effects before the cause, and some changes pass them by.
    pub(super) row_level: bool,
    /// Whether its rows are changed without a statement on the table itself, by one on a table from which it inherits or
    /// by a subscription: its statement triggers are passed by then.
    pub(super) passed_by: bool,
    /// Whether another AFTER ROW trigger fires before ours, so that what it does is recorded before its cause.
    pub(super) preceded: bool,
    /// The columns of which the type's own notion of equality tells whether two values have the same bytes.
    pub(super) by_bytes: Vec<(String, Equality)>,
    /// What the generated code depends on, in short: the columns' numbers, names and types, and the key.
    pub(super) shape: String,
    /// The columns by whose values rows go to one partition or another, on every level.
    pub(super) partition_keys: Vec<String>,
    /// The partitions below it, for SQL.
    pub(super) partitions: Vec<String>,
    /// Where the statements of the role that owns it look for names without a schema.
    pub(super) search_path: String,
}

pub(super) async fn rows(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    connection.query_all_raw(statement).await.map_err(failed)
}

fn get<T: sea_orm::TryGetable>(row: &QueryResult, column: &str) -> Result<T> {
    row.try_get("", column).map_err(failed)
}

/// The tables that could be tracked, of one schema or of all.
pub(crate) async fn list(connection: &impl ConnectionTrait, schema: Option<&str>) -> Result<Vec<String>> {
    let rows = rows(connection, include_str!("list.sql"), [schema.into()]).await?;
    rows.iter().map(|row| Ok(name::filed(&get::<String>(row, "schema")?, &get::<String>(row, "name")?))).collect()
}

/// What the catalogue says of the table of this name.
pub(crate) async fn describe(connection: &impl ConnectionTrait, named: &str) -> Result<Relation> {
    let unknown = || Error::not_found(format!("there is no table {named:?} in the database"));
    let (schema, table) = name::parse(named).ok_or_else(unknown)?;
    let found = rows(connection, include_str!("table.sql"), [schema.clone().into(), table.clone().into()]).await?;
    let found = found.first().ok_or_else(unknown)?;
    let filed = name::filed(&schema, &table);
    let refused = |why: &str| Error::bad_input(format!("{filed:?} cannot be tracked: {why}"));
    if schema == "afterimage" || schema == "information_schema" || schema.starts_with("pg_") {
        return Err(refused("it is not one of the application's tables"));
    }
    if get::<bool>(found, "temporary")? {
        return Err(refused("it is temporary"));
    }
    if let Some(root) = get::<Option<String>>(found, "root")? {
        return Err(refused(&format!("it is a partition; track {root} instead, which takes its partitions along")));
    }
    let kind: String = get(found, "kind")?;
    if kind != "r" && kind != "p" {
        return Err(refused("it is no table; track the tables behind it"));
    }
    let relation: i64 = get(found, "relation")?;
    let columns = rows(connection, include_str!("columns.sql"), [relation.into()]).await?;
    let columns = columns.iter().map(Described::of).collect::<Result<Vec<_>>>()?;
    let mut keys: Vec<(i32, String)> =
        columns.iter().filter_map(|column| Some((column.key?, column.column.name.clone()))).collect();
    keys.sort_unstable();
    if keys.is_empty() {
        return Err(refused("it has no primary key, so that its rows cannot be told apart; add one"));
    }
    let mut settings: Vec<&'static str> = columns.iter().flat_map(Described::settings).collect();
    settings.sort_unstable();
    settings.dedup();
    let by_bytes = columns.iter().filter_map(|column| Some((column.column.name.clone(), column.by_bytes()?))).collect();
    let partitions: Vec<String> = get(found, "partitions")?;
    Ok(Relation {
        settings,
        by_bytes,
        row_level: get(found, "row_level")?,
        passed_by: get(found, "passed_by")?,
        preceded: get(found, "preceded")?,
        partition_keys: get(found, "partition_keys")?,
        shape: get::<Option<String>>(found, "shape")?.unwrap_or_default(),
        partitions,
        search_path: get(found, "search_path")?,
        table: Table {
            name: filed,
            sql_name: get(found, "sql_name")?,
            relation: Some(relation),
            owner: Some(get(found, "owner")?),
            partitioned: kind == "p",
            columns: columns.into_iter().map(|column| column.column).collect(),
            primary_key: keys.into_iter().map(|(_, name)| name).collect(),
        },
    })
}

/// The foreign keys that point at the table.
pub(crate) async fn references(connection: &impl ConnectionTrait, table: &Table) -> Result<Vec<Reference>> {
    let rows = rows(connection, include_str!("references.sql"), [table.relation.into()]).await?;
    rows.iter()
        .map(|row| {
            let child_columns: Vec<String> = get(row, "child_columns")?;
            let parent_columns: Vec<String> = get(row, "parent_columns")?;
            let on_delete = match get::<String>(row, "on_delete")?.as_str() {
                "n" => OnDelete::SetNull,
                "d" => OnDelete::SetDefault,
                "a" | "r" | "c" => OnDelete::Deleted,
                other => return Err(Error::internal(format!("foreign key action {other:?}"))),
            };
            let mut set_columns: Vec<String> = get(row, "set_columns")?;
            if set_columns.is_empty() {
                set_columns.clone_from(&child_columns);
            }
            Ok(Reference {
                set_columns,
                on_update_writes: get(row, "on_update_writes")?,
                constraint: get(row, "name")?,
                child: name::filed(&get::<String>(row, "schema")?, &get::<String>(row, "child")?),
                child_sql_name: get(row, "sql_name")?,
                columns: child_columns.into_iter().zip(parent_columns).collect(),
                on_delete,
            })
        })
        .collect()
}

/// A column, and what only the generator needs to know of it.
struct Described {
    column: Column,
    key: Option<i32>,
    /// The type's name without a domain's clothes.
    base: String,
}

impl Described {
    fn of(row: &QueryResult) -> Result<Described> {
        let form = match get::<String>(row, "form")?.as_str() {
            "document" => Form::Document,
            "binary document" => Form::BinaryDocument,
            "array" => Form::Array,
            "json" => Form::Json,
            "text" => Form::Text,
            other => return Err(Error::new(Code::Internal, format!("unknown form {other}"))),
        };
        Ok(Described {
            column: Column {
                name: get(row, "name")?,
                number: get(row, "number")?,
                type_name: get(row, "type_name")?,
                form,
                generated: get(row, "generated")?,
            },
            key: get(row, "key")?,
            base: get(row, "base")?,
        })
    }

    /// When values that the type calls equal have the same bytes, if that can be told.
    fn by_bytes(&self) -> Option<Equality> {
        match self.base.as_str() {
            "smallint"
            | "integer"
            | "bigint"
            | "boolean"
            | "oid"
            | "uuid"
            | "date"
            | "bytea"
            | "timestamp without time zone"
            | "timestamp with time zone"
            | "time without time zone" => Some(Equality::To("")),
            "text" | "character varying" => Some(Equality::To(" COLLATE pg_catalog.\"C\"")),
            "numeric" => Some(Equality::AndScale),
            _ => None,
        }
    }

    /// The settings under which a value of this type is printed differently. Only columns of such types pay for having
    /// them pinned.
    fn settings(&self) -> Vec<&'static str> {
        const DATES: &str = "\"DateStyle\" = 'ISO, YMD'";
        const ZONE: &str = "\"TimeZone\" = 'UTC'";
        const FLOATS: &str = "extra_float_digits = '1'";
        const INTERVALS: &str = "\"IntervalStyle\" = 'postgres'";
        const BYTES: &str = "bytea_output = 'hex'";
        const MONEY: &str = "lc_monetary = 'C'";
        const NAMES: &str = "quote_all_identifiers = 'off'";
        let every = vec![DATES, ZONE, FLOATS, INTERVALS, BYTES, MONEY, NAMES];
        if matches!(self.column.form, Form::Text | Form::Array) {
            return every;
        }
        match self.base.as_str() {
            // Only a key is printed outside of JSON, which knows one format.
            "timestamp with time zone" if self.key.is_none() => vec![ZONE],
            "timestamp with time zone" => vec![DATES, ZONE],
            "date" | "timestamp without time zone" if self.key.is_some() => vec![DATES],
            "real" | "double precision" | "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" => {
                vec![FLOATS]
            }
            "interval" => vec![INTERVALS],
            "bytea" => vec![BYTES],
            "money" => vec![MONEY],
            base if base.ends_with("range") => every,
            // regclass and its like.
            base if base.starts_with("reg") => vec![NAMES],
            _ => Vec::new(),
        }
    }
}
