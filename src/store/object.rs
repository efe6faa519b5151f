//! The entries about one object, in the order of their ids, and as many of them as are asked for.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

use super::dialect::Dialect;
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

    /// Up to `limit` of them from this id downwards, the newest first, and none at or below `floor`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn down(
        &self,
        connection: &impl ConnectionTrait,
        from: i64,
        floor: i64,
        limit: u64,
    ) -> Result<Vec<Entry>> {
        let select = self.select().filter(Column::Id.lte(from)).filter(Column::Id.gt(floor));
        fetch(connection, select.order_by(Column::Id, Order::Desc).limit(limit)).await
    }

    /// Up to `limit` of them above this id, the oldest first, and none at or above `ceiling`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn up(
        &self,
        connection: &impl ConnectionTrait,
        above: i64,
        ceiling: i64,
        limit: u64,
    ) -> Result<Vec<Entry>> {
        let select = self.select().filter(Column::Id.gt(above)).filter(Column::Id.lt(ceiling));
        fetch(connection, select.order_by(Column::Id, Order::Asc).limit(limit)).await
    }

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
