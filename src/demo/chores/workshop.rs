//! The workshop: machines run, and their programs are improved.

use afterimage_entity::workshop::{machines, programs};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter, QueryOrder};

use crate::audit::Result;
use crate::demo::office::Office;
use crate::demo::people;
use crate::store::failed;

const PARTS: [&str; 8] = ["flange", "shaft", "housing", "cover plate", "gear 24", "gear 36", "nozzle", "bearing seat"];

async fn all_machines(office: &Office) -> Result<Vec<machines::Model>> {
    machines::Entity::find().order_by_asc(machines::Column::Id).all(&office.connection).await.map_err(failed)
}

async fn all_programs(office: &Office) -> Result<Vec<programs::Model>> {
    programs::Entity::find().order_by_asc(programs::Column::Id).all(&office.connection).await.map_err(failed)
}

/// An idle machine is started; a running one stops, or needs service.
pub(in crate::demo) async fn start_or_stop(office: &mut Office) -> Result<bool> {
    let mut machines = all_machines(office).await?;
    let Some(machine) = office.dice.draw(&mut machines) else { return Ok(false) };
    let who = people::workshop(&mut office.dice);
    let service = office.dice.one_in(6);
    let (status, operator, description) = match machine.status.as_str() {
        "running" if service => ("service", None, "Unusual noise: stopped for service"),
        "running" => ("idle", None, "Job done"),
        "service" => ("idle", None, "Back from service"),
        _ => ("running", Some(who.username.to_owned()), "Job started"),
    };
    let request = office.begin(who, format!("{}: {description}", machine.name)).await?;
    let mut machine = machine.into_active_model();
    machine.status = Set(status.to_owned());
    machine.operator = Set(operator);
    machine.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// A program is improved: new code, the next revision.
pub(in crate::demo) async fn edit_program(office: &mut Office) -> Result<bool> {
    let mut programs = all_programs(office).await?;
    let Some(program) = office.dice.draw(&mut programs) else { return Ok(false) };
    let who = people::workshop(&mut office.dice);
    let code = code(office);
    let minutes = office.dice.between(4, 95);
    let request = office.begin(who, format!("Runs smoother: {}", program.name)).await?;
    let revision = program.revision + 1;
    let mut program = program.into_active_model();
    program.code = Set(code);
    program.revision = Set(revision);
    program.minutes = Set(Some(minutes));
    program.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// A machine gets a new program.
pub(in crate::demo) async fn add_program(office: &mut Office) -> Result<bool> {
    let mut machines = all_machines(office).await?;
    let Some(machine) = office.dice.draw(&mut machines) else { return Ok(false) };
    let who = people::workshop(&mut office.dice);
    let program = program(office, machine.id);
    let request = office.begin(who, format!("New program for {}", machine.name)).await?;
    program.insert(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// A program nobody runs any more goes; each machine keeps one.
pub(in crate::demo) async fn delete_program(office: &mut Office) -> Result<bool> {
    let mut programs = all_programs(office).await?;
    let Some(program) = office.dice.draw(&mut programs) else { return Ok(false) };
    if programs.iter().all(|other| other.machine_id != program.machine_id) {
        return Ok(false);
    }
    let who = people::workshop(&mut office.dice);
    let request = office.begin(who, format!("Nobody runs {} any more", program.name)).await?;
    program.delete(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// Deletes a machine, and by way of the foreign key its programs.
pub(in crate::demo) async fn scrap(office: &mut Office, name: &str, why: &str) -> Result<()> {
    let request = office.begin(people::KIM, why).await?;
    machines::Entity::delete_many()
        .filter(machines::Column::Name.eq(name))
        .exec(&request.rows)
        .await
        .map_err(failed)?;
    request.commit().await
}

/// A program for a machine, not stored yet.
pub(in crate::demo) fn program(office: &mut Office, machine: i32) -> programs::ActiveModel {
    let part = *office.dice.one_of(&PARTS);
    programs::ActiveModel {
        id: NotSet,
        machine_id: Set(machine),
        name: Set(format!("{part} {}", office.dice.between(100, 999))),
        code: Set(code(office)),
        revision: Set(1),
        minutes: Set(None),
    }
}

/// A few lines such as machines read.
fn code(office: &mut Office) -> String {
    let mut code = String::from("G21 G90\n");
    for _ in 0..office.dice.between(2, 4) {
        let (x, y, speed) =
            (office.dice.between(0, 200), office.dice.between(0, 120), office.dice.between(2, 12) * 100);
        code.push_str(&format!("G1 X{x} Y{y} F{speed}\n"));
    }
    code.push_str("M30");
    code
}
