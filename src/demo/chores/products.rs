//! The catalogue of products.

use std::collections::HashSet;

use afterimage_entity::stockroom::{movements, products};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter, QueryOrder};

use crate::audit::Result;
use crate::demo::office::Office;
use crate::demo::people;
use crate::store::failed;

/// Prices stay between these.
const CHEAPEST: i64 = 95;
const DEAREST: i64 = 180_000;
/// So many are sold at the least.
const FEWEST: usize = 28;

const MATERIALS: [&str; 6] = ["Steel", "Brass", "Oak", "Nylon", "Copper", "Zinc"];
const THINGS: [&str; 8] = ["bracket", "hinge", "washer set", "dowel", "clamp", "bushing", "hook", "spacer"];

pub(in crate::demo) async fn sold(office: &Office, sold: bool) -> Result<Vec<products::Model>> {
    let rows =
        products::Entity::find().filter(products::Column::Discontinued.eq(!sold)).order_by_asc(products::Column::Id);
    rows.all(&office.connection).await.map_err(failed)
}

/// A product gets a little dearer or cheaper.
pub(in crate::demo) async fn reprice(office: &mut Office) -> Result<bool> {
    let mut candidates = sold(office, true).await?;
    let Some(product) = office.dice.draw(&mut candidates) else { return Ok(false) };
    let percent = i64::from(*office.dice.one_of(&[-8, -5, -3, 2, 3, 4, 5, 9]));
    let price = (product.price_cents + product.price_cents * percent / 100).clamp(CHEAPEST, DEAREST);
    let who = people::manager(&mut office.dice);
    let request = office.begin(who, format!("New price of the supplier ({percent:+} %)")).await?;
    let mut product = product.into_active_model();
    product.price_cents = Set(price);
    product.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// Someone puts a product on the scales.
pub(in crate::demo) async fn describe(office: &mut Office) -> Result<bool> {
    let mut candidates = sold(office, true).await?;
    let Some(product) = office.dice.draw(&mut candidates) else { return Ok(false) };
    let grams = match product.weight_grams {
        Some(grams) => (grams + office.dice.between(-4, 5)).max(1),
        None => office.dice.between(15, 2_400),
    };
    let who = people::stockroom(&mut office.dice);
    let request = office.begin(who, "Weighed").await?;
    let mut product = product.into_active_model();
    product.weight_grams = Set(Some(grams));
    product.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// A new product joins the catalogue.
pub(in crate::demo) async fn add(office: &mut Office) -> Result<bool> {
    let material = *office.dice.one_of(&MATERIALS);
    let thing = *office.dice.one_of(&THINGS);
    let sku = format!("{}-{}", &material[..2].to_uppercase(), office.dice.hex());
    let price = office.dice.between(120, 9_900);
    let who = people::manager(&mut office.dice);
    let request = office.begin(who, "New in the catalogue").await?;
    let product = products::ActiveModel {
        id: NotSet,
        sku: Set(sku),
        name: Set(format!("{material} {thing}")),
        price_cents: Set(price.into()),
        weight_grams: Set(None),
        discontinued: Set(false),
    };
    product.insert(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// A product that is not ordered any more.
pub(in crate::demo) async fn discontinue(office: &mut Office) -> Result<bool> {
    let mut candidates = sold(office, true).await?;
    if candidates.len() < FEWEST {
        return Ok(false);
    }
    let Some(product) = office.dice.draw(&mut candidates) else { return Ok(false) };
    let who = people::manager(&mut office.dice);
    let request = office.begin(who, "The supplier makes it no more").await?;
    let mut product = product.into_active_model();
    product.discontinued = Set(true);
    product.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// A product that was never moved, or not for so long that the bookings are gone, leaves the catalogue.
pub(in crate::demo) async fn remove(office: &mut Office) -> Result<bool> {
    let moved = movements::Entity::find().all(&office.connection).await.map_err(failed)?;
    let moved: HashSet<i32> = moved.iter().map(|movement| movement.product_id).collect();
    let mut candidates = sold(office, false).await?;
    candidates.extend(sold(office, true).await?.into_iter().filter(|product| product.weight_grams.is_none()));
    candidates.retain(|product| !moved.contains(&product.id));
    let Some(product) = office.dice.draw(&mut candidates) else { return Ok(false) };
    let who = people::manager(&mut office.dice);
    let request = office.begin(who, format!("{} is out of the catalogue", product.name)).await?;
    product.delete(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}
