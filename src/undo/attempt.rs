//! One attempt: the plan, under locks, and its performance, in one transaction.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;

use super::carry_out::carry_out;
use super::history::History;
use super::outcome::{Outcome, read_back};
use super::parents::must_have_parents;
use super::plan::Plan;
use super::planner::{Bound, Manner, Planner};
use super::rows::Rows;
use super::service::{Request, Subject};
use super::tables::Tables;
use super::view::View;
use crate::audit::{Entry, Error, Result};
use crate::store::{self, Database, ServerContext, Write};

/// How many rows an undo may change at the most, whatever the caller has seen and the server allows, and how many entries
/// a transaction may have that is undone. Plans are made in memory.
pub(super) const MAX_PLAN_ROWS: usize = 50_000;

/// An undo within its transaction.
pub(super) struct Attempt<'a> {
    database: &'a Database,
    request: &'a Request,
    write: Write<'a>,
    /// What is undone, in the order in which it was done.
    entries: Vec<Entry>,
}

impl<'a> Attempt<'a> {
    /// Begins, and finds what is to be undone.
    pub(super) async fn begin(database: &'a Database, request: &'a Request) -> Result<Attempt<'a>> {
        let write = Write::begin(database).await?;
        let entries = Attempt::subject(database, &write.transaction, request).await?;
        Ok(Attempt { database, request, write, entries })
    }

    /// What is to be undone, in the order in which it was done: at least one entry.
    pub(super) async fn subject(
        database: &Database,
        connection: &impl ConnectionTrait,
        request: &Request,
    ) -> Result<Vec<Entry>> {
        let entries = match &request.subject {
            Subject::Entry { id, .. } => store::by_ids(database.dialect, connection, [*id]).await?,
            Subject::Transaction(id) => {
                let most = MAX_PLAN_ROWS as u64 + 1;
                store::some_of_transaction(database.dialect, connection, id, most).await?
            }
        };
        if entries.is_empty() {
            return Err(Error::not_found(match &request.subject {
                Subject::Entry { id, .. } => format!("there is no entry {id}"),
                Subject::Transaction(id) => format!("there is no transaction {id:?} in the log"),
            }));
        }
        Ok(entries)
    }

    /// The entry, or the last of the transaction.
    pub(super) fn entry(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// Whether a whole transaction is undone.
    fn whole(&self) -> bool {
        matches!(self.request.subject, Subject::Transaction(_))
    }

    pub(super) async fn rows(&self) -> Result<Rows<'_>> {
        Rows::open(self.database.kind, &self.write.transaction).await
    }

    fn history(&self) -> History<'_> {
        History { database: self.database, transaction: &self.write.transaction }
    }

    /// The plan. The rows that it is about are locked from here on.
    pub(super) async fn plan(&self, rows: &Rows<'_>, bound: Bound) -> Result<Plan> {
        if self.entries.len() > MAX_PLAN_ROWS {
            return Err(Error::conflict(format!(
                "the transaction has more than {MAX_PLAN_ROWS} entries, which is more than one undo can reverse"
            )));
        }
        let manner = if self.whole() { Manner::AllOrNone } else { Manner::FieldByField };
        let mut planner = Planner {
            history: self.history(),
            rows,
            tables: Tables::new(self.database, rows),
            view: View::new(rows),
            manner,
            bound,
            steps: Vec::new(),
            needs: Vec::new(),
            skipped: Vec::new(),
            watched: Vec::new(),
            defaults: HashMap::new(),
        };
        let last = self.entry().ok_or_else(|| Error::internal("there is nothing to undo"))?;
        match &self.request.subject {
            Subject::Entry { restore_linked, .. } => planner.reverse_entry(last, *restore_linked).await?,
            Subject::Transaction(_) => planner.reverse_transaction(&self.entries).await?,
        }
        let entries: Vec<&Entry> = self.entries.iter().collect();
        planner.finish(&self.request.subject.to_string(), &entries, last.clone()).await
    }

    /// Carries the plan out, and tells what came of it.
    pub(super) async fn perform(&self, rows: &Rows<'_>, plan: &Plan) -> Result<Outcome> {
        self.write.act_as(&context(self.request)).await?;
        let corrections = carry_out(&self.write, rows, plan).await?;
        let outcome = read_back(self.history(), rows, plan, &corrections, self.whole()).await?;
        must_have_parents(rows, &mut Tables::new(self.database, rows), &outcome.entries).await?;
        Ok(outcome)
    }

    pub(super) async fn commit(self) -> Result<()> {
        self.write.commit().await
    }

    pub(super) async fn roll_back(self) -> Result<()> {
        self.write.roll_back().await
    }
}

fn context(request: &Request) -> ServerContext {
    ServerContext {
        user_id: request.actor.user_id.clone(),
        username: request.actor.username.clone(),
        description: request.reason.clone(),
        ip_address: request.actor.ip_address.clone(),
        recorded_by: request.actor.recorded_by.clone(),
        ..ServerContext::default()
    }
}
