//! What happened once, or by the calendar: mistakes that were undone, a list of prices, a machine that was sold.

use afterimage_entity::log::Column;
use afterimage_entity::stockroom::{inventory, products, users};
use chrono::NaiveDate;
use sea_orm::ActiveValue::{NotSet, Set, Unchanged};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, ModelTrait, QueryFilter, QueryOrder,
};

use super::Past;
use super::calendar::at;
use crate::audit::{Action, Code, Error, Result};
use crate::capture::Actor;
use crate::demo::chores::bookings::{self, Kind};
use crate::demo::chores::{staff, workshop};
use crate::demo::people::{ANN, AUDITOR, FARID, KIM, LIAM, PRICE_IMPORT, Person};
use crate::store::{self, failed};
use crate::undo;

/// Prices are taken over so often, in working days; shelves are counted in between.
const PRICE_LIST_EVERY: usize = 21;

/// Until this working day a helper comes, once a week.
const HELP_ENDS: usize = 68;

/// What happens before the others come.
pub(super) async fn early(past: &mut Past<'_>, number: usize, day: NaiveDate) -> Result<()> {
    if number % PRICE_LIST_EVERY == PRICE_LIST_EVERY - 1 && past.reach(at(day, 2, 10)) {
        take_over_prices(past).await?;
        past.step(0).await?;
    }
    if number < HELP_ENDS && number % 5 == 2 && past.reach(at(day, 6, 50)) {
        bookings::book(&mut past.office, Kind::Dispatch, LIAM).await?;
        past.step(0).await?;
    }
    Ok(())
}

/// What happened on one of the working days, when the rest of it was done.
pub(super) async fn in_the_evening(past: &mut Past<'_>, number: usize, day: NaiveDate) -> Result<()> {
    if !past.reach(at(day, 17, 30)) {
        return Ok(());
    }
    match number {
        3 => look_and_try_to_undo_it(past).await,
        8 | 52 | 96 => mistyped_price(past, false).await,
        15 | 84 | 126 => deleted_by_mistake(past).await,
        30 => machine_deleted_by_mistake(past).await,
        47 => shelves_renamed(past).await,
        55 => entered_by_mistake(past).await,
        60 => renumbered(past).await,
        63 => mistyped_price(past, true).await,
        70 => helper_is_locked_out(past).await,
        90 => helper_leaves(past).await,
        100 => empty_shelves_go(past).await,
        110 => machine_sold(past).await,
        122 => supplier_renames(past).await,
        _ => Ok(()),
    }
}

/// Undoes the last entry, as a person in front of the API.
async fn undo_last(past: &mut Past<'_>, who: &Person, reason: &str) -> Result<()> {
    let last = past.last_entry().await?;
    undo_entry(past, last, who, reason).await
}

async fn undo_entry(past: &mut Past<'_>, entry: i64, who: &Person, reason: &str) -> Result<()> {
    let request = undo::Request {
        subject: undo::Subject::Entry { id: entry, restore_linked: false },
        reason: Some(reason.to_owned()),
        actor: Actor {
            user_id: Some(who.id.to_owned()),
            username: Some(who.username.to_owned()),
            ip_address: who.address.map(str::to_owned),
            recorded_by: Some(who.id.to_owned()),
        },
        max_rows: 100,
        plan_hash: None,
    };
    undo::undo(past.database, &request).await?;
    past.step(4).await
}

async fn take_over_prices(past: &mut Past<'_>) -> Result<()> {
    let percent = i64::from(past.office.dice.between(101, 104));
    let request = past.office.begin(&PRICE_IMPORT, "Price list of the month").await?;
    let price = Expr::col(products::Column::PriceCents);
    products::Entity::update_many()
        .col_expr(products::Column::PriceCents, price.mul(percent).div(100))
        .filter(products::Column::Discontinued.eq(false))
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await
}

async fn look_and_try_to_undo_it(past: &mut Past<'_>) -> Result<()> {
    staff::record_look(&mut past.office, &AUDITOR, 1, "Who may approve payments?").await?;
    past.step(2).await?;
    // It is refused, and the log has that too.
    match undo_last(past, &AUDITOR, "I did not mean to look").await {
        Err(error) if error.code() == Code::NotUndoable => past.step(1).await,
        outcome => outcome,
    }
}

/// A product that is sold, by its place in the catalogue.
async fn product(past: &mut Past<'_>) -> Result<products::Model> {
    let sold = products::Entity::find()
        .filter(products::Column::Discontinued.eq(false))
        .order_by_asc(products::Column::Id)
        .all(&past.office.connection)
        .await;
    let mut sold = sold.map_err(failed)?;
    past.office.dice.draw(&mut sold).ok_or_else(|| Error::internal("the demo's catalogue is empty"))
}

/// A price a hundred times too high is noticed and set back; and once, that was a mistake as well.
async fn mistyped_price(past: &mut Past<'_>, redo: bool) -> Result<()> {
    let product = product(past).await?;
    let price = product.price_cents * 100;
    let request = past.office.begin(FARID, "New price of the supplier").await?;
    let mut product = product.into_active_model();
    product.price_cents = Set(price);
    product.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    past.step(12).await?;
    undo_last(past, ANN, "Euro and cents mixed up").await?;
    if redo {
        undo_last(past, FARID, "No: it is the price of a pallet of a hundred").await?;
        undo_last(past, ANN, "We agreed to sell single ones").await?;
    }
    Ok(())
}

