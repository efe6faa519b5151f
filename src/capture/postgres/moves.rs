//! Rows that an UPDATE moves to another partition.
//!
//! PostgreSQL deletes the row here and inserts it there, and fires no AFTER UPDATE trigger. The log has it as what it is:
//! a change of the key, whose two entries point at each other.

use super::altered::is_altered;
use super::catalogue::Relation;
use super::image::record_id;
use super::triggers::{Trigger, differs, trigger};

/// Whether rows of the table may move. The new key of a row must be known before it is written.
fn may_move(relation: &Relation) -> bool {
    let table = &relation.table;
    let computed = |key: &String| table.column(key).is_some_and(|column| column.generated);
    !relation.partition_keys.is_empty() && !table.primary_key.iter().any(computed)
}

/// The triggers that find out which rows move; none for most tables.
pub(super) fn triggers(relation: &Relation) -> Vec<Trigger> {
    if !may_move(relation) {
        return Vec::new();
    }
    let (table, on) = (&relation.table, &relation.table.sql_name);
    let number = table.relation.unwrap_or_default();
    let moves: Vec<String> = relation.partition_keys.iter().map(|key| differs(key)).collect();
    let body = |call: String, row: &str| {
        let altered = is_altered(relation);
        format!("BEGIN\n  IF NOT ({altered}) THEN PERFORM afterimage.{call}; END IF;\n  RETURN {row};\nEND")
    };
    let (old, new) = (record_id(table, "OLD"), record_id(table, "NEW"));
    vec![
        // The last of the BEFORE triggers sees the row as it will be.
        trigger(
            relation,
            "~~~afterimage_move",
            format!("BEFORE UPDATE ON {on} FOR EACH ROW WHEN ({})", moves.join(" OR ")),
            true,
            body(format!("may_move(TG_RELID, {old}, {new})"), "NEW"),
        ),
        trigger(
            relation,
            "!afterimage_leave",
            format!(
                "BEFORE DELETE ON {on} FOR EACH ROW \
                 WHEN (pg_catalog.current_setting('afterimage.move_' || (pg_catalog.pg_trigger_depth() + 1), true) <> '')"
            ),
            true,
            body(format!("leaves({number}, TG_RELID, {old})"), "OLD"),
        ),
    ]
}

/// What a deletion or a creation does first where rows may move: it asks for the other half, and keeps its key in the
/// variable of this name.
pub(super) fn other_half(relation: &Relation, action: &str) -> Option<(&'static str, String)> {
    if !may_move(relation) {
        return None;
    }
    let number = relation.table.relation.unwrap_or_default();
    let call = match action {
        "DELETE" => format!("moved_to({number}, {})", record_id(&relation.table, "OLD")),
        _ => format!("moved_from({})", record_id(&relation.table, "NEW")),
    };
    let code =
        format!("  IF current_setting('afterimage.moved', true) <> '' THEN previous := afterimage.{call}; END IF;\n");
    Some(("previous", code))
}

/// What an update of the key does where rows may move: this one did not.
pub(super) fn stayed(relation: &Relation) -> &'static str {
    match may_move(relation) {
        true => "    PERFORM set_config('afterimage.move_' || pg_trigger_depth(), '', true);\n",
        false => "",
    }
}
