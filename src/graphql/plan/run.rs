//! A plan at work.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{PathSegment, Response, ServerError, Value, Variables};
use futures_util::future::try_join_all;

use super::arguments::{Declined, Given};
use super::fetch::{ListAnswer, Related};
use super::fields::{Amount, EntryField, Fields, List, PageField, PayloadField, Plan, Root, RootField};
use super::write::Writer;
use crate::audit::{Entry, Error, NewEntry, PageRequest, Result};
use crate::auth::Caller;
use crate::graphql::create::MAX_ENTRIES;
use crate::graphql::error::ApiError;
use crate::graphql::{MAX_COMPLEXITY, Services, entry_id, no_nul};
use crate::store::{self, Page, Selection};

/// What a plan answers.
pub(crate) enum Answer {
    /// The response as JSON.
    Written(Vec<u8>),
    /// The database failed, or what was to be recorded cannot be; the response says so as the library's would.
    Failed(Box<Response>),
}

/// What is asked of the log for one field of the root.
enum Asked<'a> {
    Typename,
    Entry { id: i64, fields: &'a Fields<EntryField> },
    List { selection: Selection, request: PageRequest, fields: &'a Fields<PageField> },
    Record { amount: Amount, entries: Vec<NewEntry>, fields: &'a Fields<PayloadField> },
}

/// What the log told.
enum Told<'a> {
    Typename,
    Entry { entry: Option<Arc<Entry>>, related: Related, fields: &'a Fields<EntryField> },
    List { answer: Box<ListAnswer>, fields: &'a Fields<PageField> },
    Recorded { amount: Amount, entries: Vec<Entry>, fields: &'a Fields<PayloadField> },
}

/// About what an entry takes in an answer, in bytes.
const ENTRY_SIZE: usize = 1_024;

impl Plan {
    /// Answers a request; none where the library has to.
    pub(crate) async fn run(&self, services: &Services, caller: &Caller, variables: &Variables) -> Option<Answer> {
        // Who may not is told so by the library.
        match self.kind {
            OperationType::Mutation => caller.require_writer().ok()?,
            _ => caller.require_reader().ok()?,
        }
        let asked: Vec<Asked<'_>> =
            self.roots.iter().map(|root| self.ask(root, variables)).collect::<Result<_, Declined>>().ok()?;
        let cost = self.roots.iter().zip(&asked).map(|(root, asked)| asked.cost(root.fields)).sum::<usize>();
        if cost > MAX_COMPLEXITY {
            return None;
        }
        let told = asked
            .into_iter()
            .zip(&self.roots)
            .map(async |(asked, root)| asked.tell(services, caller).await.map_err(|error| (root, error)));
        match try_join_all(told).await {
            Ok(told) => Some(Answer::Written(self.write(&told))),
            Err((root, error)) if self.roots.len() == 1 => Some(Answer::Failed(Box::new(root.failure(error)))),
            // What becomes of the other fields is the library's to say.
            Err(_) => None,
        }
    }

    fn ask<'a>(&'a self, root: &'a Root, variables: &Variables) -> Result<Asked<'a>, Declined> {
        let given = |arguments| Given::new(self, variables, arguments);
        Ok(match &root.field {
            RootField::Typename => Asked::Typename,
            RootField::Entry { arguments, fields } => {
                let id = entry_id(&given(arguments).id("id")?).map_err(|_| Declined)?;
                Asked::Entry { id, fields }
            }
            RootField::List { list, arguments, fields } => {
                let given = given(arguments);
                let filter = given.filter()?;
                let selection = match list {
                    List::All => Selection::of(filter),
                    List::Trash => Selection::of_trash(filter),
                    List::Object => {
                        let (table_name, record_id) = (given.read::<String>("tableName")?, given.id("recordId")?);
                        no_nul("tableName", &table_name).map_err(|_| Declined)?;
                        no_nul("recordId", &record_id).map_err(|_| Declined)?;
                        Selection::of_object(table_name, record_id, filter)
                    }
                };
                Asked::List { selection, request: given.page()?, fields }
            }
            RootField::Record { amount, arguments, fields } => {
                let given = given(arguments);
                let entries = match amount {
                    Amount::One => vec![given.entry()?],
                    Amount::Many => given.entries()?,
                };
                if entries.len() > MAX_ENTRIES {
                    return Err(Declined);
                }
                Asked::Record { amount: *amount, entries, fields }
            }
        })
    }

    fn write(&self, told: &[Told<'_>]) -> Vec<u8> {
        let entries: usize = told.iter().map(Told::size).sum();
        let mut writer = Writer::with_capacity(ENTRY_SIZE * (entries + 1));
        writer.raw("{\"data\":");
        let fields: Vec<_> = self.roots.iter().map(|root| root.key.clone()).zip(told).collect();
        writer.object(&fields, |writer, told| match told {
            Told::Typename => writer.plain("Query"),
            Told::Entry { entry: Some(entry), related, fields } => writer.entry(fields, entry, related),
            Told::Entry { entry: None, .. } => writer.raw("null"),
            Told::List { answer, fields } => writer.page(fields, answer),
            Told::Recorded { amount, entries, fields } => writer.payload(fields, *amount, entries),
        });
        writer.raw("}");
        writer.into_bytes()
    }
}

impl<'a> Asked<'a> {
    /// No less than the library would reckon.
    fn cost(&self, fields: usize) -> usize {
        match self {
            // How many entries are recorded the library does not count either.
            Asked::Typename | Asked::Entry { .. } | Asked::Record { .. } => 1 + fields,
            Asked::List { request, .. } => {
                1 + usize::try_from(request.size).unwrap_or(usize::MAX).saturating_mul(fields)
            }
        }
    }

    async fn tell(self, services: &Services, caller: &Caller) -> Result<Told<'a>> {
        let database = &services.database;
        Ok(match self {
            Asked::Typename => Told::Typename,
            Asked::Entry { id, fields } => {
                let found: Vec<_> = store::by_id(database, id).await?.map(Arc::new).into_iter().collect();
                let mut related = Related::default();
                related.gather(database, &found, fields).await?;
                Told::Entry { entry: found.into_iter().next(), related, fields }
            }
            Asked::List { selection, request, fields } => {
                let page = Page::read(database, selection, request).await?;
                Told::List { answer: Box::new(ListAnswer::fetch(database, page, fields).await?), fields }
            }
            // Boxed, since it is long and rare beside the others.
            Asked::Record { amount, entries, fields } => {
                Told::Recorded { amount, entries: Box::pin(services.record(caller, entries)).await?, fields }
            }
        })
    }
}

impl Told<'_> {
    fn size(&self) -> usize {
        match self {
            Told::List { answer, .. } => answer.page.entries.len(),
            Told::Recorded { entries, .. } => entries.len(),
            _ => 1,
        }
    }
}

impl Root {
    /// The response in which this field, the only one, has failed: a nullable one is null, else there is no data.
    fn failure(&self, error: Error) -> Response {
        let error: async_graphql::Error = ApiError::from(error).into();
        let error =
            ServerError { path: vec![PathSegment::Field(self.key.to_string())], ..error.into_server_error(self.pos) };
        match &self.field {
            RootField::Entry { .. } => {
                let data = Value::Object([(self.key.clone(), Value::Null)].into_iter().collect());
                let mut response = Response::new(data);
                response.errors.push(error);
                response
            }
            _ => Response::from_errors(vec![error]),
        }
    }
}
