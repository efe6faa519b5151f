//! Refusing writes that carry no user.

use super::names::literal;
use super::stash::Stash;
use crate::capture::Table;
use crate::capture::table::NOBODY;

/// Whether no one is named: by the server, which counts alone, or by the application.
fn no_user() -> String {
    let nobody = NOBODY.map(literal).join(", ");
    format!(
        "CASE WHEN EXISTS (SELECT 1 FROM afterimage_server_context) \
         THEN NOT EXISTS (SELECT 1 FROM afterimage_server_context WHERE user_id <> '') \
         ELSE NOT EXISTS (SELECT 1 FROM afterimage_context WHERE id = (SELECT max(id) FROM afterimage_context) \
         AND trim(user_id, ' ' || char(9, 10, 13)) NOT IN ({nobody}) \
         AND created_at BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-10 minutes') \
         AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes')) END"
    )
}

/// The statement that fails the change which this trigger is about to record, where no user is named; none for a trigger
/// that records nothing, or nothing that another does not refuse.
pub fn refusal(table: &Table, stash: &Stash<'_>, event: &str) -> Option<String> {
    let recorded = match event {
        "insert" | "update" | "rekey" | "delete" => String::new(),
        // An update of what is ignored may still delete other rows.
        "updateover" => format!(" AND EXISTS (SELECT 1 FROM afterimage_stash WHERE {})", stash.gone_by_update()),
        _ => return None,
    };
    let message = format!(
        "{} takes no change without a user: in the same transaction, first insert into afterimage_context (user_id) \
         values (...), last delete from afterimage_context",
        table.name
    );
    Some(format!("SELECT RAISE(ABORT, {}) WHERE {}{recorded}", literal(&message), no_user()))
}
