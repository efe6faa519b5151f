//! The first day: what is there before anything happens.

use afterimage_entity::stockroom::{inventory, products, users, warehouses};
use afterimage_entity::workshop::{machines, programs};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::EntityTrait;

use super::Past;
use crate::audit::Result;
use crate::demo::chores::staff::password_hash;
use crate::demo::chores::stock::shelf;
use crate::demo::chores::workshop::program;
use crate::demo::people::{ANN, KIM, STAFF};
use crate::store::failed;

const WAREHOUSES: [(&str, &str, i32); 4] = [
    ("Harbour", "Rotterdam", 1_200),
    ("North yard", "Hamburg", 640),
    ("Old mill", "Lyon", 380),
    ("Shop floor", "Rotterdam", 90),
];

/// Number, name, price in cents, weight in grams.
const PRODUCTS: [(&str, &str, i64, Option<i32>); 30] = [
    ("SC-0412", "Wood screw 4 × 12, box of 200", 349, Some(310)),
    ("SC-0520", "Wood screw 5 × 20, box of 200", 429, Some(560)),
    ("SC-0640", "Wood screw 6 × 40, box of 100", 519, Some(720)),
    ("BO-M06", "Bolt M6 × 30, box of 50", 389, Some(480)),
    ("BO-M08", "Bolt M8 × 40, box of 50", 549, Some(910)),
    ("BO-M10", "Bolt M10 × 60, box of 25", 629, Some(1_140)),
    ("NU-M06", "Nut M6, box of 100", 199, Some(240)),
    ("NU-M08", "Nut M8, box of 100", 279, Some(510)),
    ("NU-M10", "Nut M10, box of 50", 319, Some(540)),
    ("WA-M08", "Washer M8, box of 200", 229, Some(380)),
    ("AN-0080", "Wall anchor 8 mm, box of 100", 599, Some(210)),
    ("AN-0100", "Wall anchor 10 mm, box of 50", 649, Some(190)),
    ("HI-0300", "Hinge 300 mm, pair", 1_290, Some(640)),
    ("HI-0150", "Hinge 150 mm, pair", 790, Some(330)),
    ("BR-0090", "Angle bracket 90 mm", 249, Some(160)),
    ("BR-0200", "Shelf bracket 200 mm", 459, Some(350)),
    ("LO-0001", "Padlock 40 mm", 1_190, Some(280)),
    ("LO-0002", "Door lock, brass", 3_490, Some(870)),
    ("HA-0300", "Hammer 300 g", 1_490, Some(460)),
    ("HA-0800", "Hammer 800 g", 2_190, Some(1_090)),
    ("DR-0005", "Drill bit 5 mm", 389, Some(24)),
    ("DR-0008", "Drill bit 8 mm", 489, Some(52)),
    ("DR-0012", "Drill bit 12 mm", 789, Some(118)),
    ("SA-0600", "Hand saw 600 mm", 2_490, None),
    ("CL-0400", "Clamp 400 mm", 1_790, Some(940)),
    ("GL-0500", "Wood glue 500 ml", 899, Some(560)),
    ("TA-0050", "Duct tape 50 m", 749, Some(520)),
    ("GV-0009", "Work gloves, size 9", 699, Some(90)),
    ("GV-0010", "Work gloves, size 10", 699, Some(95)),
    ("WB-0001", "Workbench, folding", 12_900, None),
];

const MACHINES: [(&str, &str); 6] = [
    ("Lathe 1", "lathe"),
    ("Lathe 2", "lathe"),
    ("Mill 1", "mill"),
    ("Mill 2", "mill"),
    ("Printer 1", "printer"),
    ("Printer 2", "printer"),
];

/// Fills the tables, each by one statement that inserts many rows.
pub(super) async fn open(past: &mut Past<'_>) -> Result<()> {
    staff(past).await?;
    past.step(9).await?;
    stockroom(past).await?;
    past.step(14).await?;
    workshop(past).await?;
    past.step(5).await
}

async fn staff(past: &mut Past<'_>) -> Result<()> {
    let office = &mut past.office;
    let mut rows = Vec::new();
    for person in &STAFF {
        rows.push(users::ActiveModel {
            id: NotSet,
            username: Set(person.username.to_owned()),
            full_name: Set(person.full_name.to_owned()),
            email: Set(format!("{}@stockroom.example", person.username)),
            password_hash: Set(password_hash(office)),
            role: Set(person.role.to_owned()),
            active: Set(true),
        });
    }
    let request = office.begin(ANN, "Everyone gets an account").await?;
    users::Entity::insert_many(rows).exec_without_returning(&request.rows).await.map_err(failed)?;
    request.commit().await
}

async fn stockroom(past: &mut Past<'_>) -> Result<()> {
    let office = &mut past.office;
    let request = office.begin(ANN, "Catalogue and stock taken over from the old system").await?;
    let rows = WAREHOUSES.map(|(name, city, capacity)| warehouses::ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        city: Set(city.to_owned()),
        capacity: Set(capacity),
    });
    warehouses::Entity::insert_many(rows).exec_without_returning(&request.rows).await.map_err(failed)?;
    let rows = PRODUCTS.map(|(sku, name, price_cents, weight_grams)| products::ActiveModel {
        id: NotSet,
        sku: Set(sku.to_owned()),
        name: Set(name.to_owned()),
        price_cents: Set(price_cents),
        weight_grams: Set(weight_grams),
        discontinued: Set(false),
    });
    products::Entity::insert_many(rows).exec_without_returning(&request.rows).await.map_err(failed)?;
    let mut rows = Vec::new();
    for product in products::Entity::find().all(&request.rows).await.map_err(failed)? {
        for warehouse in warehouses::Entity::find().all(&request.rows).await.map_err(failed)? {
            if office.dice.one_in(2) {
                rows.push(inventory::ActiveModel {
                    product_id: Set(product.id),
                    warehouse_id: Set(warehouse.id),
                    quantity: Set(office.dice.between(10, 160)),
                    shelf: Set(Some(shelf(office))),
                });
            }
        }
    }
    inventory::Entity::insert_many(rows).exec_without_returning(&request.rows).await.map_err(failed)?;
    request.commit().await
}

async fn workshop(past: &mut Past<'_>) -> Result<()> {
    let office = &mut past.office;
    let request = office.begin(KIM, "The workshop's machines, with their first programs").await?;
    let rows = MACHINES.map(|(name, kind)| machines::ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        kind: Set(kind.to_owned()),
        status: Set("idle".to_owned()),
        operator: Set(None),
    });
    machines::Entity::insert_many(rows).exec_without_returning(&request.rows).await.map_err(failed)?;
    let mut rows = Vec::new();
    for machine in machines::Entity::find().all(&request.rows).await.map_err(failed)? {
        for _ in 0..office.dice.between(2, 4) {
            rows.push(program(office, machine.id));
        }
    }
    programs::Entity::insert_many(rows).exec_without_returning(&request.rows).await.map_err(failed)?;
    request.commit().await
}
