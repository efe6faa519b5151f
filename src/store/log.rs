//! Finding entries: pages, single ones, counts.

use std::sync::LazyLock;

use sea_orm::sea_query::{Alias, Condition, Expr, IntoTableRef, Query, SelectStatement, TableRef};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select, Statement,
};

use super::connect::Database;
use super::dialect::Dialect;
use super::error::failed;
use super::filter::{Prepared, beside, column};
use super::rollup::{believed, is_change, same_object};
use super::row::{COLUMNS, entry_of_result};
use super::summary::{Part, summary};
use super::trash;
use crate::audit::{Entry, Filter, PageRequest, PageSide, Position, Result};
use afterimage_entity::log::{Column, Entity};
use afterimage_entity::text::Text;

/// Which entries a list is made of.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Those that this filter means.
    pub filter: Filter,
    /// Of those, only the deletions that are an object's last change.
    pub trash: bool,
    /// How they follow each other.
    pub sequence: Sequence,
}

/// What decides which of two entries is the more recent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sequence {
    /// The clock; of one instant, the id.
    #[default]
    Clock,
    /// The id. Those of one object are given under its row's lock: a clock that steps back inverts nothing.
    Id,
}

impl Selection {
    /// The entries that a filter means.
    pub fn of(filter: Filter) -> Selection {
        Selection { filter, trash: false, sequence: Sequence::Clock }
    }

    /// The deletions in the trash that a filter means.
    pub fn of_trash(filter: Filter) -> Selection {
        Selection { trash: true, ..Selection::of(filter) }
    }

    /// The entries about one object that a filter means. They follow each other as they were written, as for whatever
    /// else is told of one object.
    pub fn of_object(table_name: String, record_id: String, filter: Filter) -> Selection {
        let filter = Filter::object(table_name, record_id).and(filter);
        Selection { sequence: Sequence::Id, ..Selection::of(filter) }
    }
}

/// Which side of a place is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// More recent than the place.
    Newer,
    /// Older than the place.
    Older,
}

/// A selection of no column yet. [`Entity::find`] writes out all that the entity has, which each statement would pay for
/// and take back.
static NO_COLUMNS: LazyLock<Select<Entity>> = LazyLock::new(|| Entity::find().select_only());

/// The log under its alias, whatever the database calls it. Which columns are read, [`entries`] says, or who asks for
/// others.
pub(super) fn find(dialect: &dyn Dialect) -> Select<Entity> {
    let mut select = NO_COLUMNS.clone();
    let table = table_ref(dialect);
    sea_orm::QuerySelect::query(&mut select).from_clear().from(table);
    select
}

/// The statement that selects all entries, for a condition on `log` to follow: for who reads on a connection of its own.
pub fn select_entries(database: &Database) -> String {
    database.writer.get_database_backend().build(&entries(find(database.dialect))).sql
}

/// The statement that reads the entries which a statement selects.
pub(super) fn entries(select: Select<Entity>) -> SelectStatement {
    let mut query = select.into_query();
    query.clear_selects().expr(Expr::cust(COLUMNS));
    query
}

/// The table of the log, named `log` in the statement.
fn table_ref(dialect: &dyn Dialect) -> TableRef {
    named_log(&dialect.table("log"))
}

/// A table that has columns of the log, named `log` in the statement.
fn named_log(table: &str) -> TableRef {
    match table.split_once('.') {
        Some((schema, table)) => (Alias::new(schema), Alias::new(table)).into_table_ref().alias("log"),
        None => Alias::new(table).into_table_ref().alias("log"),
    }
}

async fn condition(database: &Database, selection: &Selection) -> Result<Condition> {
    let prepared = Prepared::of(database.dialect, &database.reader, &selection.filter).await?;
    let beside = if selection.sequence == Sequence::Clock { beside(&selection.filter) } else { None };
    let filter = Condition::all()
        .add(prepared.condition(database.dialect))
        .add_option(beside.map(|range| Prepared::plain(&range).condition(database.dialect)));
    Ok(if selection.trash { filter.add(is_in_trash(database.dialect)) } else { filter })
}

/// A deletion after which nothing was done to the object. Half of a key's change is none; and an entry that someone
/// made by hand says nothing about a table whose changes are captured.
pub(super) fn is_in_trash(dialect: &dyn Dialect) -> Condition {
    let log = dialect.table("log");
    Condition::all()
        .add(Column::Action.eq("DELETE"))
        .add(Column::PreviousRecordId.is_null())
        .add(Column::RecordId.is_not_null())
        .add(Expr::cust(believed(dialect, "log")))
        .add(Expr::cust(format!(
            "NOT EXISTS (SELECT 1 FROM {log} AS later WHERE {} AND later.id > log.id AND {} AND {})",
            same_object(dialect, "later", "log"),
            is_change("later"),
            believed(dialect, "later")
        )))
}

