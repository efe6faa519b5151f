//! The GraphQL API.

use async_graphql::{Context, EmptyMutation, Object, Subscription};
use futures_util::Stream;

/// The schema of the server.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, Subscription_>;

pub struct Query;
#[Object]
impl Query {
    async fn hello(&self, _ctx: &Context<'_>) -> &str {
        "world"
    }
}
pub struct Subscription_;
#[Subscription]
impl Subscription_ {
    async fn numbers(&self) -> impl Stream<Item = i32> {
        futures_util::stream::iter(0..3)
    }
}
