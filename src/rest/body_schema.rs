//! What the document says of bodies as a whole, beyond what one field can say.

use std::borrow::Cow;

use utoipa::openapi::schema::{
    AdditionalProperties, AllOfBuilder, AnyOfBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat,
    Type,
};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::create::CreateFields;
use super::undo::UndoFields;
use crate::audit::Action;

/// The body of an entry by hand: the fields, no others, and of the images those that go with the action.
pub(super) struct CreateEntry;

impl PartialSchema for CreateEntry {
    fn schema() -> RefOr<Schema> {
        let mut by_action = OneOfBuilder::new();
        for action in Action::ALL {
            by_action = by_action.item(images_of(action));
        }
        AllOfBuilder::new().item(closed(CreateFields::schema())).item(by_action).into()
    }
}

impl ToSchema for CreateEntry {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CreateEntry")
    }
}

/// The body of an undo: the fields, no others.
pub(super) struct UndoRequest;

impl PartialSchema for UndoRequest {
    fn schema() -> RefOr<Schema> {
        closed(UndoFields::schema())
    }
}

impl ToSchema for UndoRequest {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("UndoRequest")
    }
}

/// The same object, with no members beside those described.
fn closed(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// Which images an action goes with: others must be null or left out.
fn images_of(action: Action) -> Object {
    let mut object = ObjectBuilder::new()
        .property("action", ObjectBuilder::new().schema_type(Type::String).enum_values(Some([action.as_str()])))
        .required("action");
    if matches!(action, Action::Create | Action::Read) {
        object = object.property("oldValues", null());
    }
    if matches!(action, Action::Delete | Action::Read) {
        object = object.property("newValues", null());
    }
    object.build()
}

/// A text, or a whole number that stands for its digits.
fn id() -> OneOfBuilder {
    let text =
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(1_000)).pattern(Some(r"^[^\u0000]*$")).build();
    let number =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(i64::MIN)).maximum(Some(i64::MAX)).build();
    OneOfBuilder::new().item(text).item(number)
}

fn null() -> Object {
    ObjectBuilder::new().schema_type(Type::Null).build()
}

/// Who did it.
pub(super) fn user_id_schema() -> Schema {
    id().description(Some(
        "Who did it: a text of 1,000 bytes at the most, or a whole number that stands for its digits.",
    ))
    .examples(["42"])
    .build()
    .into()
}

/// The object's key, or none.
pub(super) fn record_id_schema() -> Schema {
    id().item(null())
        .description(Some(
            "The object's key: a text of 1,000 bytes at the most, or a whole number that stands for its digits.",
        ))
        .examples(["7"])
        .build()
        .into()
}

/// A network address, or none.
pub(super) fn ip_address_schema() -> Schema {
    let of = |format: KnownFormat| {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format))).build()
    };
    // Any, and not one: a validator that does not look at formats finds both to hold.
    AnyOfBuilder::new()
        .item(of(KnownFormat::Ipv4))
        .item(of(KnownFormat::Ipv6))
        .item(null())
        .description(Some("The network address of who did it, v4 or v6."))
        .examples(["10.0.0.7"])
        .build()
        .into()
}
