//! What a trigger does once its table is no longer the one that it was made for.
//!
//! Columns may have been added, renamed, retyped or dropped, and the key replaced, before somebody tracks the table
//! again. The generated code would then miss changes, or fail the write; so each function first compares the table's
//! shape with the one that it knows, and otherwise records the change by a statement that the database makes from its
//! catalogue. The comparison is a constant to PostgreSQL until the table is altered: see the migration.

use serde_json::{Map, Value};

use super::catalogue::Relation;
use super::name::literal;
use super::require_user::refusal;
use crate::capture::table::{Choice, Hidden};

/// What a trigger records.
pub(super) struct Recording {
    /// The action of its entries. That of a changed key is found out there.
    pub(super) action: &'static str,
    /// The transition table, where it fires once a statement.
    pub(super) rows: Option<&'static str>,
}

/// Whether the table is another one than the code was made for, in SQL.
pub(super) fn is_altered(relation: &Relation) -> String {
    let number = relation.table.relation.unwrap_or_default();
    format!("afterimage.shape('{number}'::regclass) IS DISTINCT FROM {}", literal(&relation.shape))
}

/// The beginning of a trigger's code, which ends the call where the table was altered.
pub(super) fn record_altered(relation: &Relation, choice: &Choice, recording: &Recording) -> String {
    let number = relation.table.relation.unwrap_or_default();
    let arguments = format!(
        "'{}', {}, {}, {}",
        recording.action,
        literal(&relation.table.name),
        literal(&known(relation, &choice.hidden)),
        recording.rows.map_or_else(|| "NULL".to_owned(), literal),
    );
    let refusal = match choice.requires_user {
        true => refusal(&relation.table, recording.rows, "a.user_id"),
        false => String::new(),
    };
    format!(
        "  IF {} THEN
    DECLARE
      relation oid := coalesce(pg_partition_root(TG_RELID), TG_RELID);
      settings text[] := afterimage.pin_settings();
      era bigint := afterimage.current_era();
      a afterimage.author;
    BEGIN
      a := afterimage.author();
{refusal}      EXECUTE coalesce(
        CASE WHEN relation = {number} THEN afterimage.recording('{number}'::regclass, {arguments}) END,
        afterimage.recording_now(relation, {arguments}))
        USING OLD, NEW, a, era, database_role, NULL::text;
      PERFORM afterimage.set_settings(settings);
      RETURN NULL;
    END;
  END IF;
",
        is_altered(relation)
    )
}

/// The key's numbers in key order, and the hidden columns, each name with its number: a column that has either is hidden.
fn known(relation: &Relation, hidden: &Hidden) -> String {
    let numbers = |names: &[String]| -> Map<String, Value> {
        let columns = names.iter().filter_map(|name| relation.table.column(name));
        columns.map(|column| (column.name.clone(), column.number.into())).collect()
    };
    let mut known = Map::new();
    let key = relation.table.primary_key.iter().filter_map(|name| relation.table.column(name));
    known.insert("key".to_owned(), key.map(|column| column.number).collect());
    known.insert("redacted".to_owned(), numbers(&hidden.redacted).into());
    known.insert("ignored".to_owned(), numbers(&hidden.ignored).into());
    Value::from(known).to_string()
}
