//! Starting the demo: only ever in a database of its own.

use chrono::Utc;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::ground::ground;
use super::office::connect;
use super::past::{self, MARK};
use super::tables::TABLES;
use crate::audit::{Code, Error, Result};
use crate::capture;
use crate::config::{AuthSettings, ServeSettings};
use crate::server::Server;
use crate::store::{Kind, failed};

/// What the demo found in its database.
enum Found {
    Nothing,
    ItsPast,
}

/// Makes the two worlds with their past where they are not there yet, and a server for them. `tell` is told what takes
/// time.
///
/// # Errors
/// CONFLICT where the database holds anything but the demo's own; then nothing has changed. Otherwise as
/// [`Server::prepare`].
pub async fn start(url: &str, auth: &AuthSettings, settings: &ServeSettings, tell: &dyn Fn(&str)) -> Result<Server> {
    let found = look(url).await?;
    // One role does both here; a URL that is meant for `serve` must not be reached from the demo.
    let settings = ServeSettings { owner_database_url: None, ..settings.clone() };
    let server = Server::prepare(url, auth, &settings).await?;
    match found {
        Found::Nothing => past::live_through(&server.services.database, url, Utc::now(), tell).await?,
        Found::ItsPast => tell("going on where the demo was"),
    }
    Ok(server)
}

/// Looks at the database and changes nothing: not even the journal's mode, which the server's connections would set.
async fn look(url: &str) -> Result<Found> {
    let kind = Kind::of_url(url)?;
    if ground(kind).is_private(url) {
        return Err(Error::bad_input("the demo needs a file: its traffic comes in over a connection of its own"));
    }
    let connection = connect(url, false).await?;
    let found = look_with(kind, &connection).await;
    connection.close().await.map_err(failed)?;
    found
}

async fn look_with(kind: Kind, connection: &DatabaseConnection) -> Result<Found> {
    let tables = capture::dispatch::list(kind, connection, None).await?;
    let (own, foreign): (Vec<&String>, Vec<&String>) = tables.iter().partition(|name| TABLES.contains(&name.as_str()));
    if let Some(first) = foreign.first() {
        let others = match foreign.len() - 1 {
            0 => String::new(),
            1 => " and one more".to_owned(),
            number => format!(" and {number} more"),
        };
        return Err(refusal(&format!("it holds tables that are not the demo's: {first}{others}")));
    }
    let (entries, marks) = entries(kind, connection).await?;
    match (own.len(), entries, marks) {
        (0, 0, _) => Ok(Found::Nothing),
        (number, _, marks) if number == TABLES.len() && marks > 0 => Ok(Found::ItsPast),
        _ => Err(refusal(
            "it holds tables or entries named as the demo's, but not the whole demo; an earlier start may have been \
             interrupted, and then this database can be deleted",
        )),
    }
}

/// How many entries the log holds, and how many of them say that the demo has been here.
async fn entries(kind: Kind, connection: &DatabaseConnection) -> Result<(i64, i64)> {
    let one = async |sql: String| {
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        connection.query_one_raw(statement).await.map_err(failed)
    };
    if one(ground(kind).has_log().to_owned()).await?.is_none() {
        return Ok((0, 0));
    }
    let log = ground(kind).log();
    let row = one(format!("SELECT count(*), count(CASE WHEN table_name = '{MARK}' THEN 1 END) FROM {log}"));
    let row = row.await?.ok_or_else(|| Error::internal("a count has a row"))?;
    Ok((row.try_get_by_index(0).map_err(failed)?, row.try_get_by_index(1).map_err(failed)?))
}

fn refusal(why: &str) -> Error {
    Error::new(
        Code::Conflict,
        format!(
            "the demo wants a database of its own, and changes nothing in this one: {why}. Name another by `--database-url`"
        ),
    )
}
