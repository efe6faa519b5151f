//! What is kept of counts and of the trash says what the log says: whatever was written, whenever it was brought forward.

mod broken;
mod eras;
mod keeping;
mod random;
mod truth;

use afterimage::audit::{Entry, Filter};
use afterimage::store::{self, Database, Folded};

use crate::support::{Kind, World};

/// All entries, the oldest id first.
async fn entries(database: &Database) -> Vec<Entry> {
    let everything = sea_orm::sea_query::Expr::cust("TRUE");
    store::matching(database.dialect, &database.reader, everything).await.expect("the log")
}

/// Brings everything forward.
async fn fold_all(database: &Database) {
    while store::fold(database).await.expect("a fold") == Folded::Part {}
}

/// Whether the counters answer, up to whatever place.
async fn is_counted(world: &World) -> bool {
    world.scalar(&format!("select count(*) from {}", table(world, "rollup_position"))).await == "1"
}

fn table(world: &World, name: &str) -> String {
    match world.kind {
        Kind::Sqlite => format!("afterimage_{name}"),
        Kind::Postgres => format!("afterimage.{name}"),
    }
}

/// What the counters and the trash say is true, asked of everything.
async fn is_exact(world: &World, database: &Database) {
    let wrong = truth::Truth::of(world, database).await.contradiction(database, &Filter::everything()).await;
    assert_eq!(wrong, None);
}
