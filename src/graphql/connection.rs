//! Pages of entries, as Relay asks for them.

use async_graphql::{Context, Object, SimpleObject};

use super::context::ContextExt;
use super::entry::AuditLog;
use super::error::Result;
use super::scalars::Long;
use crate::audit::{Entry, PageRequest, PageSide, Position};
use crate::store::{self, Beyond, Selection};

/// A page, and how it was asked for.
pub struct AuditLogConnection {
    selection: Selection,
    request: PageRequest,
    nodes: Vec<AuditLog>,
    /// Whether more lie beyond the end at which the page was cut off.
    more: bool,
}

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
        let (entries, more) = store::page(&ctx.services()?.database, &selection, &request).await?;
        let nodes = entries.into_iter().map(AuditLog::from).collect();
        Ok(AuditLogConnection { selection, request, nodes, more })
    }
}

/// A page of entries, the most recent first, and what there is around it.
#[Object]
impl AuditLogConnection {
    /// The entries with their places.
    async fn edges(&self) -> Vec<AuditLogEdge> {
        let edge = |node: &AuditLog| AuditLogEdge { cursor: Position::of(&node.0).to_cursor(), node: node.clone() };
        self.nodes.iter().map(edge).collect()
    }

    /// The entries.
    async fn nodes(&self) -> &[AuditLog] {
        &self.nodes
    }

    /// What there is around this page.
    async fn page_info(&self) -> PageInfo<'_> {
        PageInfo(self)
    }

    /// How many entries match in all. Counted only when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Long> {
        Ok(Long(store::count(&ctx.services()?.database, &self.selection).await?))
    }
}

/// A page, seen from its ends.
pub struct PageInfo<'a>(&'a AuditLogConnection);

impl PageInfo<'_> {
    fn first(&self) -> Option<&Entry> {
        self.0.nodes.first().map(|node| &*node.0)
    }

    fn last(&self) -> Option<&Entry> {
        self.0.nodes.last().map(|node| &*node.0)
    }

    async fn exists(&self, ctx: &Context<'_>, place: Position, side: Beyond) -> Result<bool> {
        Ok(store::exists_beyond(&ctx.services()?.database, &self.0.selection, place, side).await?)
    }
}

/// What there is around a page. The list runs from the most recent entry to the oldest: the next page is older.
#[Object]
impl PageInfo<'_> {
    /// Whether older entries follow. Exact.
    async fn has_next_page(&self, ctx: &Context<'_>) -> Result<bool> {
        let request = &self.0.request;
        if request.side == PageSide::First && (self.0.more || request.before.is_none()) {
            return Ok(self.0.more);
        }
        match (self.last(), request.before) {
            (Some(last), _) => self.exists(ctx, Position::of(last), Beyond::Older).await,
            // Nothing is more recent than the place: what there is lies at it or behind it.
            (None, Some(before)) => {
                self.exists(ctx, Position { id: before.id.saturating_add(1), ..before }, Beyond::Older).await
            }
            (None, None) => Ok(false),
        }
    }

    /// Whether more recent entries precede. Exact.
    async fn has_previous_page(&self, ctx: &Context<'_>) -> Result<bool> {
        let request = &self.0.request;
        if request.side == PageSide::Last && (self.0.more || request.after.is_none()) {
            return Ok(self.0.more);
        }
        // Such a page begins where the list does, whatever it ends before.
        if request.side == PageSide::First && request.after.is_none() && request.offset == 0 {
            return Ok(false);
        }
        match (self.first(), request.after) {
            (Some(first), _) => self.exists(ctx, Position::of(first), Beyond::Newer).await,
            (None, Some(after)) => {
                self.exists(ctx, Position { id: after.id.saturating_sub(1), ..after }, Beyond::Newer).await
            }
            (None, None) => {
                let earliest = Position { timestamp: chrono::DateTime::UNIX_EPOCH, id: 0 };
                self.exists(ctx, earliest, Beyond::Newer).await
            }
        }
    }

    /// The place of the first entry of the page; null where it has none.
    async fn start_cursor(&self) -> Option<String> {
        self.first().map(|entry| Position::of(entry).to_cursor())
    }

    /// The place of the last entry of the page; null where it has none.
    async fn end_cursor(&self) -> Option<String> {
        self.last().map(|entry| Position::of(entry).to_cursor())
    }
}
