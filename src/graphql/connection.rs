//! Pages of entries, as Relay asks for them.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};

use super::context::ContextExt;
use super::entry::AuditLog;
use super::error::Result;
use super::scalars::Long;
use crate::audit::{PageRequest, Position};
use crate::store::{self, Page, Selection};

/// A page.
pub struct AuditLogConnection(Page);

/// An entry and its place in the list.
#[derive(SimpleObject)]
pub struct AuditLogEdge {
    /// Names the place: pass it as `after` or `before`.
    cursor: String,
    /// The entry.
    node: AuditLog,
}

impl AuditLogConnection {
    /// Fetches a page.
    pub(super) async fn fetch(ctx: &Context<'_>, selection: Selection, request: PageRequest) -> Result<Self> {
        Ok(AuditLogConnection(Page::read(&ctx.services()?.database, selection, request).await?))
    }

    fn nodes(&self) -> impl Iterator<Item = AuditLog> {
        self.0.entries.iter().map(|entry| AuditLog(Arc::clone(entry)))
    }
}

/// A page of entries, the most recent first, and what there is around it.
#[Object]
impl AuditLogConnection {
    /// The entries with their places.
    async fn edges(&self) -> Vec<AuditLogEdge> {
        self.nodes().map(|node| AuditLogEdge { cursor: Position::of(&node.0).to_cursor(), node }).collect()
    }

    /// The entries.
    #[graphql(name = "nodes")]
    async fn all_nodes(&self) -> Vec<AuditLog> {
        self.nodes().collect()
    }

    /// What there is around this page.
    async fn page_info(&self) -> PageInfo<'_> {
        PageInfo(&self.0)
    }

    /// How many entries match in all. Counted only when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(store::count(&ctx.services()?.database, &self.0.selection).await?))
    }
}

/// A page, seen from its ends.
pub struct PageInfo<'a>(&'a Page);

/// What there is around a page. The list runs from the most recent entry to the oldest: the next page is older.
#[Object]
impl PageInfo<'_> {
    /// Whether older entries follow. Exact.
    async fn has_next_page(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.0.has_older(&ctx.services()?.database).await?)
    }

    /// Whether more recent entries precede. Exact.
    async fn has_previous_page(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.0.has_newer(&ctx.services()?.database).await?)
    }

    /// The place of the first entry of the page; null where it has none.
    async fn start_cursor(&self) -> Option<String> {
        self.0.start().map(Position::to_cursor)
    }

    /// The place of the last entry of the page; null where it has none.
    async fn end_cursor(&self) -> Option<String> {
        self.0.end().map(Position::to_cursor)
    }
}