/// The entries of a page, the most recent first, and whether more lie beyond its far end.
///
/// # Errors
/// Where the database fails.
pub async fn page(database: &Database, selection: &Selection, request: &PageRequest) -> Result<(Vec<Entry>, bool)> {
    let mut entries = match selection.trash {
        true => trash::page(database, selection, request).await?,
        false => fetch(&database.reader, select_page(database, selection, request).await?).await?,
    };
    let more = entries.len() as u64 > request.size;
    entries.truncate(request.size as usize);
    if request.side == PageSide::Last {
        entries.reverse();
    }
    Ok((entries, more))
}

/// The statement by which a page is read of the log itself: for who asks the database how it would go about it.
///
/// # Errors
/// Where the database fails.
pub async fn page_statement(database: &Database, selection: &Selection, request: &PageRequest) -> Result<Statement> {
    let select = select_page(database, selection, request).await?;
    Ok(database.reader.get_database_backend().build(&entries(select)))
}

pub(super) async fn select_page(
    database: &Database,
    selection: &Selection,
    request: &PageRequest,
) -> Result<Select<Entity>> {
    let order = match request.side {
        PageSide::First => Order::Desc,
        PageSide::Last => Order::Asc,
    };
    let mut select = find(database.dialect).filter(condition(database, selection).await?);
    if let Some(after) = request.after {
        select = select.filter(selection.sequence.beyond(database.dialect, after, Beyond::Older));
    }
    if let Some(before) = request.before {
        select = select.filter(selection.sequence.beyond(database.dialect, before, Beyond::Newer));
    }
    let mut select = selection.sequence.ordered(select, order.clone()).limit(request.size + 1);
    if request.offset > 0 {
        // The skipped rows are walked in the index alone; only the page's own are fetched.
        let ids = select.offset(request.offset).select_only().column(Column::Id).into_query();
        select = selection.sequence.ordered(find(database.dialect).filter(Column::Id.in_subquery(ids)), order);
    }
    Ok(select)
}

/// Whether entries of the selection lie on that side of the place.
///
/// # Errors
/// Where the database fails.
pub async fn exists_beyond(database: &Database, selection: &Selection, place: Position, side: Beyond) -> Result<bool> {
    if selection.trash
        && let Some(exists) = trash::exists_beyond(database, &selection.filter, place, side).await?
    {
        return Ok(exists);
    }
    let beyond = find(database.dialect)
        .filter(condition(database, selection).await?)
        .filter(selection.sequence.beyond(database.dialect, place, side));
    // The one that lies next to the place: without an order, the planner may look for one from the far end.
    let order = match side {
        Beyond::Newer => Order::Asc,
        Beyond::Older => Order::Desc,
    };
    let select = selection.sequence.ordered(beyond, order).select_only().expr(Expr::cust("1")).limit(1);
    let statement = database.reader.get_database_backend().build(select.as_query());
    Ok(database.reader.query_one_raw(statement).await.map_err(failed)?.is_some())
}

/// How many entries the selection holds.
///
/// # Errors
/// Where the database fails.
pub async fn count(database: &Database, selection: &Selection) -> Result<i64> {
    if !selection.trash {
        return Ok(summary(database, &selection.filter, &[Part::Total]).await?.total());
    }
    if let Some(count) = trash::count(database, &selection.filter).await? {
        return Ok(count);
    }
    let select = find(database.dialect)
        .filter(condition(database, selection).await?)
        .select_only()
        .column_as(Expr::cust("count(*)"), "count");
    let count: Option<i64> = select.into_tuple().one(&database.reader).await.map_err(failed)?;
    Ok(count.unwrap_or(0))
}

