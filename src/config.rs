//! The configuration: one field a setting; the doc comment is its description, here, in `--help`, and in the README's
//! table, which a test holds against this file.

mod origin;

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;

use crate::auth::{Authenticator, Secret};

pub use origin::Origin;

/// The database of `serve` and of the commands beside it, where nothing else is said.
const DEFAULT_DATABASE: &str = "sqlite://afterimage.db?mode=rwc";
/// Read where neither the flag nor Afterimage's own variable is given.
const FALLBACK_VARIABLE: &str = "DATABASE_URL";

/// Where the tracked tables, and the log beside them, are.
#[derive(Args, Clone, Debug)]
pub struct DatabaseSettings {
    /// The database that holds the tracked tables and the log: `postgres://…` or `sqlite://…`. Without it
    /// `DATABASE_URL` is read, and without that `sqlite://afterimage.db?mode=rwc` is used.
    #[arg(long, env = "AFTERIMAGE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

impl DatabaseSettings {
    /// The URL that is meant.
    pub fn url(&self) -> String {
        let fallback = || env::var(FALLBACK_VARIABLE).ok().filter(|url| !url.is_empty());
        self.database_url.clone().or_else(fallback).unwrap_or_else(|| DEFAULT_DATABASE.to_owned())
    }
}

/// Who may call.
#[derive(Args, Clone, Debug)]
pub struct AuthSettings {
    /// The secret that signs and checks tokens (HS256), 32 bytes or more. Without it, and on a loopback address only,
    /// the server makes itself one and keeps it in the secret file.
    #[arg(long, env = "AFTERIMAGE_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<Hidden>,

    /// Where the server keeps the secret that it made itself.
    #[arg(long, env = "AFTERIMAGE_JWT_SECRET_FILE", value_name = "FILE", default_value = "afterimage.secret")]
    pub jwt_secret_file: PathBuf,

    /// What must stand in a token's `aud`. Unchecked where unset.
    #[arg(long, env = "AFTERIMAGE_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,

    /// The claim that holds the roles: an array of `admin`, `auditor` and `writer`, in any case.
    #[arg(long, env = "AFTERIMAGE_ROLES_CLAIM", value_name = "CLAIM", default_value = "roles")]
    pub roles_claim: String,
}

impl AuthSettings {
    /// What checks and issues tokens.
    ///
    /// # Errors
    /// Where the secret is too short, or the file cannot be used.
    pub fn authenticator(&self) -> Result<Authenticator, String> {
        let secret = match &self.jwt_secret {
            Some(secret) => Secret::new(secret.0.clone())?,
            None => Secret::of_file(&self.jwt_secret_file)?,
        };
        Ok(Authenticator::new(&secret, self.jwt_audience.clone(), self.roles_claim.clone()))
    }
}

/// A text that is never printed.
#[derive(Clone)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::str::FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Hidden(text.to_owned()))
    }
}

/// How the server serves.
#[derive(Args, Clone, Debug)]
pub struct ServeSettings {
    /// The address to listen on. Port 0 takes a free one. Beyond loopback, `--jwt-secret` is needed.
    #[arg(long, env = "AFTERIMAGE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// A host name under which the server may be called, besides those of loopback. Repeatable; in the environment
    /// separated by commas.
    #[arg(long = "allowed-host", env = "AFTERIMAGE_ALLOWED_HOSTS", value_name = "HOST", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,

    /// An origin whose pages may call the server from a browser, as `https://app.example:8443`. Repeatable; in the
    /// environment separated by commas. Without one, browsers keep answers from pages of other origins.
    #[arg(long = "cors-origin", env = "AFTERIMAGE_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,

    /// A proxy, or a network of them, that is believed when it names the client's address in `Forwarded` or
    /// `X-Forwarded-For`. Repeatable; in the environment separated by commas.
    #[arg(long = "trusted-proxy", env = "AFTERIMAGE_TRUSTED_PROXIES", value_name = "CIDR", value_delimiter = ',',
          value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// The same database with the rights to install triggers, for `trackTable` and `untrackTable`. Without it they use
    /// the server's own role.
    #[arg(long, env = "AFTERIMAGE_OWNER_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub owner_database_url: Option<String>,

    /// How many rows one undo may change without the plan hash of its preview.
    #[arg(long, env = "AFTERIMAGE_UNDO_MAX_ROWS", value_name = "ROWS", default_value_t = 1_000)]
    pub undo_max_rows: usize,

    /// How many seconds a request may take. A query that runs longer is cancelled in the database.
    #[arg(long, env = "AFTERIMAGE_REQUEST_TIMEOUT", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub request_timeout: u64,

    /// How many bytes a request's body may have.
    #[arg(long, env = "AFTERIMAGE_BODY_LIMIT", value_name = "BYTES", default_value_t = 2 * 1024 * 1024)]
    pub body_limit: usize,

    /// How many connections may be open at a time. More have to wait until one of them is closed.
    #[arg(long, env = "AFTERIMAGE_MAX_CONNECTIONS", value_name = "CONNECTIONS", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,
}

impl ServeSettings {
    /// How long a request may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout)
    }
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .map_err(|_| format!("{text:?} is no network: those have the form 10.0.0.0/8, fd00::/8 or 10.0.0.7"))
}