/// A product, entered and never moved.
async fn new_product(past: &mut Past<'_>, sku: &str, name: &str, description: &str) -> Result<products::Model> {
    let request = past.office.begin(ANN, description).await?;
    let product = products::ActiveModel {
        id: NotSet,
        sku: Set(format!("{sku}-{}", past.office.dice.hex())),
        name: Set(name.to_owned()),
        price_cents: Set(past.office.dice.between(900, 9_000).into()),
        weight_grams: Set(None),
        discontinued: Set(false),
    };
    let product = product.insert(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    past.step(11).await?;
    Ok(product)
}

async fn deleted_by_mistake(past: &mut Past<'_>) -> Result<()> {
    let product = new_product(past, "TR", "Hand truck 200 kg", "New in the catalogue").await?;
    let request = past.office.begin(FARID, "Not needed, is it?").await?;
    product.delete(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    past.step(35).await?;
    undo_last(past, ANN, "It is: three are on order").await
}

/// Undone, its stock goes before it.
async fn entered_by_mistake(past: &mut Past<'_>) -> Result<()> {
    let product = new_product(past, "TEST", "Test product, please ignore", "Trying out the new form").await?;
    let entry = past.last_entry().await?;
    let request = past.office.begin(ANN, "Trying out the new form").await?;
    let row = inventory::ActiveModel {
        product_id: Set(product.id),
        warehouse_id: Set(1),
        quantity: Set(1),
        shelf: Set(None),
    };
    row.insert(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    past.step(6).await?;
    undo_entry(past, entry, FARID, "Tests do not belong here").await
}

/// The machine comes back, its programs do not: each of them lies in the trash.
async fn machine_deleted_by_mistake(past: &mut Past<'_>) -> Result<()> {
    workshop::scrap(&mut past.office, "Mill 2", "Mill 2 is sold").await?;
    past.step(50).await?;
    let deletion = Column::TableName.eq("machines").and(Column::Action.eq(Action::Delete.as_str()));
    let deletion = store::latest(past.database.dialect, &past.database.writer, deletion).await?;
    let deletion = deletion.ok_or_else(|| Error::internal("the demo's machine was not deleted"))?;
    undo_entry(past, deletion.id, KIM, "It was Mill 1 of the other workshop that is sold").await
}

async fn machine_sold(past: &mut Past<'_>) -> Result<()> {
    workshop::scrap(&mut past.office, "Printer 1", "Printer 1 is sold").await?;
    past.step(0).await
}

/// A change of the key: two entries that point at each other. The new number is one that a deletion left free, and so
/// lower than any that the database will give.
async fn renumbered(past: &mut Past<'_>) -> Result<()> {
    let product = new_product(past, "LA", "Ladder, 7 steps", "New in the catalogue").await?;
    let taken = products::Entity::find().all(&past.office.connection).await.map_err(failed)?;
    let free = (1..product.id).find(|id| taken.iter().all(|product| product.id != *id));
    let free = free.ok_or_else(|| Error::internal("no number is free in the demo's catalogue"))?;
    let request = past.office.begin(ANN, "Numbered anew: no gaps in the catalogue").await?;
    products::Entity::update_many()
        .col_expr(products::Column::Id, Expr::value(free))
        .filter(products::Column::Id.eq(product.id))
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await?;
    past.step(0).await
}

async fn shelves_renamed(past: &mut Past<'_>) -> Result<()> {
    let request = past.office.begin(ANN, "The old mill has only one row of shelves now").await?;
    let shelf = inventory::Column::Shelf;
    inventory::Entity::update_many()
        .col_expr(shelf, Expr::val("OM-").binary(sea_orm::sea_query::BinOper::Custom("||"), Expr::col(shelf)))
        .filter(inventory::Column::WarehouseId.eq(3))
        .filter(shelf.is_not_null())
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await?;
    past.step(0).await
}

async fn helper_is_locked_out(past: &mut Past<'_>) -> Result<()> {
    let request = past.office.begin(ANN, "The season is over").await?;
    users::Entity::update_many()
        .col_expr(users::Column::Active, Expr::value(false))
        .filter(users::Column::Username.eq(LIAM.username))
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await?;
    past.step(0).await
}

/// The database takes his name off his bookings, and the log has each of them.
async fn helper_leaves(past: &mut Past<'_>) -> Result<()> {
    let request = past.office.begin(ANN, "Left the company").await?;
    users::Entity::delete_many()
        .filter(users::Column::Username.eq(LIAM.username))
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await?;
    past.step(0).await
}

/// Whoever undoes the first of these two changes gets the weight back, and is told that the name was left alone.
async fn supplier_renames(past: &mut Past<'_>) -> Result<()> {
    let product = product(past).await?;
    let name = product.name.clone();
    let change = products::ActiveModel {
        id: Unchanged(product.id),
        name: Set(format!("{name} (new model)")),
        weight_grams: Set(Some(product.weight_grams.unwrap_or(400) + 35)),
        ..Default::default()
    };
    let request = past.office.begin(FARID, "New model: name and weight").await?;
    change.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    past.step(45).await?;
    let change =
        products::ActiveModel { id: Unchanged(product.id), name: Set(format!("{name} II")), ..Default::default() };
    let request = past.office.begin(ANN, "A shorter name").await?;
    change.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    past.step(0).await
}

async fn empty_shelves_go(past: &mut Past<'_>) -> Result<()> {
    let request = past.office.begin(ANN, "Shelves of what is nearly gone are cleared").await?;
    inventory::Entity::delete_many()
        .filter(inventory::Column::Quantity.lt(4))
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await?;
    past.step(0).await
}
