//! Entries that other entries point at, fetched together: a page asks once, not once for each of its entries.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};

use super::entry::AuditLog;
use super::error::{ApiError, Result};
use crate::audit;
use crate::store::{self, Database};

/// The entry of this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryById(pub i64);

/// The latest entry that undoes the one of this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LatestUndoOf(pub i64);

/// Fetches entries by what points at them.
pub struct EntryLoader(pub Database);

impl EntryLoader {
    /// What a resolver asks for.
    pub(super) async fn of<K>(ctx: &Context<'_>, key: K) -> Result<Option<AuditLog>>
    where
        K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
        EntryLoader: Loader<K, Value = AuditLog, Error = ApiError>,
    {
        let loader = ctx
            .data::<DataLoader<EntryLoader>>()
            .map_err(|_| audit::Error::internal("the schema was built without a loader"))?;
        loader.load_one(key).await
    }
}

impl Loader<EntryById> for EntryLoader {
    type Value = AuditLog;
    type Error = ApiError;

    async fn load(&self, keys: &[EntryById]) -> Result<HashMap<EntryById, AuditLog>> {
        let ids = keys.iter().map(|key| key.0);
        let entries = store::by_ids(self.0.dialect, &self.0.reader, ids).await?;
        Ok(entries.into_iter().map(|entry| (EntryById(entry.id), AuditLog(Arc::new(entry)))).collect())
    }
}

impl Loader<LatestUndoOf> for EntryLoader {
    type Value = AuditLog;
    type Error = ApiError;

    async fn load(&self, keys: &[LatestUndoOf]) -> Result<HashMap<LatestUndoOf, AuditLog>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let entries = store::latest_undo_of(&self.0, &ids).await?;
        let undo_of = |entry: audit::Entry| Some((LatestUndoOf(entry.undo_of?), AuditLog(Arc::new(entry))));
        Ok(entries.into_iter().filter_map(undo_of).collect())
    }
}
