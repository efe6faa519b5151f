//! The tests' own ground, tested: what every other test takes for granted.

use sqlx::{Connection, PgConnection};
use std::process::Command;

use crate::support::cluster::{self, Cluster};
use crate::support::{Kind, World, both};

both! {
    /// Two worlds at once, so that what one writes the other would see if they were one.
    async fn worlds_are_apart(world: World) {
        let other = World::new(world.kind).await;
        assert_ne!(world.folder.path(), other.folder.path());
        world.sql("create table t (n integer); insert into t values (1)").await;
        other.sql("create table t (n integer)").await;
        assert_eq!(world.scalar("select count(*) from t").await, "1");
        assert_eq!(other.scalar("select count(*) from t").await, "0");
    }

    async fn values_come_back_as_text(world: World) {
        let blob = match world.kind {
            Kind::Sqlite => "x'00ff'",
            Kind::Postgres => "'00ff'",
        };
        let rows = world.rows(&format!("select 9007199254740993, 0.5, 'Ä', {blob}, null")).await;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(rows, [[some("9007199254740993"), some("0.5"), some("Ä"), some("00ff"), None]]);
    }

    async fn foreign_keys_are_enforced(world: World) {
        world.sql("create table a (id integer primary key); create table b (a integer references a)").await;
        assert!(world.try_sql("insert into b values (1)").await.is_err());
    }
}

#[tokio::test]
async fn a_template_is_prepared_once() {
    let prepare = async |url: String| {
        let mut connection = PgConnection::connect(&url).await.expect("the template can be reached");
        sqlx::raw_sql("create table prepared (n integer)").execute(&mut connection).await.expect("once");
        connection.close().await.expect("closed");
    };
    let cluster = cluster::shared();
    let (one, two) = tokio::join!(cluster.database_like("harness", prepare), cluster.database_like("harness", prepare));
    assert_ne!(one, two);
    for url in [one, two] {
        let mut connection = PgConnection::connect(&url).await.expect("the copy can be reached");
        sqlx::raw_sql("select n from prepared").execute(&mut connection).await.expect("the copy has the table");
    }
}

#[tokio::test]
async fn a_private_cluster_can_go_away_and_come_back() {
    let cluster = Cluster::start();
    let url = cluster.database().await;
    assert!(PgConnection::connect(&url).await.is_ok());
    cluster.crash();
    assert!(PgConnection::connect(&url).await.is_err());
    cluster.restart();
    assert!(PgConnection::connect(&url).await.is_ok());
    cluster.stop();
    assert!(PgConnection::connect(&url).await.is_err());
}

/// Psql of the same version is there for the tests that need a foreign program.
#[tokio::test]
async fn psql_reaches_the_cluster() {
    let cluster = cluster::shared();
    let output =
        Command::new(cluster.program("psql")).arg(cluster.url("postgres")).args(["-Atc", "select 6 * 7"]).output();
    assert_eq!(output.expect("psql runs").stdout, b"42\n");
}
