//! One operation from its parameters to its answer, whatever the transport.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Executor, Request, Response, ServerError, Value, Variables};
use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::audit::{Code, Error, Result};
use crate::auth::Caller;
use crate::graphql::{Plan, is_null_where_absent};

use super::params::Params;
use super::persisted::{Digest, PersistedQueries};
use super::plans::Plans;
use super::{document, failure, root};
use crate::auth::ClientAddress;

/// How many fields a document may have once its fragments are written out. Fragments that spread fragments grow
/// exponentially, and the checks before execution walk through all of it.
const MAX_SELECTIONS: usize = 10_000;

/// How many fragments a document may define: they may stand in a chain, and a chain is walked by recursion.
const MAX_FRAGMENTS: usize = 500;

/// An operation that is parsed and chosen, and not yet validated.
pub(super) struct Operation {
    request: Request,
    /// Whether it queries, mutates or subscribes.
    pub kind: OperationType,
    /// Its name in the document.
    pub name: Option<String>,
}

impl Operation {
    /// Finds the document, parses it and chooses the operation.
    pub(super) fn prepare(params: Params, known: &PersistedQueries) -> Result<Self, Box<ServerError>> {
        let (text, to_keep) =
            find_text(params.query, params.persisted, known).map_err(|error| failure::to_graphql(&error))?;
        document::check(&text).map_err(|error| failure::to_graphql(&error))?;
        let mut request = Request::new(text);
        request.operation_name = params.operation_name;
        let chosen = request.operation_name.clone();
        let document = request.parsed_query().map_err(failure::parse_failed)?;
        check_size(document).map_err(|error| failure::to_graphql(&error))?;
        let (name, definition) = choose(document, chosen).map_err(|error| failure::to_graphql(&error))?;
        let kind = definition.ty;
        let settled = root::settle(document, definition).map_err(|error| failure::to_graphql(&error))?;
        check_required(definition, &params.variables).map_err(|error| failure::to_graphql(&error))?;
        let mut variables = params.variables;
        fill_absent(definition, &mut variables);
        if let Some(document) = settled {
            request.set_parsed_query(document);
        }
        if let Some(digest) = to_keep {
            known.keep(digest, &request.query);
        }
        let request = request.variables(variables);
        Ok(Operation { request, kind, name })
    }

    /// The request for async-graphql, with what resolvers learn of the caller.
    pub(super) fn into_request(self, caller: Caller, address: ClientAddress) -> Request {
        self.request.data(caller).data(address)
    }

    /// The same, and the draft of a plan for its document, where one can be made.
    pub(super) fn into_request_and_plan(
        mut self,
        plans: &Plans,
        caller: Caller,
        address: ClientAddress,
    ) -> (Request, Option<PlanDraft>) {
        let draft = if plans.are_made() { PlanDraft::of(&mut self.request) } else { None };
        (self.into_request(caller, address), draft)
    }
}

/// A plan that is good as soon as its document has been executed without an error.
pub(super) struct PlanDraft {
    plan: Plan,
    text: String,
    operation_name: Option<String>,
}

impl PlanDraft {
    fn of(request: &mut Request) -> Option<Self> {
        let operation_name = request.operation_name.clone();
        let document = request.parsed_query().ok()?;
        let (name, definition) = choose(document, operation_name.clone()).ok()?;
        let plan = Plan::of(document, name.as_deref(), definition)?;
        Some(PlanDraft { plan, text: request.query.clone(), operation_name })
    }

    /// Keeps the plan.
    pub(super) fn keep(self, plans: &Plans) {
        plans.keep(&self.text, self.operation_name.as_deref(), self.plan);
    }
}

/// The document's text, where there is nothing to register or to complain of.
pub(super) fn known_text<'a>(params: &'a Params, known: &PersistedQueries) -> Option<Cow<'a, str>> {
    match (&params.query, params.persisted) {
        (Some(text), None) => Some(Cow::Borrowed(text)),
        (None, Some(digest)) => known.find(digest).ok().map(Cow::Owned),
        _ => None,
    }
}

/// The time that a request may take, counted from its arrival.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimit {
    length: Duration,
    end: Instant,
}

impl TimeLimit {
    /// A request arrived now.
    pub(crate) fn begin(length: Duration) -> Self {
        TimeLimit { length, end: Instant::now() + length }
    }

    /// Waits for the future, and drops it when the time is up.
    pub(crate) async fn bound<F: Future>(self, future: F) -> Result<F::Output> {
        let timed_out = || {
            let seconds = self.length.as_secs_f32();
            let message = format!(
                "the request took longer than {seconds} seconds and was cancelled; send it without a pause, ask for less, or try again later"
            );
            Error::new(Code::Unavailable, message)
        };
        tokio::time::timeout_at(self.end, future).await.map_err(|_| timed_out())
    }
}

