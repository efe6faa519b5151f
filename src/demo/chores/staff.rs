//! The users: their passwords, and who looked at whom.

use afterimage_entity::stockroom::users;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::json;

use crate::audit::{Action, Draft, Json, Result};
use crate::demo::office::Office;
use crate::demo::people::{self, Person, STAFF};
use crate::store::{self, Write, failed};

async fn active(office: &Office) -> Result<Vec<users::Model>> {
    let rows = users::Entity::find().filter(users::Column::Active.eq(true)).order_by_asc(users::Column::Id);
    rows.all(&office.connection).await.map_err(failed)
}

/// What stands for a password. It is none: nobody can log in anywhere with it.
pub(in crate::demo) fn password_hash(office: &mut Office) -> String {
    format!("demo${}{}", office.dice.hex(), office.dice.hex())
}

/// Someone chooses another password, which the log tells without the value.
pub(in crate::demo) async fn change_password(office: &mut Office) -> Result<bool> {
    let mut users = active(office).await?;
    let Some(user) = office.dice.draw(&mut users) else { return Ok(false) };
    let Some(who) = STAFF.iter().find(|person| person.username == user.username) else { return Ok(false) };
    let hash = password_hash(office);
    let request = office.begin(who, "Changed their password").await?;
    let mut user = user.into_active_model();
    user.password_hash = Set(hash);
    user.update(&request.rows).await.map_err(failed)?;
    request.commit().await?;
    Ok(true)
}

/// Someone looks at a user's record.
pub(in crate::demo) async fn look_up(office: &mut Office) -> Result<bool> {
    let mut users = active(office).await?;
    let Some(user) = office.dice.draw(&mut users) else { return Ok(false) };
    let who = match office.dice.one_in(2) {
        true => &people::AUDITOR,
        false => people::manager(&mut office.dice),
    };
    record_look(office, who, user.id, "Looked at the user's record").await?;
    Ok(true)
}

/// Records that someone looked. No trigger sees that: the application says so to the API.
pub(in crate::demo) async fn record_look(
    office: &mut Office,
    who: &Person,
    user: i32,
    description: &str,
) -> Result<()> {
    let draft = Draft {
        action: Action::Read,
        table_name: "users".to_owned(),
        record_id: Some(user.to_string()),
        user_id: Some(who.id.to_owned()),
        username: Some(who.username.to_owned()),
        old_values: None,
        new_values: None,
        description: Some(description.to_owned()),
        ip_address: who.address.map(str::to_owned),
        correlation_id: Some(office.correlation_id()),
        metadata: Json::parse(json!({"client": who.client}).to_string()),
        recorded_by: Some(who.client.to_owned()),
        trusted: false,
        idempotency_key: None,
    };
    let write = Write::begin(&office.database).await?;
    store::append(office.database.dialect, &write, &[draft]).await?;
    write.commit().await
}
