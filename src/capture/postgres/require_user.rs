//! Refusing writes that carry no user.

use super::name::literal;
use crate::capture::table::{NOBODY, Table};

/// The name under which the refusal is told, as that of a constraint.
const CONSTRAINT: &str = "afterimage_require_user";

/// What fails a change that a trigger is about to record, where the expression `user` names nobody. `rows` is the
/// transition table of a statement's trigger, which fires also where the statement changed nothing; a row's has none.
///
/// A check violation, and no missing privilege: drivers and applications treat it as a fault of this very write.
pub(super) fn refusal(table: &Table, rows: Option<&str>, user: &str) -> String {
    let any = rows.map(|rows| format!(" AND EXISTS (SELECT FROM {rows})")).unwrap_or_default();
    let message = format!("{} takes no change without a user", table.name);
    let hint = "Say who in the same transaction: select set_config('afterimage.context', '{\"userId\":\"...\"}', true)";
    let nobody = NOBODY.map(literal).join(", ");
    format!(
        "  IF coalesce(translate({user}, E' \\t\\r\\n', ''), '') IN ({nobody}){any} THEN\n    \
         RAISE EXCEPTION USING errcode = 'check_violation', message = {},\n      hint = {}, schema = tg_table_schema, table = tg_table_name, constraint = '{CONSTRAINT}';\n  END IF;\n",
        literal(&message),
        literal(hint),
    )
}
