//! The root of a subscription: one field, wherever it stands.
//!
//! By the specification the field may come from fragments, and may be selected several times over; async-graphql takes
//! only what stands in the operation itself. So what the fragments select is moved there. The fragments stay, without
//! their fields, for validation to look at their names, types and directives.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};

use crate::audit::{Code, Error, Result};

/// The document with the one field of the chosen subscription in its place; none where it stands there already, and for
/// queries and mutations.
///
/// # Errors
/// GRAPHQL_VALIDATION_FAILED where the root is not one field.
pub(super) fn settle(
    document: &ExecutableDocument,
    chosen: &OperationDefinition,
) -> Result<Option<ExecutableDocument>> {
    if chosen.ty != OperationType::Subscription {
        return Ok(None);
    }
    let root = Root::of(document, chosen)?;
    let field = root.only_field()?;
    if matches!(chosen.selection_set.node.items.as_slice(), [only] if matches!(only.node, Selection::Field(_))) {
        return Ok(None);
    }
    let mut settled = document.clone();
    let mut emptied: HashSet<&str> = root.fragments;
    match &mut settled.operations {
        DocumentOperations::Single(operation) => put(&mut operation.node, vec![field]),
        // Those that share its fragments, since validation looks at all of them. The others' faults are its to find.
        DocumentOperations::Multiple(operations) => {
            for (name, operation) in operations.iter_mut() {
                let original = document.operations.iter().find(|(other, _)| *other == Some(name));
                let Some((_, original)) = original.filter(|(_, other)| other.node.ty == chosen.ty) else { continue };
                if std::ptr::eq(&original.node, chosen) {
                    put(&mut operation.node, vec![field.clone()]);
                } else if let Ok(other) = Root::of(document, &original.node) {
                    put(&mut operation.node, other.fields.into_iter().cloned().collect());
                    emptied.extend(other.fragments);
                }
            }
        }
    }
    for name in emptied {
        if let Some(fragment) = settled.fragments.get_mut(name) {
            take_fields(&mut fragment.node.selection_set.node);
        }
    }
    Ok(Some(settled))
}

/// What a subscription selects at its root.
#[derive(Default)]
struct Root<'a> {
    fields: Vec<&'a Positioned<Field>>,
    /// The fragments that it goes through.
    fragments: HashSet<&'a str>,
    /// Those of them that it is in at the moment, one within the other.
    within: Vec<&'a str>,
    /// What is wrong with a fragment that it names. Validation finds it too, where there is a field to validate.
    fault: Option<String>,
}

impl<'a> Root<'a> {
    fn of(document: &'a ExecutableDocument, operation: &'a OperationDefinition) -> Result<Self> {
        let mut root = Root::default();
        root.collect(document, &operation.selection_set.node)?;
        Ok(root)
    }

    fn collect(&mut self, document: &'a ExecutableDocument, selections: &'a SelectionSet) -> Result<()> {
        for selection in &selections.items {
            let (directives, within) = match &selection.node {
                Selection::Field(field) => {
                    self.fields.push(field);
                    (&field.node.directives, None)
                }
                Selection::InlineFragment(inline) => (&inline.node.directives, Some(&inline.node.selection_set.node)),
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let fragment = document.fragments.get(name);
                    if fragment.is_none() {
                        self.fault.get_or_insert_with(|| format!("the document has no fragment `{name}`"));
                    } else if self.within.contains(&name) {
                        self.fault.get_or_insert_with(|| format!("the fragment `{name}` spreads itself"));
                    }
                    let fragment = fragment.filter(|_| self.fragments.insert(name));
                    check_directives(&spread.node.directives)?;
                    if let Some(fragment) = fragment {
                        self.within.push(name);
                        self.collect(document, &fragment.node.selection_set.node)?;
                        self.within.pop();
                    }
                    continue;
                }
            };
            check_directives(directives)?;
            if let Some(within) = within {
                self.collect(document, within)?;
            }
        }
        Ok(())
    }

    /// The one field, with all that is selected of it.
    fn only_field(&self) -> Result<Positioned<Field>> {
        let Some((first, others)) = self.fields.split_first() else {
            let none = "a subscription selects exactly one field, and this one selects none";
            return Err(refused(&self.fault.as_ref().map_or(none.to_owned(), |fault| format!("{none}: {fault}"))));
        };
        let mut field = (*first).clone();
        for other in others {
            if other.node.response_key().node != field.node.response_key().node {
                return Err(refused("a subscription selects exactly one field"));
            }
            if !is_same(&field.node, &other.node) {
                let key = &field.node.response_key().node;
                return Err(refused(&format!(
                    "`{key}` is selected twice, as different fields or with other arguments"
                )));
            }
            field.node.directives.extend(other.node.directives.iter().cloned());
            field.node.selection_set.node.items.extend(other.node.selection_set.node.items.iter().cloned());
        }
        if field.node.name.node.starts_with("__") {
            return Err(refused("a subscription selects a field that tells events, and not one of introspection"));
        }
        Ok(field)
    }
}

