//! What a plan consists of: the fields of a document, fragments written out, each with the key that it has in the answer.

use async_graphql::parser::types::{OperationType, VariableDefinition};
use async_graphql::{Name, Pos, Value};

/// How a document that only reads entries, or records them, is answered.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether it queries or mutates.
    pub(crate) kind: OperationType,
    /// The operation's name in the document.
    pub(crate) operation: Option<String>,
    pub(super) variables: Vec<Variable>,
    pub(super) roots: Vec<Root>,
}

/// A variable as the document declares it.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: Name,
    pub(super) nullable: bool,
    pub(super) default: Option<Value>,
}

impl Variable {
    pub(super) fn of(definition: &VariableDefinition) -> Variable {
        Variable {
            name: definition.name.node.clone(),
            nullable: definition.var_type.node.nullable,
            default: match &definition.default_value {
                Some(value) => Some(value.node.clone()),
                None => is_null_where_absent(definition).then_some(Value::Null),
            },
        }
    }
}

/// Whether the library is given null for the variable where a request leaves it out: it needs the value of `first` and
/// `last` to reckon what a page costs, and fails without one, though a client that asks for one of them leaves the other
/// out.
pub(crate) fn is_null_where_absent(definition: &VariableDefinition) -> bool {
    definition.default_value.is_none() && definition.var_type.node.to_string() == "Int"
}

/// A field of the root.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) key: Key,
    /// Where it stands in the document.
    pub(super) pos: Pos,
    pub(super) field: RootField,
    /// How many fields stand below it, fragments written out.
    pub(super) fields: usize,
}

#[derive(Debug)]
pub(super) enum RootField {
    Typename,
    Entry {
        arguments: Arguments,
        fields: Fields<EntryField>,
    },
    List {
        list: List,
        arguments: Arguments,
        fields: Fields<PageField>,
    },
    /// The one field of a mutation.
    Record {
        amount: Amount,
        arguments: Arguments,
        fields: Fields<PayloadField>,
    },
}

/// How many entries a mutation records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    One,
    Many,
}

/// Which entries a list is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    All,
    Trash,
    Object,
}

/// The arguments as they stand in the document: in the place of a variable stands its [`mark`].
pub(super) type Arguments = Vec<(Name, Value)>;

/// What stands for a variable that has no value yet: an enum value that no document can spell.
pub(super) fn mark(variable: &Name) -> Value {
    Value::Enum(Name::new(format!("${variable}")))
}

/// The variable that an enum value stands for.
pub(super) fn marked(value: &Name) -> Option<&str> {
    value.strip_prefix('$')
}

/// Fields in their order.
pub(super) type Fields<F> = Vec<(Key, F)>;

/// The name that a field has in the answer: its alias, or its own. No name of GraphQL needs an escape in JSON.
pub(super) type Key = Name;

#[derive(Debug)]
pub(super) enum PageField {
    Typename,
    Nodes(Fields<EntryField>),
    Edges(Fields<EdgeField>),
    PageInfo(Fields<InfoField>),
    TotalCount,
}

#[derive(Debug)]
pub(super) enum EdgeField {
    Typename,
    Cursor,
    Node(Fields<EntryField>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum InfoField {
    Typename,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

#[derive(Debug)]
pub(super) enum PayloadField {
    Typename,
    /// The one that was recorded, or all of them.
    Recorded(Fields<EntryField>),
}

#[derive(Debug)]
pub(super) enum EntryField {
    Typename,
    Id,
    Timestamp,
    Action,
    TableName,
    RecordId,
    PreviousRecordId,
    UserId,
    Username,
    OldValues,
    NewValues,
    Changes(Fields<ChangeField>),
    Description,
    IpAddress,
    CorrelationId,
    TransactionId,
    Metadata,
    Source,
    DatabaseRole,
    RecordedBy,
    UndoOf(Fields<EntryField>),
    UndoneBy(Fields<EntryField>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ChangeField {
    Typename,
    Field,
    Old,
    New,
    OldText,
    NewText,
    Redacted,
}