/// The entries of these ids, in no order.
///
/// # Errors
/// Where the database fails.
pub async fn by_ids(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Vec<Entry>> {
    fetch(connection, find(dialect).filter(Column::Id.is_in(ids))).await
}

/// The entry of this id.
///
/// # Errors
/// Where the database fails.
pub async fn by_id(database: &Database, id: i64) -> Result<Option<Entry>> {
    database.singles.read(id).await
}

/// Of each of these entries, the latest that undoes it. Which these are is asked first: most entries are never undone.
///
/// # Errors
/// Where the database fails.
pub async fn latest_undo_of(database: &Database, ids: &[i64]) -> Result<Vec<Entry>> {
    let latest = Query::select()
        .expr(column(Column::Id).max())
        .from(named_log(database.dialect.reversals()))
        .and_where(database.dialect.undoes(ids))
        .add_group_by([column(Column::UndoOf)])
        .take();
    let statement = database.reader.get_database_backend().build(&latest);
    let rows = database.reader.query_all_raw(statement).await.map_err(failed)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let latest = rows.iter().map(|row| row.try_get_by_index(0).map_err(failed)).collect::<Result<Vec<i64>>>()?;
    by_ids(database.dialect, &database.reader, latest).await
}

/// The entries of one transaction, in the order written.
///
/// # Errors
/// Where the database fails.
pub async fn by_transaction(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    transaction_id: &str,
) -> Result<Vec<Entry>> {
    let select = find(dialect).filter(dialect.in_transaction(transaction_id)).order_by(Column::Id, Order::Asc);
    fetch(connection, select).await
}

impl Sequence {
    pub(super) fn ordered(self, select: Select<Entity>, order: Order) -> Select<Entity> {
        match self {
            Sequence::Clock => select.order_by(Column::Timestamp, order.clone()).order_by(Column::Id, order),
            Sequence::Id => select.order_by(Column::Id, order),
        }
    }

    /// A comparison of rows, or of ids, which both databases answer from the index.
    pub(super) fn beyond(self, dialect: &dyn Dialect, place: Position, side: Beyond) -> Expr {
        let (key, place) = match self {
            Sequence::Clock => (
                Expr::tuple([column(Column::Timestamp), column(Column::Id)]),
                Expr::tuple([dialect.place(place.timestamp, side), Expr::val(place.id)]),
            ),
            Sequence::Id => (column(Column::Id), Expr::val(place.id)),
        };
        match side {
            Beyond::Newer => key.gt(place),
            Beyond::Older => key.lt(place),
        }
    }
}

pub(super) async fn fetch(connection: &impl ConnectionTrait, select: Select<Entity>) -> Result<Vec<Entry>> {
    let statement = connection.get_database_backend().build(&entries(select));
    connection.query_all_raw(statement).await.map_err(failed)?.iter().map(entry_of_result).collect()
}

/// The entry of the greatest id that meets a condition on the log's columns.
///
/// # Errors
/// Where the database fails.
pub async fn latest(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    condition: Expr,
) -> Result<Option<Entry>> {
    Ok(fetch(connection, select_latest(dialect, condition)).await?.pop())
}

/// The statement by which that entry is read: for who asks the database how it would go about it.
pub fn latest_statement(database: &Database, condition: Expr) -> Statement {
    database.reader.get_database_backend().build(&entries(select_latest(database.dialect, condition)))
}

fn select_latest(dialect: &dyn Dialect, condition: Expr) -> Select<Entity> {
    find(dialect).filter(condition).order_by(Column::Id, Order::Desc).limit(1)
}

/// The entries that meet a condition on the log's columns, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub async fn matching(dialect: &dyn Dialect, connection: &impl ConnectionTrait, condition: Expr) -> Result<Vec<Entry>> {
    fetch(connection, find(dialect).filter(condition).order_by(Column::Id, Order::Asc)).await
}

/// At most so many entries of one transaction, in the order written.
///
/// # Errors
/// Where the database fails.
pub async fn some_of_transaction(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    transaction_id: &str,
    limit: u64,
) -> Result<Vec<Entry>> {
    let select = find(dialect).filter(dialect.in_transaction(transaction_id)).order_by(Column::Id, Order::Asc);
    fetch(connection, select.limit(limit)).await
}

/// The most recent entries that meet a condition on the log's columns, the latest first, at most so many.
///
/// # Errors
/// Where the database fails.
pub async fn most_recent(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    condition: Expr,
    limit: u64,
) -> Result<Vec<Entry>> {
    let select = find(dialect).filter(condition).order_by(Column::Id, Order::Desc).limit(limit);
    fetch(connection, select).await
}

/// Of each object of which an entry meets the condition: the object's record id, and the greatest id of such an entry.
///
/// # Errors
/// Where the database fails.
pub async fn latest_by_object(
    dialect: &dyn Dialect,
    connection: &impl ConnectionTrait,
    condition: Expr,
) -> Result<Vec<(String, i64)>> {
    let select = Query::select()
        .expr(column(Column::RecordId))
        .expr(column(Column::Id).max())
        .from(table_ref(dialect))
        .and_where(condition)
        .add_group_by([column(Column::RecordId)])
        .take();
    let statement = connection.get_database_backend().build(&select);
    let rows = connection.query_all_raw(statement).await.map_err(failed)?;
    rows.iter()
        .map(|row| {
            let id: Text = row.try_get_by_index(0).map_err(failed)?;
            Ok((id.into(), row.try_get_by_index(1).map_err(failed)?))
        })
        .collect()
}
