//! From a document to its plan.

use std::cell::Cell;
use std::collections::HashSet;
use std::convert::Infallible;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos};

use super::fields::{
    Amount, Arguments, ChangeField, EdgeField, EntryField, Fields, InfoField, List, PageField, PayloadField, Plan,
    Root, RootField, Variable, mark,
};

impl Plan {
    /// The plan of a document's operation; none where it does more than ask for entries or record them, or in a way that
    /// is better left to the library. That the document is valid must be known before the plan is used.
    pub(crate) fn of(
        document: &ExecutableDocument,
        name: Option<&str>,
        operation: &OperationDefinition,
    ) -> Option<Plan> {
        let kind = operation.ty;
        if kind == OperationType::Subscription || !operation.directives.is_empty() {
            return None;
        }
        // The library holds all of a document's operations to its limits, with the variables of the one.
        if document.operations.iter().count() > 1 {
            return None;
        }
        let met = Cell::new(0);
        let compiler = Compiler { document, depth_left: MAX_DEPTH, met: &met };
        let variables = &operation.variable_definitions;
        if variables.iter().any(|variable| !variable.node.directives.is_empty()) {
            return None;
        }
        let roots = compiler.roots(kind, &operation.selection_set.node)?;
        // Of several mutations one may fail when another is done.
        if kind == OperationType::Mutation && roots.len() != 1 {
            return None;
        }
        Some(Plan {
            kind,
            operation: name.map(str::to_owned),
            variables: variables.iter().map(|variable| Variable::of(&variable.node)).collect(),
            roots,
        })
    }
}

/// How deep selections may stand in each other here. Documents come here before they are validated: a circle of
/// fragments ends at it.
const MAX_DEPTH: usize = 20;

#[derive(Clone, Copy)]
struct Compiler<'a> {
    document: &'a ExecutableDocument,
    /// How much deeper it may go.
    depth_left: usize,
    /// How many fields it has met.
    met: &'a Cell<usize>,
}

impl<'a> Compiler<'a> {
    fn deeper(&self) -> Option<Self> {
        Some(Compiler { depth_left: self.depth_left.checked_sub(1)?, ..*self })
    }

    fn roots(&self, kind: OperationType, set: &'a SelectionSet) -> Option<Vec<Root>> {
        let root = |(key, pos, field): (Name, Pos, &'a Field)| {
            let before = self.met.get();
            let field = if kind == OperationType::Query { self.query(field) } else { self.mutation(field) }?;
            Some(Root { key, pos, field, fields: self.met.get() - before })
        };
        self.collect(set)?.into_iter().map(root).collect()
    }

    fn mutation(&self, field: &'a Field) -> Option<RootField> {
        let (amount, recorded) = match field.name.node.as_str() {
            "createAuditLog" => (Amount::One, "auditLog"),
            "createAuditLogs" => (Amount::Many, "auditLogs"),
            _ => return None,
        };
        let fields = self.fields(&field.selection_set.node, |field| match field.name.node.as_str() {
            "__typename" => Some(PayloadField::Typename),
            name if name == recorded => {
                let fields = self.entry(&field.selection_set.node)?;
                // Once something is recorded, nothing may fail.
                let asks_more =
                    |(_, field): &(Name, EntryField)| matches!(field, EntryField::UndoOf(_) | EntryField::UndoneBy(_));
                (!fields.iter().any(asks_more)).then_some(PayloadField::Recorded(fields))
            }
            _ => None,
        })?;
        Some(RootField::Record { amount, arguments: arguments(field), fields })
    }

    fn query(&self, field: &'a Field) -> Option<RootField> {
        let list = match field.name.node.as_str() {
            "__typename" => return Some(RootField::Typename),
            "auditLog" => {
                let fields = self.entry(&field.selection_set.node)?;
                return Some(RootField::Entry { arguments: arguments(field), fields });
            }
            "auditLogs" => List::All,
            "trash" => List::Trash,
            "objectHistory" => List::Object,
            _ => return None,
        };
        let fields = self.page(&field.selection_set.node)?;
        Some(RootField::List { list, arguments: arguments(field), fields })
    }

    fn page(&self, set: &'a SelectionSet) -> Option<Fields<PageField>> {
        self.fields(set, |field| {
            Some(match field.name.node.as_str() {
                "__typename" => PageField::Typename,
                "nodes" => PageField::Nodes(self.entry(&field.selection_set.node)?),
                "edges" => PageField::Edges(self.edge(&field.selection_set.node)?),
                "pageInfo" => PageField::PageInfo(self.info(&field.selection_set.node)?),
                "totalCount" => PageField::TotalCount,
                _ => return None,
            })
        })
    }

