//! stub until the real one is merged
use std::sync::Arc;
use crate::audit::*;
use crate::store::Database;
#[derive(Clone)]
pub struct Feed;
impl Feed {
    pub fn new(_d: Database) -> Feed { Feed }
    pub fn wake(&self) {}
    pub async fn subscribe(&self, _f: Filter) -> Result<futures_util::stream::Empty<Result<Arc<Entry>>>> { Ok(futures_util::stream::empty()) }
}
