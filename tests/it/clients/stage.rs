//! What the clients meet: a server with a log of a thousand entries, a line to it that can be cut, and someone who
//! writes to the database by other ways.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use afterimage::auth::Role;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::line::Line;
use super::program::Program;
use crate::support::{Api, World};

/// One row for each entry that the clients page through.
const ROWS: &str = "
    create table products (id integer primary key, name text not null, price integer not null);
";
const FILL: &str = "
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
    insert into products (id, name, price) select i, 'Lamp ' || i, 1 from n
";

/// Server, line and hand for one client.
pub struct Stage {
    hand: Hand,
    token: String,
    hand_address: SocketAddr,
    /// Ended with the stage.
    _tasks: JoinSet<()>,
}

/// What a client can ask the stage to do.
#[derive(Clone)]
struct Hand {
    world: Arc<World>,
    line: Line,
}

impl Stage {
    pub async fn set(world: World) -> Stage {
        let api = Api::start(&world).await;
        world.sql(ROWS).await;
        api.track("products").await;
        world.sql(FILL).await;
        let token = api.token(&[Role::Admin]);
        let line = Line::to(api.server.address().expect("the server's address")).await;
        let mut tasks = JoinSet::new();
        tasks.spawn(async { api.server.serve(pending()).await.expect("the server serves") });
        let hand = Hand { world: Arc::new(world), line };
        let router = Router::new()
            .route("/sql", post(|State(hand): State<Hand>, sql: String| async move { hand.world.sql(&sql).await }))
            .route("/cut", post(|State(hand): State<Hand>| async move { hand.line.cut().await }))
            .route("/mend", post(|State(hand): State<Hand>| async move { hand.line.mend().await }))
            .with_state(hand.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let hand_address = listener.local_addr().expect("its number");
        tasks.spawn(async { axum::serve(listener, router).await.expect("the hand serves") });
        Stage { hand, token, hand_address, _tasks: tasks }
    }

    /// Runs a client to its end, which has to be a good one.
    pub async fn run(&self, program: Program) {
        let environment = [
            ("AFTERIMAGE_URL", format!("http://{}/graphql", self.hand.line.address)),
            ("AFTERIMAGE_TOKEN", self.token.clone()),
            ("STAGE_URL", format!("http://{}", self.hand_address)),
        ];
        let ended = tokio::task::spawn_blocking(move || program.run(&environment)).await.expect("it is waited for");
        ended.unwrap_or_else(|told| panic!("{told}"));
    }
}
