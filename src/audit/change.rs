//! What changed, field by field.

use std::borrow::Cow;

use super::Json;
use super::json::{Field, plain_text, unmarked};

/// One field's value before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The column.
    pub field: String,
    /// The value before, where there was one.
    pub old: Option<Json>,
    /// The value after, where there is one.
    pub new: Option<Json>,
    /// The value before as the database prints it.
    pub old_text: Option<String>,
    /// The value after as the database prints it.
    pub new_text: Option<String>,
    /// Whether the values were left out on purpose.
    pub redacted: bool,
}

impl FieldChange {
    /// The fields that differ between two images, in their order, and the redacted ones in their places. Of a creation
    /// or a deletion, where there is one image only, all its fields.
    pub fn between(old: Option<&Json>, new: Option<&Json>, redacted: &[(String, usize)]) -> Vec<FieldChange> {
        let old = old.and_then(Json::fields).unwrap_or_default();
        let new = new.and_then(Json::fields).unwrap_or_default();
        let mut changes: Vec<FieldChange> =
            pair(&old, &new).into_iter().map(|(name, old, new)| FieldChange::of(name, old, new)).collect();
        // From the last to the first, so that the places of the others stay what they are.
        for (name, place) in redacted.iter().rev() {
            changes.insert((*place).min(changes.len()), FieldChange::redacted(name));
        }
        changes
    }

    /// A field with these values, as an image writes them.
    pub fn of(field: &str, old: Option<&str>, new: Option<&str>) -> FieldChange {
        let json = |value: Option<&str>| value.and_then(|value| Json::parse(unmarked(value)));
        FieldChange {
            field: field.to_owned(),
            old: json(old),
            new: json(new),
            old_text: old.and_then(plain_text),
            new_text: new.and_then(plain_text),
            redacted: false,
        }
    }

    /// A field whose values are not told.
    pub fn redacted(field: &str) -> FieldChange {
        FieldChange { field: field.to_owned(), old: None, new: None, old_text: None, new_text: None, redacted: true }
    }
}

type Pair<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The fields of two images side by side. Both are in column order; a field that only one of them has keeps its place.
fn pair<'a>(old: &'a [Field<'a>], new: &'a [Field<'a>]) -> Vec<Pair<'a>> {
    let value = |fields: &'a [Field<'a>], name: &Cow<str>| {
        fields.iter().find(|(other, _)| other == name).map(|(_, value)| *value)
    };
    let mut pairs: Vec<Pair<'a>> =
        new.iter().map(|(name, after)| (name.as_ref(), value(old, name), Some(*after))).collect();
    let mut place = 0;
    for (name, before) in old {
        match pairs.iter().position(|(other, ..)| *other == name.as_ref()) {
            Some(found) => place = found + 1,
            None => {
                pairs.insert(place, (name.as_ref(), Some(*before), None));
                place += 1;
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(changes: &[FieldChange]) -> Vec<&str> {
        changes.iter().map(|change| change.field.as_str()).collect()
    }

    #[test]
    fn an_update_lists_its_fields_with_both_values() {
        let old = Json::parse(r#"{"name":"a","price":1.10}"#);
        let new = Json::parse(r#"{"name":null,"price":1.1}"#);
        let changes = FieldChange::between(old.as_ref(), new.as_ref(), &[]);
        assert_eq!(names(&changes), ["name", "price"]);
        assert_eq!(changes[0].new_text, None);
        assert_eq!(changes[1].old_text.as_deref(), Some("1.10"));
    }

    #[test]
    fn redacted_fields_stand_in_their_column_s_place_without_values() {
        let new = Json::parse(r#"{"a":1,"b":2}"#);
        let redacted = [("r".to_owned(), 1), ("s".to_owned(), 2)];
        let changes = FieldChange::between(None, new.as_ref(), &redacted);
        assert_eq!(names(&changes), ["a", "r", "b", "s"]);
        assert!(changes[1].redacted && changes[1].new.is_none() && changes[1].new_text.is_none());
    }

    #[test]
    fn a_field_of_one_image_only_keeps_its_place() {
        let old = Json::parse(r#"{"a":1,"gone":2,"b":3}"#);
        let new = Json::parse(r#"{"a":1,"b":3}"#);
        assert_eq!(names(&FieldChange::between(old.as_ref(), new.as_ref(), &[])), ["a", "gone", "b"]);
    }
}
