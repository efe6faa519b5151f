//! A small schema, a server over it, and what it takes to call it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::{
    Context, ErrorExtensions as _, Executor, InputValueResult, Object, Scalar, ScalarType, Schema, Subscription, Value,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use tower::ServiceExt as _;

use crate::audit::{Error, Result};
use crate::auth::ClientAddress;
use crate::auth::{Authenticator, Caller, Role, Secret, TokenRequest};
use crate::graphql::Resume;
use crate::http::{Health, HttpSettings, PersistedQueries, Plans, State, router};

/// A value as the server took it.
pub struct Anything(Value);

#[Scalar]
impl ScalarType for Anything {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Anything(value))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

pub struct Query;

#[Object]
impl Query {
    async fn echo(&self, value: Anything) -> Anything {
        value
    }

    async fn int(&self, value: i32) -> i32 {
        value
    }

    async fn caller(&self, ctx: &Context<'_>) -> async_graphql::Result<String> {
        Ok(format!("{} from {:?}", ctx.data::<Caller>()?.user_id, ctx.data::<ClientAddress>()?.0))
    }

    async fn leaks(&self) -> async_graphql::Result<bool> {
        Err("no such table: secrets".into())
    }

    async fn panics(&self, because: Option<String>) -> bool {
        because.expect("on purpose").is_empty()
    }

    async fn never(&self) -> bool {
        std::future::pending().await
    }

    /// How much `flood` has told by now.
    async fn told(&self, ctx: &Context<'_>) -> usize {
        ctx.data_unchecked::<Arc<Flood>>().told.load(Ordering::SeqCst)
    }
}

/// How often `touch` ran.
#[derive(Clone, Default)]
pub struct Touches(Arc<AtomicUsize>);

impl Touches {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn touch(&self, ctx: &Context<'_>) -> usize {
        ctx.data_unchecked::<Touches>().0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

pub struct Subscription;

#[Subscription]
impl Subscription {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn forever(&self) -> impl Stream<Item = i32> {
        stream::iter([1]).chain(stream::pending())
    }

    async fn forbidden(&self) -> async_graphql::Result<impl Stream<Item = i32>> {
        Err::<stream::Empty<i32>, _>(Error::forbidden("this needs the role ADMIN")).map_err(|error| {
            async_graphql::Error::new(error.message()).extend_with(|_, values| values.set("code", "FORBIDDEN"))
        })
    }

    async fn breaks(&self) -> impl Stream<Item = async_graphql::Result<i32>> {
        stream::iter([Ok(1), Err("no such table: secrets".into())])
    }

    /// As fast as it is read.
    async fn flood(&self, ctx: &Context<'_>) -> impl Stream<Item = usize> + use<> {
        let flood = Arc::clone(ctx.data_unchecked::<Arc<Flood>>());
        let guard = Listener::of(&flood);
        stream::repeat_with(move || {
            let _ = &guard;
            flood.told.fetch_add(1, Ordering::SeqCst) + 1
        })
    }

    /// Numbers up to ten, behind the one that the transport names or else `after`; each number is its own cursor.
    async fn numbers(
        &self,
        ctx: &Context<'_>,
        after: Option<i32>,
    ) -> async_graphql::Result<impl Stream<Item = i32> + use<>> {
        let resume = ctx.data_opt::<Resume>().cloned().unwrap_or_default();
        let after = resume.cursor().map(str::parse).transpose()?.or(after).unwrap_or(0);
        Ok(stream::iter(after + 1..=10).map(move |number| {
            resume.pass(number.to_string());
            number
        }))
    }

    async fn breaks_down(&self) -> impl Stream<Item = i32> {
        stream::iter([1, 2]).map(|number| if number == 1 { number } else { panic!("on purpose") })
    }
}

/// What `flood` has told, and to how many who still listen.
#[derive(Default)]
pub struct Flood {
    pub told: AtomicUsize,
    pub listeners: AtomicUsize,
}

struct Listener(Arc<Flood>);

impl Listener {
    fn of(flood: &Arc<Flood>) -> Self {
        flood.listeners.fetch_add(1, Ordering::SeqCst);
        Listener(Arc::clone(flood))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

pub type ToySchema = Schema<Query, Mutation, Subscription>;

pub struct Reports(pub Option<&'static str>);

impl Health for Reports {
    fn ready(&self) -> BoxFuture<'_, Result<Vec<String>>> {
        let report = match self.0 {
            Some(reason) => Err(Error::unavailable(reason)),
            None => Ok(vec!["the role is superuser".to_owned()]),
        };
        async { report }.boxed()
    }
}

/// A server's state with short patience, and the count of `touch`.
pub struct World {
    pub state: State<ToySchema>,
    pub touches: Touches,
    pub flood: Arc<Flood>,
}

impl World {
    pub fn new() -> Self {
        World::with(|_| ())
    }

    pub fn with(configure: impl FnOnce(&mut HttpSettings)) -> Self {
        let (touches, flood) = (Touches::default(), Arc::new(Flood::default()));
        let secret = Secret::new("0123456789abcdef0123456789abcdef".to_owned()).unwrap();
        let mut settings =
            HttpSettings { body_limit: 10_000, request_timeout: Duration::from_millis(300), ..HttpSettings::default() };
        configure(&mut settings);
        let state = State {
            schema: Schema::build(Query, Mutation, Subscription)
                .data(touches.clone())
                .data(Arc::clone(&flood))
                .finish(),
            authenticator: Arc::new(Authenticator::new(&secret, None, "roles")),
            settings: Arc::new(settings),
            persisted: PersistedQueries::default(),
            plans: Plans::none(),
            health: Arc::new(Reports(None)),
        };
        World { state, touches, flood }
    }

    pub fn with_broken_database() -> Self {
        let mut world = World::new();
        world.state.health = Arc::new(Reports(Some("connection refused by 10.0.0.9")));
        world
    }

    /// `Bearer …` of user 42, for so many seconds.
    pub fn bearer(&self, seconds: i64) -> String {
        let request = TokenRequest {
            user_id: "42".to_owned(),
            username: None,
            roles: vec![Role::Admin],
            lifetime: chrono::Duration::seconds(seconds),
        };
        format!("Bearer {}", self.state.authenticator.issue(&request, chrono::Utc::now()).unwrap())
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(router(self.state.clone(), axum::Router::new()).oneshot(request).await.unwrap()).await
    }

    /// The same server over another schema.
    pub fn router_over<E: Executor>(&self, schema: E) -> Router {
        let State { authenticator, settings, persisted, plans, health, .. } = self.state.clone();
        router(State { schema, authenticator, settings, persisted, plans, health }, Router::new())
    }

    /// The answer with its body still open.
    pub async fn open(&self, request: Request<Body>) -> Response<Body> {
        router(self.state.clone(), Router::new()).oneshot(request).await.unwrap()
    }

    /// POSTs a body of JSON with a token.
    pub async fn post(&self, body: &str) -> Answer {
        self.send(self.request("POST", "/graphql").body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A request with a host, a token, and JSON both ways.
    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header(header::AUTHORIZATION, self.bearer(60))
            .header(header::ACCEPT, "application/graphql-response+json")
            .header(header::CONTENT_TYPE, "application/json")
    }
}

/// An answer with its body read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.into()).unwrap() }
    }

    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the one error.
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{self:?}");
        assert!(body.get("data").is_none_or(serde_json::Value::is_null), "{self:?}");
        body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    }
}