/// Executes a query or a mutation within the time allowed. When the time is up the execution is dropped, and with it
/// whatever it asked of the database.
pub(super) async fn execute<E: Executor>(executor: &E, request: Request, time_limit: TimeLimit) -> Response {
    // A panic must not take the connection down, nor leave the caller without an answer.
    let execution = AssertUnwindSafe(executor.execute(request)).catch_unwind();
    match time_limit.bound(execution).await {
        Ok(Ok(response)) => failure::settle(response),
        Ok(Err(_)) => failure::response_of(&panicked()),
        Err(error) => failure::response_of(&error),
    }
}

/// What a client learns of a panic; the panic hook has logged where it was.
pub(crate) fn panicked() -> Error {
    Error::internal("a resolver panicked")
}

/// The document's text, and under which digest it is to be kept once it has proved to be one.
fn find_text(
    query: Option<String>,
    persisted: Option<Digest>,
    known: &PersistedQueries,
) -> Result<(String, Option<Digest>)> {
    match (query, persisted) {
        (Some(text), Some(digest)) if Digest::of(&text) != digest => {
            Err(Error::bad_input("`sha256Hash` is not the SHA-256 of `query`"))
        }
        (Some(text), to_keep) => Ok((text, to_keep)),
        (None, Some(digest)) => known.find(digest).map(|text| (text, None)),
        (None, None) => Err(Error::bad_input("the request has no document")),
    }
}

fn choose(document: &ExecutableDocument, name: Option<String>) -> Result<(Option<String>, &OperationDefinition)> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok((None, &operation.node)),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            let only = operations.iter().next().map(|(name, operation)| (Some(name.to_string()), &operation.node));
            only.ok_or_else(|| Error::new(Code::GraphqlParseFailed, "the document holds no operation"))
        }
        (DocumentOperations::Multiple(_), None) => {
            Err(Error::bad_input("the document holds several operations: `operationName` must say which is meant"))
        }
        (DocumentOperations::Multiple(operations), Some(name)) if operations.contains_key(name.as_str()) => {
            let operation = &operations[name.as_str()].node;
            Ok((Some(name), operation))
        }
        (_, Some(name)) => {
            let shown: String = name.chars().take(100).collect();
            Err(Error::bad_input(format!("the document holds no operation named {shown:?}")))
        }
    }
}

/// Refuses an operation that lacks a variable it requires. async-graphql finds that out in the resolver only, when an
/// earlier field of a mutation is done already.
fn check_required(operation: &OperationDefinition, variables: &Variables) -> Result<()> {
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        let name = &definition.name.node;
        let is_given = match variables.get(name) {
            Some(value) => *value != Value::Null,
            None => definition.default_value.is_some(),
        };
        if !definition.var_type.node.nullable && !is_given {
            let required = &definition.var_type.node;
            return Err(Error::bad_input(format!("the variable `${name}` of type {required} needs a value")));
        }
    }
    Ok(())
}

/// Gives null to each variable that needs it and that the request leaves out. Null and absent mean the same for every
/// argument of the API that is an `Int`; within the JSON of an image null is what is recorded.
fn fill_absent(operation: &OperationDefinition, variables: &mut Variables) {
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        if is_null_where_absent(definition) {
            variables.entry(definition.name.node.clone()).or_insert(Value::Null);
        }
    }
}

/// Refuses a document that is too large with its fragments written out.
fn check_size(document: &ExecutableDocument) -> Result<()> {
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(Error::bad_input(format!("a document may define {MAX_FRAGMENTS} fragments, not more")));
    }
    let mut sizes = HashMap::new();
    let total = document
        .operations
        .iter()
        .map(|(_, operation)| size(document, &operation.node.selection_set.node, &mut sizes))
        .fold(0, usize::saturating_add);
    if total > MAX_SELECTIONS {
        return Err(Error::bad_input(format!(
            "the document selects {total} fields with its fragments written out; {MAX_SELECTIONS} are allowed"
        )));
    }
    Ok(())
}

