//! What a plan's fields need of the database.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::fields::{EdgeField, EntryField, Fields, InfoField, PageField};
use crate::audit::{Entry, Result};
use crate::store::{self, Database, Page};

/// Entries that others point at.
#[derive(Default)]
pub(super) struct Related {
    /// By their ids.
    pub(super) by_id: HashMap<i64, Arc<Entry>>,
    /// The latest undo of each entry, by the entry's id.
    pub(super) undo_of: HashMap<i64, Arc<Entry>>,
}

/// A page, and all that its fields tell.
pub(super) struct ListAnswer {
    pub(super) page: Page,
    pub(super) total: i64,
    pub(super) has_older: bool,
    pub(super) has_newer: bool,
    pub(super) related: Related,
}

impl ListAnswer {
    /// Asks for no more than the fields need.
    ///
    /// # Errors
    /// Where the database fails.
    pub(super) async fn fetch(database: &Database, page: Page, fields: &Fields<PageField>) -> Result<ListAnswer> {
        let mut related = Related::default();
        let (mut total, mut has_older, mut has_newer) = (0, false, false);
        for (_, field) in fields {
            match field {
                PageField::Nodes(fields) => related.gather(database, &page.entries, fields).await?,
                PageField::Edges(fields) => {
                    for (_, field) in fields {
                        if let EdgeField::Node(fields) = field {
                            related.gather(database, &page.entries, fields).await?;
                        }
                    }
                }
                PageField::PageInfo(fields) => {
                    for (_, field) in fields {
                        match field {
                            InfoField::HasNextPage => has_older = page.has_older(database).await?,
                            InfoField::HasPreviousPage => has_newer = page.has_newer(database).await?,
                            _ => {}
                        }
                    }
                }
                PageField::TotalCount => total = store::count(database, &page.selection).await?,
                PageField::Typename => {}
            }
        }
        Ok(ListAnswer { page, total, has_older, has_newer, related })
    }
}

impl Related {
    /// Adds what these fields of these entries point at, one query a field.
    ///
    /// # Errors
    /// Where the database fails.
    pub(super) fn gather<'a>(
        &'a mut self,
        database: &'a Database,
        entries: &'a [Arc<Entry>],
        fields: &'a Fields<EntryField>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            for (_, field) in fields {
                let (found, fields) = match field {
                    EntryField::UndoOf(fields) => (self.reversed(database, entries).await?, fields),
                    EntryField::UndoneBy(fields) => (self.undoing(database, entries).await?, fields),
                    _ => continue,
                };
                self.gather(database, &found, fields).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// The entries that these reverse.
    async fn reversed(&mut self, database: &Database, entries: &[Arc<Entry>]) -> Result<Vec<Arc<Entry>>> {
        let ids: Vec<i64> = entries.iter().filter_map(|entry| entry.undo_of).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = store::by_ids(database.dialect, &database.reader, ids).await?;
        let found: Vec<Arc<Entry>> = found.into_iter().map(Arc::new).collect();
        self.by_id.extend(found.iter().map(|entry| (entry.id, Arc::clone(entry))));
        Ok(found)
    }

    /// The latest entries that undo these.
    async fn undoing(&mut self, database: &Database, entries: &[Arc<Entry>]) -> Result<Vec<Arc<Entry>>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
        let found = store::latest_undo_of(database, &ids).await?;
        let found: Vec<Arc<Entry>> = found.into_iter().map(Arc::new).collect();
        self.undo_of.extend(found.iter().filter_map(|entry| Some((entry.undo_of?, Arc::clone(entry)))));
        Ok(found)
    }
}
