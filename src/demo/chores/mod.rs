//! What happens on any day: the past is made of it, and the live traffic.

pub(super) mod bookings;
pub(super) mod products;
pub(super) mod staff;
pub(super) mod stock;
pub(super) mod workshop;

use afterimage_entity::stockroom::{products as product, transactions};
use afterimage_entity::workshop::programs;

use self::bookings::Kind;
use super::office::Office;
use super::people;
use crate::audit::Result;

/// More bookings than this, and the oldest go.
const MOST_BOOKINGS: u64 = 600;
/// More products than this, and no new one comes.
const MOST_PRODUCTS: u64 = 60;
/// The same for programs.
const MOST_PROGRAMS: u64 = 30;

/// One kind of request.
#[derive(Clone, Copy)]
enum Chore {
    Receive,
    Dispatch,
    Transfer,
    Cancel,
    Archive,
    Reprice,
    Describe,
    NewProduct,
    Discontinue,
    RemoveProduct,
    Count,
    Tidy,
    Machine,
    EditProgram,
    NewProgram,
    DeleteProgram,
    Password,
    Look,
}

/// How often each of them happens, among all.
const MIX: [(usize, Chore); 18] = [
    (11, Chore::Receive),
    (16, Chore::Dispatch),
    (8, Chore::Transfer),
    (3, Chore::Cancel),
    (4, Chore::Archive),
    (10, Chore::Reprice),
    (5, Chore::Describe),
    (3, Chore::NewProduct),
    (2, Chore::Discontinue),
    (2, Chore::RemoveProduct),
    (7, Chore::Count),
    (4, Chore::Tidy),
    (16, Chore::Machine),
    (6, Chore::EditProgram),
    (2, Chore::NewProgram),
    (1, Chore::DeleteProgram),
    (2, Chore::Password),
    (4, Chore::Look),
];

/// Does something of a believable kind; at the least, a machine starts or stops.
pub(super) async fn any(office: &mut Office) -> Result<()> {
    let chore = choose(office);
    if !carry_out(office, chore).await? {
        workshop::start_or_stop(office).await?;
    }
    Ok(())
}

fn choose(office: &mut Office) -> Chore {
    let mut place = office.dice.below(MIX.iter().map(|(weight, _)| weight).sum());
    for (weight, chore) in MIX {
        if place < weight {
            return chore;
        }
        place -= weight;
    }
    Chore::Machine
}

async fn book(office: &mut Office, kind: Kind) -> Result<bool> {
    let who = people::stockroom(&mut office.dice);
    bookings::book(office, kind, who).await
}

/// Whether there was anything to be done.
async fn carry_out(office: &mut Office, chore: Chore) -> Result<bool> {
    match chore {
        Chore::Receive => book(office, Kind::Receipt).await,
        Chore::Dispatch => book(office, Kind::Dispatch).await,
        Chore::Transfer => book(office, Kind::Transfer).await,
        Chore::Cancel => bookings::cancel(office).await,
        Chore::Archive => match office.count::<transactions::Entity>().await? > MOST_BOOKINGS {
            true => bookings::archive(office).await,
            false => Ok(false),
        },
        Chore::Reprice => products::reprice(office).await,
        Chore::Describe => products::describe(office).await,
        Chore::NewProduct => match office.count::<product::Entity>().await? < MOST_PRODUCTS {
            true => products::add(office).await,
            false => Ok(false),
        },
        Chore::Discontinue => products::discontinue(office).await,
        Chore::RemoveProduct => products::remove(office).await,
        Chore::Count => stock::count(office).await,
        Chore::Tidy => stock::tidy(office).await,
        Chore::Machine => workshop::start_or_stop(office).await,
        Chore::EditProgram => workshop::edit_program(office).await,
        Chore::NewProgram => match office.count::<programs::Entity>().await? < MOST_PROGRAMS {
            true => workshop::add_program(office).await,
            false => Ok(false),
        },
        Chore::DeleteProgram => workshop::delete_program(office).await,
        Chore::Password => staff::change_password(office).await,
        Chore::Look => staff::look_up(office).await,
    }
}
