//! What lies on the shelves.

use afterimage_entity::stockroom::inventory;
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder};

use crate::audit::Result;
use crate::demo::office::Office;
use crate::demo::people;
use crate::store::failed;

/// Changes how many of a product a warehouse has.
pub(super) async fn change(rows: &impl ConnectionTrait, product: i32, warehouse: i32, by: i32) -> Result<()> {
    let there = inventory::Entity::update_many()
        .col_expr(inventory::Column::Quantity, Expr::col(inventory::Column::Quantity).add(by))
        .filter(inventory::Column::ProductId.eq(product))
        .filter(inventory::Column::WarehouseId.eq(warehouse))
        .exec(rows)
        .await
        .map_err(failed)?;
    if there.rows_affected == 0 {
        let row = inventory::ActiveModel {
            product_id: Set(product),
            warehouse_id: Set(warehouse),
            quantity: Set(by),
            shelf: Set(None),
        };
        row.insert(rows).await.map_err(failed)?;
    }
    Ok(())
}

async fn shelves(office: &Office) -> Result<Vec<inventory::Model>> {
    let rows = inventory::Entity::find()
        .order_by_asc(inventory::Column::ProductId)
        .order_by_asc(inventory::Column::WarehouseId);
    rows.all(&office.connection).await.map_err(failed)
}

/// Someone counts one to four shelves, and finds a few more or fewer.
pub(in crate::demo) async fn count(office: &mut Office) -> Result<bool> {
    let mut rows = shelves(office).await?;
    let who = people::stockroom(&mut office.dice);
    let request = office.begin(who, "Counted").await?;
    let mut counted = false;
    for _ in 0..office.dice.between(1, 4) {
        let Some(row) = office.dice.draw(&mut rows) else { break };
        let found = Ord::max(row.quantity + office.dice.between(-3, 2), 0);
        let row = inventory::ActiveModel {
            product_id: Unchanged(row.product_id),
            warehouse_id: Unchanged(row.warehouse_id),
            quantity: Set(found),
            ..Default::default()
        };
        row.update(&request.rows).await.map_err(failed)?;
        counted = true;
    }
    request.commit().await?;
    Ok(counted)
}

/// A product gets another shelf.
pub(in crate::demo) async fn tidy(office: &mut Office) -> Result<bool> {
    let mut rows = shelves(office).await?;
    let Some(row) = office.dice.draw(&mut rows) else { return Ok(false) };
    let shelf = shelf(office);
    let who = people::stockroom(&mut office.dice);
    let request = office.begin(who, format!("Put on {shelf}")).await?;
    let row = inventory::ActiveModel {
        product_id: Unchanged(row.product_id),
        warehouse_id: Unchanged(row.warehouse_id),
        shelf: Set(Some(shelf)),
        ..Default::default()
    };
    row.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// The name of a shelf.
pub(in crate::demo) fn shelf(office: &mut Office) -> String {
    let row = office.dice.one_of(&['A', 'B', 'C', 'D', 'E', 'F']);
    format!("{row}-{:02}", office.dice.between(1, 24))
}