/// The number of selections; that of each fragment is counted once and kept. A fragment within itself counts nothing
/// here: validation refuses it.
fn size<'a>(
    document: &'a ExecutableDocument,
    selections: &'a SelectionSet,
    sizes: &mut HashMap<&'a str, usize>,
) -> usize {
    selections.items.iter().fold(0_usize, |total, selection| {
        let inner = match &selection.node {
            Selection::Field(field) => size(document, &field.node.selection_set.node, sizes),
            Selection::InlineFragment(fragment) => size(document, &fragment.node.selection_set.node, sizes),
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                match (sizes.get(name), document.fragments.get(name)) {
                    (Some(known), _) => *known,
                    (None, None) => 0,
                    (None, Some(fragment)) => {
                        sizes.insert(name, 0);
                        let counted = size(document, &fragment.node.selection_set.node, sizes);
                        sizes.insert(name, counted);
                        counted
                    }
                }
            }
        };
        total.saturating_add(inner).saturating_add(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(query: &str, name: Option<&str>) -> Result<Operation, Box<ServerError>> {
        let operation_name = name.map(str::to_owned);
        let (query, variables) = (Some(query.to_owned()), Variables::default());
        Operation::prepare(Params { query, persisted: None, operation_name, variables }, &PersistedQueries::default())
    }

    fn refusal(query: &str, name: Option<&str>) -> (String, String) {
        let error = *prepare(query, name).err().unwrap();
        (failure::codes(std::slice::from_ref(&error)).remove(0), error.message)
    }

    #[test]
    fn the_named_operation_is_chosen() {
        let both = "query A { a } mutation B { b }";
        assert_eq!(prepare(both, Some("A")).unwrap().kind, OperationType::Query);
        assert_eq!(prepare(both, Some("B")).unwrap().kind, OperationType::Mutation);
        assert_eq!(prepare("mutation B { b }", None).unwrap().name.as_deref(), Some("B"));
        assert_eq!(prepare("{ a }", None).unwrap().name, None);
    }

    #[test]
    fn an_operation_that_cannot_be_chosen_is_bad_user_input() {
        for (query, name) in [("query A { a } query B { b }", None), ("query A { a }", Some("B")), ("{ a }", Some("A"))]
        {
            assert_eq!(refusal(query, name).0, "BAD_USER_INPUT");
        }
    }

    #[test]
    fn a_document_that_is_none_is_a_parse_error() {
        for query in ["", "{", "{ a(b: ) }", "fragment F on Query { a }", "type A { a: Int }"] {
            assert_eq!(refusal(query, None).0, "GRAPHQL_PARSE_FAILED", "{query}");
        }
    }

    #[test]
    fn a_variable_that_is_required_must_have_a_value() {
        let (code, message) = refusal("mutation ($a: [Int!]!) { a b(a: $a) }", None);
        assert_eq!((code.as_str(), message.contains("`$a` of type [Int!]!")), ("BAD_USER_INPUT", true), "{message}");
        prepare("query ($a: Int! = 1, $b: Int) { b(a: $a, b: $b) }", None).unwrap();
    }

    #[test]
    fn the_deepest_documents_that_are_allowed_do_not_overflow_the_stack() {
        // Threads of tests have 2 MiB, as those of the server have.
        let lists = format!("{{ f(a: {}1{}) }}", "[".repeat(126), "]".repeat(126));
        prepare(&lists, None).unwrap();
        let types = format!("query ($a: {}Int{}) {{ f(a: $a) }}", "[".repeat(127), "]".repeat(127));
        prepare(&types, None).unwrap();
        let fields = format!("{}a{}", "{ a ".repeat(64), "}".repeat(64));
        prepare(&fields, None).unwrap();
        let deeper = format!("{}a{}", "{ a ".repeat(127), "}".repeat(127));
        assert_eq!(refusal(&deeper, None).0, "GRAPHQL_PARSE_FAILED");
    }

    #[test]
    fn fragments_cannot_multiply_without_end() {
        let mut query = String::from("{ ...F0 }");
        for level in 0..30 {
            query += &format!(" fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1);
        }
        query += " fragment F30 on Query { a }";
        let (code, message) = refusal(&query, None);
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.contains("written out"), "{message}");
    }

    #[test]
    fn a_chain_of_fragments_is_bounded() {
        let chain = |length: usize| {
            let mut query = String::from("{ ...F0 }");
            for level in 1..length {
                query += &format!(" fragment F{} on Query {{ ...F{level} }}", level - 1);
            }
            query + &format!(" fragment F{} on Query {{ a }}", length - 1)
        };
        prepare(&chain(MAX_FRAGMENTS), None).unwrap();
        assert_eq!(refusal(&chain(MAX_FRAGMENTS + 1), None).0, "BAD_USER_INPUT");
    }

    #[test]
    fn fragments_in_a_circle_are_left_to_validation() {
        prepare("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", None).unwrap();
    }
}
