//! Pages and counts of the trash: by what is kept of it, exact to the last committed entry; by the log where nothing is
//! kept.

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, Order, QueryFilter, Select};

use super::connect::Database;
use super::error::failed;
use super::filter::column;
use super::log::{Beyond, Selection, Sequence, fetch, find, select_page};
use super::rollup::{Reading, Slice, Tail, Trash, statement};
use crate::audit::{Entry, Filter, PageRequest, PageSide, Position, Result};
use afterimage_entity::log::{Column, Entity};

/// The entries of a page and the one after, in the order in which they are walked.
pub(super) async fn page(database: &Database, selection: &Selection, request: &PageRequest) -> Result<Vec<Entry>> {
    let reading = Reading::begin(database).await?;
    let select = match &reading.tail {
        Some(tail) => {
            let select = select_kept(database, &reading, tail, &selection.filter, request).await?;
            reading.expect_little(database).await?;
            select
        }
        None => select_page(database, selection, request).await?,
    };
    let entries = fetch(&reading.transaction, select).await?;
    reading.end().await?;
    Ok(entries)
}

async fn select_kept(
    database: &Database,
    reading: &Reading,
    tail: &Tail,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Select<Entity>> {
    let dialect = database.dialect;
    let place = |place: Option<Position>, side| place.map(|place| Sequence::Clock.beyond(dialect, place, side));
    let beyond = [place(request.after, Beyond::Older), place(request.before, Beyond::Newer)];
    let beyond = beyond.into_iter().flatten().collect();
    let trash = Trash::of(dialect, &reading.transaction, tail, filter, beyond).await?;
    let (order, name) = match request.side {
        PageSide::First => (Order::Desc, "DESC"),
        PageSide::Last => (Order::Asc, "ASC"),
    };
    let ids = trash.ids(Slice { order: name, limit: request.size + 1, offset: request.offset });
    let chosen = dialect.sql("? IN (?)", vec![column(Column::Id), ids]);
    Ok(Sequence::Clock.ordered(find(dialect).filter(chosen), order))
}

/// Whether some of the trash that a filter chooses lies on that side of the place.
pub(super) async fn exists_beyond(
    database: &Database,
    filter: &Filter,
    place: Position,
    side: Beyond,
) -> Result<Option<bool>> {
    let reading = Reading::begin(database).await?;
    let Some(tail) = &reading.tail else {
        reading.end().await?;
        return Ok(None);
    };
    let beyond = vec![Sequence::Clock.beyond(database.dialect, place, side)];
    let trash = Trash::of(database.dialect, &reading.transaction, tail, filter, beyond).await?;
    let order = match side {
        Beyond::Newer => "ASC",
        Beyond::Older => "DESC",
    };
    let found = run(database, &reading, trash.ids(Slice { order, limit: 1, offset: 0 })).await?.is_some();
    reading.end().await?;
    Ok(Some(found))
}

/// How much of the trash a filter chooses; none where nothing is kept of it.
pub(super) async fn count(database: &Database, filter: &Filter) -> Result<Option<i64>> {
    let reading = Reading::begin(database).await?;
    let Some(tail) = &reading.tail else {
        reading.end().await?;
        return Ok(None);
    };
    let trash = Trash::of(database.dialect, &reading.transaction, tail, filter, Vec::new()).await?;
    let count = run(database, &reading, trash.count()).await?;
    reading.end().await?;
    Ok(Some(count.unwrap_or(0)))
}

/// The first number that a query gives.
async fn run(database: &Database, reading: &Reading, query: Expr) -> Result<Option<i64>> {
    reading.expect_little(database).await?;
    let row = reading.transaction.query_one_raw(statement(&reading.transaction, query)).await.map_err(failed)?;
    row.map(|row| row.try_get_by_index(0).map_err(failed)).transpose()
}