/// Whether there is an event must not depend on variables.
fn check_directives(directives: &[Positioned<Directive>]) -> Result<()> {
    match directives.iter().any(|directive| matches!(directive.node.name.node.as_str(), "skip" | "include")) {
        true => Err(refused("at the root of a subscription, `@skip` and `@include` are not allowed")),
        false => Ok(()),
    }
}

fn is_same(one: &Field, other: &Field) -> bool {
    let has = |(name, value): &(Positioned<_>, Positioned<_>)| {
        other.arguments.iter().any(|(given, theirs)| given.node == name.node && theirs.node == value.node)
    };
    one.name.node == other.name.node && one.arguments.len() == other.arguments.len() && one.arguments.iter().all(has)
}

/// Puts the fields in front of what is left of the root.
fn put(operation: &mut OperationDefinition, fields: Vec<Positioned<Field>>) {
    let root = &mut operation.selection_set.node;
    take_fields(root);
    let fields = fields.into_iter().map(|field| Positioned::new(Selection::Field(field.clone()), field.pos));
    root.items.splice(0..0, fields);
}

fn take_fields(selections: &mut SelectionSet) {
    selections.items.retain(|selection| !matches!(selection.node, Selection::Field(_)));
    for selection in &mut selections.items {
        if let Selection::InlineFragment(inline) = &mut selection.node {
            take_fields(&mut inline.node.selection_set.node);
        }
    }
}

fn refused(message: &str) -> Error {
    Error::new(Code::GraphqlValidationFailed, message)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn settled(query: &str) -> Result<Option<ExecutableDocument>> {
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        settle(&document, &operation.node)
    }

    #[test]
    fn one_field_in_the_operation_stays_where_it_is() {
        assert!(settled("subscription { a { b c } }").unwrap().is_none());
        assert!(settled("query { a b }").unwrap().is_none());
    }

    #[test]
    fn the_field_is_found_in_fragments() {
        for query in [
            "subscription { ... { a } }",
            "subscription { ...F } fragment F on S { ... on S { a { b } } a { c } }",
            "subscription { a { b } a { c } }",
            "subscription { a(x: 1, y: [2]) { b } ...F } fragment F on S { a(y: [2], x: 1) { c } ...F }",
        ] {
            let document = settled(query).unwrap().unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            let items = &operation.node.selection_set.node.items;
            let fields = items.iter().filter(|item| matches!(item.node, Selection::Field(_)));
            assert_eq!(fields.count(), 1, "{query}");
            assert!(matches!(items[0].node, Selection::Field(_)), "{query}");
            for fragment in document.fragments.values() {
                let items = &fragment.node.selection_set.node.items;
                assert!(!items.iter().any(|item| matches!(item.node, Selection::Field(_))), "{query}");
            }
        }
    }

    #[test]
    fn a_fragment_that_leads_to_no_field_is_named() {
        for (query, fault) in [
            ("subscription { ...Unknown }", "no fragment `Unknown`"),
            ("subscription { ... { ...F } } fragment F on S { ...Unknown }", "no fragment `Unknown`"),
            ("subscription { ...F } fragment F on S { ...G } fragment G on S { ... { ...F } }", "`F` spreads itself"),
        ] {
            let message = settled(query).unwrap_err().message().to_owned();
            assert!(message.contains(fault), "{query}: {message}");
        }
        let twice = "subscription { ...F ...F } fragment F on S { ... { ...G } ...G } fragment G on S { ...Unknown }";
        assert!(settled(twice).unwrap_err().message().contains("`Unknown`"), "spread twice is no circle");
    }

    #[test]
    fn a_root_that_is_not_one_field_is_refused() {
        for query in [
            "subscription { a b }",
            "subscription { a b: a }",
            "subscription { a ...F } fragment F on S { b }",
            "subscription { ...F } fragment F on S { ...F }",
            "subscription { ...Unknown }",
            "subscription { a(x: 1) a(x: 2) }",
            "subscription { a: b a: c }",
            "subscription { __typename }",
            "subscription { a @include(if: true) }",
            "subscription ($no: Boolean!) { ... @skip(if: $no) { a } }",
            "subscription { ...F @include(if: true) } fragment F on S { a }",
        ] {
            assert_eq!(settled(query).unwrap_err().code(), Code::GraphqlValidationFailed, "{query}");
        }
    }
}
