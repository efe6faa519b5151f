//! What the clients meet: a server with a log of a thousand entries, a line to it that can be cut, another
//! server to take its place, and someone who writes to the database by other ways.

use std::net::SocketAddr;
use std::sync::Arc;

use afterimage::auth::Role;
use afterimage::server::Server;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

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
}

/// What a client can ask the stage to do.
#[derive(Clone)]
struct Hand {
    world: Arc<World>,
    line: Line,
    served: Arc<Mutex<Option<Served>>>,
}

/// A server that runs.
struct Served {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    fn start(server: Server) -> Served {
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.expect("the stage is there as long as the server") };
        let task = tokio::spawn(async { server.serve(stopped).await.expect("the server serves") });
        Served { stop, task }
    }
}

impl Hand {
    async fn stop(&self) {
        let Served { stop, task } = self.served.lock().await.take().expect("a server that runs");
        stop.send(()).expect("it listens");
        task.await.expect("it ends");
    }

    async fn start(&self) {
        let server = Api::start(&self.world).await.server;
        self.line.lead_to(server.address().expect("its address")).await;
        *self.served.lock().await = Some(Served::start(server));
    }
}

impl Stage {
    pub async fn set(world: World) -> Stage {
        let api = Api::start(&world).await;
        world.sql(ROWS).await;
        api.track("products").await;
        world.sql(FILL).await;
        let token = api.token(&[Role::Admin]);
        let line = Line::to(api.server.address().expect("the server's address")).await;
        let served = Arc::new(Mutex::new(Some(Served::start(api.server))));
        let hand = Hand { world: Arc::new(world), line, served };
        let router = Router::new()
            .route("/sql", post(|State(hand): State<Hand>, sql: String| async move { hand.world.sql(&sql).await }))
            .route("/cut", post(|State(hand): State<Hand>| async move { hand.line.cut().await }))
            .route("/mend", post(|State(hand): State<Hand>| async move { hand.line.mend().await }))
            .route("/stop", post(|State(hand): State<Hand>| async move { hand.stop().await }))
            .route("/start", post(|State(hand): State<Hand>| async move { hand.start().await }))
            .with_state(hand.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let hand_address = listener.local_addr().expect("its number");
        tokio::spawn(async { axum::serve(listener, router).await.expect("the hand serves") });
        Stage { hand, token, hand_address }
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
