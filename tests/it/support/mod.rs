//! What the tests stand on: a database of their own, on both kinds, and plain SQL as an application would run it.

mod api;
pub mod cluster;
mod keeper;
mod log;
mod postgres_binaries;
mod random;
mod socket;
mod world;

pub use api::{Api, auth_settings, serve_settings};
pub use log::by_hand;
pub use random::{runner, seed};
pub use socket::Socket;
pub use world::{Kind, World};

/// Writes a test once and runs it on both databases, as `name::sqlite` and `name::postgres`.
///
/// ```ignore
/// both! {
///     /// A change is recorded whoever makes it.
///     async fn an_update_records_both_images(world: World) {
///         world.sql("…").await;
///     }
/// }
/// ```
macro_rules! both {
    ($($(#[$attribute:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test uses all that its file imports")]
            use super::*;

            $(#[$attribute])*
            async fn scenario($world: $crate::support::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                scenario($crate::support::World::new($crate::support::Kind::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                scenario($crate::support::World::new($crate::support::Kind::Postgres).await).await;
            }
        }
    )+};
}

pub(crate) use both;
