//! The server put together: the database made ready, the services, the router, the listener.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use chrono::{Duration, Utc};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::audit::{Error, Result};
use crate::auth::{Authenticator, Role, TokenRequest};
use crate::capture::Watch;
use crate::config::{AuthSettings, ServeSettings};
use crate::feed::Feed;
use crate::graphql::{Services, schema};
use crate::http::{self, ConnectionLimits, Health, HttpSettings, PersistedQueries, Plans, State};
use crate::rest;
use crate::store::{self, Database, DatabaseFile};

/// How long the token lives that the server prints at its start.
const FIRST_TOKEN_HOURS: i64 = 12;
/// How often it is looked whether the schema has changed: for so long, changes after it may not be recorded.
const WATCH_INTERVAL: std::time::Duration = std::time::Duration::from_millis(200);
/// How many of those looks go by between two at contexts that were left behind.
const LOOKS_PER_CONTEXT: u32 = 5;

/// A server that is ready to serve.
pub struct Server {
    listener: TcpListener,
    /// All its paths.
    pub router: Router,
    /// What it works with.
    pub services: Services,
    /// What checks its tokens.
    pub authenticator: Authenticator,
    /// Whether the secret is one that the server made itself.
    pub own_secret: bool,
    connections: ConnectionLimits,
    watch: Watch,
    file: Option<DatabaseFile>,
}

impl Server {
    /// Connects, brings the log's tables up to date, and takes the address; does not serve yet.
    ///
    /// # Errors
    /// Where the configuration is refused, the database does not answer or is newer, or the address is taken.
    pub async fn prepare(url: &str, auth: &AuthSettings, settings: &ServeSettings) -> Result<Server> {
        let own_secret = auth.jwt_secret.is_none();
        if own_secret && !settings.listen.ip().is_loopback() {
            return Err(Error::bad_input(format!(
                "{} is no loopback address: beyond loopback the server needs `--jwt-secret` (AFTERIMAGE_JWT_SECRET)",
                settings.listen
            )));
        }
        let authenticator = auth.authenticator().map_err(Error::bad_input)?;
        let database = Database::connect(url, settings.timeout()).await?;
        let file = DatabaseFile::of(&database);
        store::migrate(&database, url).await?;
        let mut watch = Watch::default();
        watch.look(&database).await?;
        let owner = match &settings.owner_database_url {
            Some(url) => Database::connect(url, settings.timeout()).await?,
            None => database.clone(),
        };
        let connections = ConnectionLimits { most: settings.max_connections, ..ConnectionLimits::default() };
        let services = Services { feed: Feed::new(&database), database, owner, undo_max_rows: settings.undo_max_rows };
        let state = State {
            schema: schema(services.clone()),
            authenticator: Arc::new(authenticator.clone()),
            settings: Arc::new(HttpSettings {
                body_limit: settings.body_limit,
                request_timeout: settings.timeout(),
                allowed_hosts: settings.allowed_hosts.clone(),
                cors_origins: settings.cors_origins.clone(),
                trusted_proxies: settings.trusted_proxies.clone(),
                connections,
                ..HttpSettings::default()
            }),
            persisted: PersistedQueries::default(),
            plans: Plans::over(services.clone()),
            health: Arc::new(DatabaseHealth(services.database.clone())),
        };
        let rest = rest::router(rest::State {
            services: services.clone(),
            authenticator: Arc::clone(&state.authenticator),
            request_timeout: state.settings.request_timeout,
        })?;
        let router = http::router(state, rest);
        let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
            Error::bad_input(format!("cannot listen on {}: {error}", settings.listen)).caused_by(error)
        })?;
        Ok(Server { listener, router, services, authenticator, own_secret, connections, watch, file })
    }

    /// The address that it took.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(Error::internal)
    }

    /// A token for an administrator, to begin with.
    ///
    /// # Errors
    /// Where signing fails.
    pub fn first_token(&self) -> Result<String> {
        let request = TokenRequest {
            user_id: "admin".to_owned(),
            username: Some("admin".to_owned()),
            roles: vec![Role::Admin],
            lifetime: Duration::hours(FIRST_TOKEN_HOURS),
        };
        self.authenticator.issue(&request, Utc::now())
    }

    /// Serves until `shutdown` is done.
    ///
    /// # Errors
    /// Where another database file was put in the place of the one that is served.
    pub async fn serve(mut self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let database = &self.services.database;
        let outcome = tokio::select! {
            () = http::serve(self.listener, self.router, self.connections, shutdown) => Ok(()),
            replaced = look_after(database, &mut self.watch, self.file.as_ref()) => Err(replaced),
            never = store::keep(database) => match never {},
        };
        if let Err(error) = self.watch.save(database).await {
            tracing::debug!(%error, "cannot write down until when capture was seen to be whole");
        }
        outcome
    }
}

/// Looks after what others do to the database: its file, the tracked tables' triggers, and left-behind contexts. It ends
/// where the file is another one: what the server wrote from then on would be lost.
async fn look_after(database: &Database, watch: &mut Watch, file: Option<&DatabaseFile>) -> Error {
    loop {
        for _ in 0..LOOKS_PER_CONTEXT {
            tokio::time::sleep(WATCH_INTERVAL).await;
            if let Some(file) = file.filter(|file| file.is_replaced()) {
                return Error::conflict(format!(
                    "{} was replaced by another file while the server had it open; start the server again. To restore \
                     a backup, stop the server first, or use SQLite's own `.restore`",
                    file.path().display()
                ));
            }
            if let Err(error) = watch.look(database).await {
                // Requests tell of it; here it comes back with each look.
                tracing::debug!(%error, "cannot look after the triggers of the tracked tables");
            }
        }
        keep_contexts_clean(database).await;
    }
}

/// Removes the context that a writer without foreign keys has left behind, if there is one.
async fn keep_contexts_clean(database: &Database) {
    match store::remove_left_behind(database).await {
        Ok(true) => tracing::warn!("removed a context that a writer without foreign keys left behind"),
        Ok(false) => {}
        Err(error) => tracing::debug!(%error, "cannot look for contexts that were left behind"),
    }
}

struct DatabaseHealth(Database);

impl Health for DatabaseHealth {
    fn ready(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(store::warnings(&self.0))
    }
}
