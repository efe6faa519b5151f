//! Clients that no one here wrote, run against a server over a real connection. What they do stands in
//! `tests/clients`; each program says what it expected and ends with an error where that was not so.

mod docs;
mod line;
mod program;
mod stage;

use crate::support::{Kind, World, both};

use program::{node, python};
use stage::Stage;

both! {
    async fn apollo(world: World) {
        Stage::set(world).await.run(node("apollo.js")).await;
    }

    async fn graphql_sse(world: World) {
        Stage::set(world).await.run(node("graphql-sse.js")).await;
    }

    async fn graphql_ws(world: World) {
        Stage::set(world).await.run(node("graphql-ws.js")).await;
    }

    async fn python_gql(world: World) {
        Stage::set(world).await.run(python("python_gql.py")).await;
    }

    async fn urql(world: World) {
        Stage::set(world).await.run(node("urql.js")).await;
    }
}

/// What it asserts has nothing to do with the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphql_over_http() {
    Stage::set(World::new(Kind::Sqlite).await).await.run(node("audit.js")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn code_generator() {
    Stage::set(World::new(Kind::Sqlite).await).await.run(node("codegen.js")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphiql() {
    Stage::set(World::new(Kind::Sqlite).await).await.run(node("graphiql.js")).await;
}

/// On both databases, from what the compiler makes once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay() {
    Stage::set(World::new(Kind::Sqlite).await).await.run(node("relay-compiler.js")).await;
    for kind in [Kind::Sqlite, Kind::Postgres] {
        Stage::set(World::new(kind).await).await.run(node("relay.js")).await;
    }
}