    fn edge(&self, set: &'a SelectionSet) -> Option<Fields<EdgeField>> {
        self.fields(set, |field| {
            Some(match field.name.node.as_str() {
                "__typename" => EdgeField::Typename,
                "cursor" => EdgeField::Cursor,
                "node" => EdgeField::Node(self.entry(&field.selection_set.node)?),
                _ => return None,
            })
        })
    }

    fn info(&self, set: &'a SelectionSet) -> Option<Fields<InfoField>> {
        self.fields(set, |field| {
            Some(match field.name.node.as_str() {
                "__typename" => InfoField::Typename,
                "hasNextPage" => InfoField::HasNextPage,
                "hasPreviousPage" => InfoField::HasPreviousPage,
                "startCursor" => InfoField::StartCursor,
                "endCursor" => InfoField::EndCursor,
                _ => return None,
            })
        })
    }

    fn entry(&self, set: &'a SelectionSet) -> Option<Fields<EntryField>> {
        let deeper = self.deeper()?;
        self.fields(set, |field| {
            let inner = &field.selection_set.node;
            Some(match field.name.node.as_str() {
                "__typename" => EntryField::Typename,
                "id" => EntryField::Id,
                "timestamp" => EntryField::Timestamp,
                "action" => EntryField::Action,
                "tableName" => EntryField::TableName,
                "recordId" => EntryField::RecordId,
                "previousRecordId" => EntryField::PreviousRecordId,
                "userId" => EntryField::UserId,
                "username" => EntryField::Username,
                "oldValues" => EntryField::OldValues,
                "newValues" => EntryField::NewValues,
                "changes" => EntryField::Changes(self.fields(inner, change)?),
                "description" => EntryField::Description,
                "ipAddress" => EntryField::IpAddress,
                "correlationId" => EntryField::CorrelationId,
                "transactionId" => EntryField::TransactionId,
                "metadata" => EntryField::Metadata,
                "source" => EntryField::Source,
                "databaseRole" => EntryField::DatabaseRole,
                "recordedBy" => EntryField::RecordedBy,
                "undoOf" => EntryField::UndoOf(deeper.entry(inner)?),
                "undoneBy" => EntryField::UndoneBy(deeper.entry(inner)?),
                _ => return None,
            })
        })
    }

    fn fields<F>(&self, set: &'a SelectionSet, field: impl Fn(&'a Field) -> Option<F>) -> Option<Fields<F>> {
        self.collect(set)?.into_iter().map(|(key, _, selected)| Some((key, field(selected)?))).collect()
    }

    /// The fields of a selection set with those of its fragments. None of our types is abstract, so that in a valid
    /// document every fragment applies. None where a key stands twice: merging is the library's.
    fn collect(&self, set: &'a SelectionSet) -> Option<Vec<(Name, Pos, &'a Field)>> {
        let mut fields = Vec::new();
        self.collect_into(set, &mut fields)?;
        self.met.set(self.met.get() + fields.len());
        let mut keys = HashSet::new();
        fields.iter().all(|(key, ..)| keys.insert(key.clone())).then_some(fields)
    }

    fn collect_into(&self, set: &'a SelectionSet, fields: &mut Vec<(Name, Pos, &'a Field)>) -> Option<()> {
        let deeper = self.deeper()?;
        for selection in &set.items {
            if !selection.node.directives().is_empty() {
                return None;
            }
            let inner = match &selection.node {
                Selection::Field(field) => {
                    fields.push((field.node.response_key().node.clone(), field.pos, &field.node));
                    continue;
                }
                Selection::InlineFragment(fragment) => &fragment.node.selection_set.node,
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node)?;
                    if !fragment.node.directives.is_empty() {
                        return None;
                    }
                    &fragment.node.selection_set.node
                }
            };
            deeper.collect_into(inner, fields)?;
        }
        Some(())
    }
}

fn change(field: &Field) -> Option<ChangeField> {
    Some(match field.name.node.as_str() {
        "__typename" => ChangeField::Typename,
        "field" => ChangeField::Field,
        "old" => ChangeField::Old,
        "new" => ChangeField::New,
        "oldText" => ChangeField::OldText,
        "newText" => ChangeField::NewText,
        "redacted" => ChangeField::Redacted,
        _ => return None,
    })
}

fn arguments(field: &Field) -> Arguments {
    let arguments = field.arguments.iter().map(|(name, value)| {
        let Ok(value) = value.node.clone().into_const_with::<Infallible>(|variable| Ok(mark(&variable)));
        (name.node.clone(), value)
    });
    arguments.collect()
}
