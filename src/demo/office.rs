//! The application that makes the sample worlds' changes: it has a connection of its own, and says who it acts for.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, PaginatorTrait,
    TransactionTrait,
};
use serde_json::json;

use super::dice::Dice;
use super::ground::{Ground, Said, ground};
use super::people::Person;
use crate::audit::{Error, Result};
use crate::store::{Database, failed};

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The application.
pub(super) struct Office {
    /// Its own connection: nothing of it passes through the server.
    pub(super) connection: DatabaseConnection,
    /// The server beside it, for what applications ask the API for.
    pub(super) database: Database,
    /// What decides.
    pub(super) dice: Dice,
    ground: &'static dyn Ground,
}

impl Office {
    /// An application at the database of this URL. It connects when it first has something to do.
    ///
    /// # Errors
    /// Where the URL cannot be read.
    pub(super) async fn open(database: &Database, url: &str, seed: u64) -> Result<Office> {
        let connection = connect(url, true).await?;
        Ok(Office { connection, database: database.clone(), dice: Dice::new(seed), ground: ground(database.kind) })
    }

    /// Makes it commit without waiting for the disk.
    pub(super) async fn hurry(&self) -> Result<()> {
        self.connection.execute_unprepared(self.ground.hurry()).await.map(drop).map_err(failed)
    }

    /// Begins a request: a transaction that says whose it is. Dropped, it leaves nothing behind.
    pub(super) async fn begin(&mut self, who: &Person, description: impl Into<String>) -> Result<Request> {
        let said = Said {
            user_id: who.id.to_owned(),
            username: who.username.to_owned(),
            ip_address: who.address.map(str::to_owned),
            description: description.into(),
            correlation_id: self.correlation_id(),
            metadata: json!({"client": who.client}),
        };
        let options = self.database.dialect.write_options();
        let rows = self.connection.begin_with_options(options).await.map_err(failed)?;
        rows.execute_raw(self.ground.enter(&said)).await.map_err(failed)?;
        Ok(Request { rows, leave: self.ground.leave() })
    }

    /// What ties the entries of one request together.
    pub(super) fn correlation_id(&mut self) -> String {
        format!("req-{}", self.dice.hex())
    }

    /// How many rows a table has.
    pub(super) async fn count<E>(&self) -> Result<u64>
    where
        E: EntityTrait,
        E::Model: Send + Sync,
    {
        E::find().count(&self.connection).await.map_err(failed)
    }
}

/// A request of the application's, under way.
pub(super) struct Request {
    /// The transaction, for its changes.
    pub(super) rows: DatabaseTransaction,
    leave: Option<&'static str>,
}

impl Request {
    /// Commits.
    pub(super) async fn commit(self) -> Result<()> {
        if let Some(statement) = self.leave {
            self.rows.execute_unprepared(statement).await.map_err(failed)?;
        }
        self.rows.commit().await.map_err(failed)
    }
}

/// One connection, with nothing set that would stay in the database; a lazy one is made at its first use.
pub(super) async fn connect(url: &str, lazy: bool) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .max_lifetime(None::<Duration>)
        .sqlx_logging(false)
        .connect_lazy(lazy);
    sea_orm::Database::connect(options).await.map_err(|error| match &error {
        sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(cause))
            if matches!(**cause, sqlx::Error::Configuration(_)) =>
        {
            Error::bad_input("the database URL cannot be read").caused_by(error)
        }
        _ => failed(error),
    })
}
