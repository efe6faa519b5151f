//! The entries about one object, in the order of their ids, and as many of them as are asked for.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ColumnTrait, ConnectionTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

use super::dialect::Dialect;
use super::error::failed;
use super::log::{fetch, find};
use crate::audit::{Action, Entry, Result};
use afterimage_entity::log::{Column, Entity};

/// Whether the entry is about one of these objects of a table, said so that the index of objects finds it.
pub fn about(dialect: &dyn Dialect, table_name: &str, record_ids: &[&str]) -> Expr {
    let record_ids: Vec<String> = record_ids.iter().map(|&id| id.to_owned()).collect();
    Column::TableName.eq(table_name).and(dialect.has_record(&record_ids))
}

/// What the log tells of the states of one object: its changes, and the rows that were there when tracking began.
pub struct Changes<'a> {
    /// The SQL of the log.
    pub dialect: &'static dyn Dialect,
    /// The object's table.
    pub table_name: &'a str,
    /// The object's key.
    pub record_id: &'a str,
    /// Whether entries count that anyone made by hand.
    pub untrusted: bool,
}

/// A way through the entries about an object, by their ids.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// From this one downwards, and not to the second or beyond it.
    Down(i64, i64),
    /// From the one after this upwards, and not to the second or beyond it.
    Up(i64, i64),
}

impl Way {
    fn limit(self, select: Select<Entity>) -> Select<Entity> {
        match self {
            Way::Down(from, floor) => {
                let within = select.filter(Column::Id.lte(from)).filter(Column::Id.gt(floor));
                within.order_by(Column::Id, Order::Desc)
            }
            Way::Up(above, ceiling) => {
                let within = select.filter(Column::Id.gt(above)).filter(Column::Id.lt(ceiling));
                within.order_by(Column::Id, Order::Asc)
            }
        }
    }

    /// The same way to this entry, and no further.
    fn up_to(self, end: i64) -> Way {
        match self {
            Way::Down(from, _) => Way::Down(from, end - 1),
            Way::Up(above, _) => Way::Up(above, end + 1),
        }
    }
}

/// A stretch of an object's history.
pub struct Stretch {
    /// Its entries, in the order of the way.
    pub entries: Vec<Entry>,
    /// Where it ends; none where nothing lies beyond it.
    pub end: Option<i64>,
}

/// How many entries of a long stretch are fetched at the most: the first may tell all that is asked.
const TELLING: u64 = 64;

impl Changes<'_> {
    /// The last one, by id, that was recorded at this instant or before; the very last where none is given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn last(
        &self,
        connection: &impl ConnectionTrait,
        instant: Option<DateTime<Utc>>,
    ) -> Result<Option<Entry>> {
        let select = match instant {
            Some(instant) => self.select().filter(self.dialect.recorded_by(instant)),
            None => self.select(),
        };
        let last = select.order_by(Column::Id, Order::Desc).limit(1);
        Ok(fetch(connection, last).await?.pop())
    }

    /// The next stretch on the way, `length` entries long. Where columns are given, only those of its entries that say
    /// anything of one of them, or of the whole row.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn stretch(
        &self,
        connection: &impl ConnectionTrait,
        way: Way,
        length: u64,
        columns: Option<&[&str]>,
    ) -> Result<Stretch> {
        let all = way.limit(self.select());
        let Some(columns) = columns else {
            let entries = fetch(connection, all.limit(length)).await?;
            let end = (entries.len() as u64 == length).then(|| entries.last().map(|entry| entry.id)).flatten();
            return Ok(Stretch { entries, end });
        };
        let last = all.clone().select_only().column(Column::Id).offset(length - 1).limit(1);
        let end: Option<i64> = last.into_tuple().one(connection).await.map_err(failed)?;
        let within = end.map_or(way, |end| way.up_to(end));
        let telling = within.limit(self.select()).filter(self.tells_of(columns)).limit(TELLING);
        let entries = fetch(connection, telling).await?;
        let cut = (entries.len() as u64 == TELLING).then(|| entries.last().map(|entry| entry.id)).flatten();
        Ok(Stretch { entries, end: cut.or(end) })
    }

    fn tells_of(&self, columns: &[&str]) -> Condition {
        let images = [Column::OldValues, Column::NewValues, Column::Redacted];
        let fields = images.map(|image| self.dialect.has_field(image, columns)).into_iter();
        fields.fold(Condition::any().add(Column::Action.ne(Action::Update.as_str())), Condition::add)
    }

    /// All of them, in no order.
    fn select(&self) -> Select<Entity> {
        let changes = [Action::Create, Action::Update, Action::Delete].map(Action::as_str);
        // A READ with an image is the record of a row that was there when tracking began.
        let baseline =
            Column::Action.eq(Action::Read.as_str()).and(Column::NewValues.is_not_null()).and(Column::Trusted.eq(true));
        let select = find(self.dialect)
            .filter(about(self.dialect, self.table_name, &[self.record_id]))
            .filter(Column::Action.is_in(changes).or(baseline));
        if self.untrusted { select } else { select.filter(Column::Trusted.eq(true)) }
    }
}
