//! Faults, and what takes too long.

use std::convert::Infallible;

use afterimage::auth::Role;
use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use super::{get, post, request, send};
use crate::support::{Api, Kind, both, by_hand};

both! {
    async fn a_fault_shows_nothing_of_the_database(world: World) {
        let api = Api::start(&world).await;
        world.sql(match world.kind {
            Kind::Sqlite => "drop table afterimage_log",
            Kind::Postgres => "drop table afterimage.log cascade",
        }).await;
        let answers = [
            get(&api, "").await, get(&api, "/user/1").await, get(&api, "/action/READ").await, get(&api, "/trash").await,
            get(&api, "/summary").await, get(&api, "/t/1").await, get(&api, "/1").await,
            post(&api, "", by_hand("x", json!({})).to_string()).await, post(&api, "/1/undo", "").await,
        ];
        for answer in answers {
            let detail = answer.problem(500, "INTERNAL_SERVER_ERROR");
            let id = detail.strip_prefix("an internal error occurred; the server's log has it as ").expect(&detail);
            assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{detail}");
        }
    }

    /// On PostgreSQL no one can read the log while its table is locked; on SQLite no one can write while another does.
    async fn what_the_database_does_not_let_go_of_is_unavailable(world: World) {
        let api = Api::start_with(&world, |settings| settings.request_timeout = 1).await;
        let body = by_hand("x", json!({})).to_string();
        match world.kind {
            Kind::Postgres => {
                let mut other = PgConnection::connect(&world.database_url).await.unwrap();
                sqlx::raw_sql("begin; lock table afterimage.log in access exclusive mode").execute(&mut other).await.unwrap();
                get(&api, "").await.problem(503, "UNAVAILABLE");
                post(&api, "", body.clone()).await.problem(503, "UNAVAILABLE");
                other.close().await.unwrap();
            }
            Kind::Sqlite => {
                let mut other = SqliteConnection::connect(&world.database_url).await.unwrap();
                sqlx::raw_sql("begin immediate").execute(&mut other).await.unwrap();
                get(&api, "").await.good();
                post(&api, "", body.clone()).await.problem(503, "UNAVAILABLE");
                other.close().await.unwrap();
            }
        }
    }

    async fn a_body_that_does_not_end_is_not_waited_for(world: World) {
        let api = Api::start_with(&world, |settings| settings.request_timeout = 1).await;
        for path in ["/api/auditLog", "/api/auditLog/1/undo"] {
            let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
            let endless = Body::from_stream(futures_util::StreamExt::chain(begun, stream::pending()));
            let request = request(&api, &[Role::Admin], "POST", path).header("content-type", "application/json");
            send(&api, request.body(endless).unwrap()).await.problem(408, "UNAVAILABLE");
        }
    }
}
