//! Bookings: goods come, go, and move from one warehouse to another.

use afterimage_entity::stockroom::{inventory, movements, products, transactions, warehouses};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::stock;
use crate::audit::Result;
use crate::demo::office::Office;
use crate::demo::people::{self, Person};
use crate::store::failed;

/// What a booking is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::demo) enum Kind {
    Receipt,
    Transfer,
    Dispatch,
}

/// A product that moves.
struct Move {
    product: i32,
    from: Option<i32>,
    to: Option<i32>,
    quantity: i32,
}

/// So many of the latest bookings may still be cancelled.
const RECENT: u64 = 30;
/// So many of the oldest are archived at a time.
const ARCHIVED: u64 = 12;
/// Nothing more is ordered of what fills its shelf.
const FULL: i32 = 400;
/// Nothing is taken from where this little is left.
const SCARCE: i32 = 12;

/// Books one to three products, and sets the stock accordingly.
pub(in crate::demo) async fn book(office: &mut Office, kind: Kind, who: &Person) -> Result<bool> {
    let moves = plan(office, kind).await?;
    if moves.is_empty() {
        return Ok(false);
    }
    let number = office.dice.between(10_000, 99_999);
    let (word, reference, description) = match kind {
        Kind::Receipt => ("receipt", format!("DN-{number}"), format!("Delivery note DN-{number}")),
        Kind::Transfer => ("transfer", format!("TR-{number}"), "Refilled from the other warehouse".to_owned()),
        Kind::Dispatch => ("dispatch", format!("SO-{number}"), format!("Order SO-{number} sent")),
    };
    let request = office.begin(who, description).await?;
    let booking = transactions::ActiveModel {
        id: NotSet,
        user_id: Set(who.id.parse().ok()),
        kind: Set(word.to_owned()),
        reference: Set(reference),
    };
    let booking = booking.insert(&request.rows).await.map_err(failed)?;
    let rows = moves.iter().map(|moved| movements::ActiveModel {
        id: NotSet,
        transaction_id: Set(booking.id),
        product_id: Set(moved.product),
        from_warehouse_id: Set(moved.from),
        to_warehouse_id: Set(moved.to),
        quantity: Set(moved.quantity),
    });
    movements::Entity::insert_many(rows).exec_without_returning(&request.rows).await.map_err(failed)?;
    for moved in &moves {
        if let Some(warehouse) = moved.from {
            stock::change(&request.rows, moved.product, warehouse, -moved.quantity).await?;
        }
        if let Some(warehouse) = moved.to {
            stock::change(&request.rows, moved.product, warehouse, moved.quantity).await?;
        }
    }
    request.commit().await?;
    Ok(true)
}

/// What could be moved: no product twice, and no more than there is.
async fn plan(office: &mut Office, kind: Kind) -> Result<Vec<Move>> {
    let mut places = places(office).await?;
    let Some(here) = office.dice.draw(&mut places) else { return Ok(Vec::new()) };
    let there = office.dice.draw(&mut places);
    let stocked = inventory::Entity::find()
        .filter(inventory::Column::WarehouseId.eq(here))
        .order_by_asc(inventory::Column::ProductId)
        .all(&office.connection)
        .await
        .map_err(failed)?;
    let quantity = |product| stocked.iter().find(|row| row.product_id == product).map_or(0, |row| row.quantity);
    let mut candidates: Vec<i32> = match kind {
        Kind::Receipt => {
            let sold = products::Entity::find()
                .filter(products::Column::Discontinued.eq(false))
                .order_by_asc(products::Column::Id)
                .all(&office.connection)
                .await
                .map_err(failed)?;
            sold.iter().map(|product| product.id).filter(|id| quantity(*id) < FULL).collect()
        }
        Kind::Transfer | Kind::Dispatch => {
            stocked.iter().filter(|row| row.quantity > SCARCE).map(|row| row.product_id).collect()
        }
    };
    let mut moves = Vec::new();
    for _ in 0..office.dice.between(1, 3) {
        let Some(product) = office.dice.draw(&mut candidates) else { break };
        let (from, to, most) = match kind {
            Kind::Receipt => (None, Some(here), 60),
            Kind::Transfer if there.is_none() => break,
            Kind::Transfer => (Some(here), there, quantity(product) / 2),
            Kind::Dispatch => (Some(here), None, (quantity(product) / 2).min(40)),
        };
        moves.push(Move { product, from, to, quantity: office.dice.between(1, most) });
    }
    Ok(moves)
}

async fn places(office: &Office) -> Result<Vec<i32>> {
    let places = warehouses::Entity::find().order_by_asc(warehouses::Column::Id);
    let places = places.all(&office.connection).await.map_err(failed)?;
    Ok(places.iter().map(|place| place.id).collect())
}

/// Deletes a booking of late that was made twice, and by way of the foreign key its movements.
pub(in crate::demo) async fn cancel(office: &mut Office) -> Result<bool> {
    let mut recent = transactions::Entity::find()
        .order_by_desc(transactions::Column::Id)
        .limit(RECENT)
        .all(&office.connection)
        .await
        .map_err(failed)?;
    let Some(booking) = office.dice.draw(&mut recent) else { return Ok(false) };
    let who = people::stockroom(&mut office.dice);
    let request = office.begin(who, format!("{} was booked twice", booking.reference)).await?;
    booking.delete(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// Deletes the oldest bookings, all by one statement.
pub(in crate::demo) async fn archive(office: &mut Office) -> Result<bool> {
    let oldest = transactions::Entity::find()
        .order_by_asc(transactions::Column::Id)
        .paginate(&office.connection, ARCHIVED)
        .fetch_page(0)
        .await
        .map_err(failed)?;
    let ids: Vec<i32> = oldest.iter().map(|booking| booking.id).collect();
    let request = office.begin(people::ANN, "Old bookings moved to the archive").await?;
    transactions::Entity::delete_many()
        .filter(transactions::Column::Id.is_in(ids))
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await?;
    Ok(true)
}
