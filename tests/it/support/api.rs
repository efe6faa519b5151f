//! A server over a test's database, and callers of its API.

use afterimage::auth::{Role, TokenRequest};
use afterimage::config::{AuthSettings, Hidden, ServeSettings};
use afterimage::demo;
use afterimage::server::Server;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::{Duration, Utc};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::World;

/// A server in this process, called without a network between.
pub struct Api {
    pub server: Server,
}

impl Api {
    /// A server over the world's database, as it is.
    pub async fn start(world: &World) -> Api {
        Api::start_with(world, |_| {}).await
    }

    /// The same with other settings.
    pub async fn start_with(world: &World, change: impl FnOnce(&mut ServeSettings)) -> Api {
        let mut settings = serve_settings();
        change(&mut settings);
        let server =
            Server::prepare(&world.database_url, &auth_settings(), &settings).await.expect("the server starts");
        Api { server }
    }

    /// A server over the sample tables of stockroom and workshop, empty and not yet tracked.
    pub async fn with_tables(world: &World) -> Api {
        let api = Api::start(world).await;
        demo::create_tables(&api.server.services.database).await.expect("the sample tables are made");
        api
    }

    /// A server over both sample worlds, empty and tracked.
    pub async fn with_worlds(world: &World) -> Api {
        let api = Api::with_tables(world).await;
        for table in demo::TABLES {
            api.track(table).await;
        }
        api
    }

    /// Tracks a table.
    pub async fn track(&self, table: &str) {
        let mutation = "mutation($t: String!) { trackTable(input: {tableName: $t}) { trackedTable { tableName } } }";
        self.ask(mutation, json!({"t": table})).await;
    }

    /// A token for a caller `42` called `ann` with these roles.
    pub fn token(&self, roles: &[Role]) -> String {
        let request = TokenRequest {
            user_id: "42".into(),
            username: Some("ann".into()),
            roles: roles.to_vec(),
            lifetime: Duration::hours(1),
        };
        self.server.authenticator.issue(&request, Utc::now()).expect("a token is issued")
    }

    /// What an administrator gets who asks this; there are no errors.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self.answer_as(&[Role::Admin], query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}\nto: {query}");
        answer["data"].clone()
    }

    /// The code and the sentence of the error that an administrator gets who asks this.
    pub async fn refusal(&self, query: &str, variables: Value) -> (String, String) {
        self.refusal_as(&[Role::Admin], query, variables).await
    }

    /// The code and the sentence of the error that a caller of these roles gets.
    pub async fn refusal_as(&self, roles: &[Role], query: &str, variables: Value) -> (String, String) {
        let answer = self.answer_as(roles, query, variables).await;
        let error = &answer["errors"][0];
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no error in {answer}")).to_owned();
        (text(&error["extensions"]["code"]), text(&error["message"]))
    }

    /// The whole answer that a caller of these roles gets.
    pub async fn answer_as(&self, roles: &[Role], query: &str, variables: Value) -> Value {
        let body = json!({"query": query, "variables": variables}).to_string();
        let (_, text) = self.post(&self.token(roles), &body).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Status and body of the answer to a POST of this body, as it is.
    pub async fn post(&self, token: &str, body: &str) -> (StatusCode, String) {
        let request = Request::post("http://localhost/graphql")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(body.to_owned()))
            .expect("a request");
        self.send(request).await
    }

    /// Status and body of the answer to a request.
    pub async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let answer = self.server.router.clone().oneshot(request).await.expect("a router always answers");
        let status = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a whole body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }
}

/// A secret of the tests' own.
pub fn auth_settings() -> AuthSettings {
    AuthSettings {
        jwt_secret: Some(Hidden("a secret of the tests, 32 bytes or more".into())),
        jwt_secret_file: "unused".into(),
        jwt_audience: None,
        roles_claim: "roles".into(),
    }
}

/// The defaults, on a free port.
pub fn serve_settings() -> ServeSettings {
    ServeSettings {
        listen: "127.0.0.1:0".parse().expect("an address"),
        allowed_hosts: Vec::new(),
        cors_origins: Vec::new(),
        trusted_proxies: Vec::new(),
        owner_database_url: None,
        undo_max_rows: 1_000,
        request_timeout: 30,
        body_limit: 2 * 1024 * 1024,
        max_connections: 20_000,
    }
}
