//! What PostgreSQL's refusals mean to the one who asked for the undo.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgDatabaseError;

use crate::audit::Error;

/// What a refusal means; none where it is none. The values of hidden columns are not told.
pub(super) fn refusal(error: &DbErr, hidden: &[String]) -> Option<Error> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return None;
    };
    let sqlx::Error::Database(refusal) = &**cause else { return None };
    let refusal = refusal.try_downcast_ref::<PgDatabaseError>()?;
    let (code, table) = (refusal.code(), refusal.table().unwrap_or_default());
    let detail = refusal.detail().map(|detail| format!(": {}", shown(detail, hidden))).unwrap_or_default();
    let constraint = refusal.constraint().unwrap_or("without a name");
    match code {
        "42501" if refusal.message().contains("for function") => Some(Error::forbidden(format!(
            "the server's database role may not do this: {}; run `afterimage migrate --runtime-role ROLE` with it again",
            refusal.message()
        ))),
        "42883" if refusal.message().contains("afterimage.write_as_") => Some(Error::not_undoable(
            "what an undo writes this table by is not there: the table was tracked by an earlier version, or has a new \
             owner; track it again",
        )),
        "42501" if refusal.message().contains("row-level security") => Some(Error::forbidden(format!(
            "a policy hides rows from the server's database role, or from the owner of the table: {}; ALTER ROLE … \
             BYPASSRLS for that role, or take FORCE ROW LEVEL SECURITY off the table",
            refusal.message()
        ))),
        "42501" => Some(Error::forbidden(format!(
            "the server's database role may not do this: {}; as the table's owner, GRANT USAGE on its schema and \
             GRANT SELECT, INSERT, UPDATE, DELETE on the table to that role",
            refusal.message()
        ))),
        // A domain has its own checks, and a row that fits no partition breaks a constraint that has no name.
        "23503" | "23505" | "23P01" | "23514" | "23502" | "428C9"
            if table.is_empty() || refusal.constraint().is_none() && code == "23514" =>
        {
            Some(Error::conflict(format!("the database refuses the change: {}", refusal.message())))
        }
        "23503" => {
            Some(Error::conflict(format!("the foreign key {constraint:?} of {table:?} stands in the way{detail}")))
        }
        "23505" | "23P01" => {
            Some(Error::conflict(format!("the constraint {constraint:?} of {table:?} is taken{detail}")))
        }
        "23514" => Some(Error::conflict(format!("the check {constraint:?} of {table:?} refuses the row"))),
        "23502" => Some(Error::not_undoable(format!(
            "the column {:?} of {table:?} must have a value, and the log has none for it",
            refusal.column().unwrap_or_default()
        ))),
        "428C9" => Some(Error::not_undoable(format!("{table:?} lets nobody set that column: {}", refusal.message()))),
        // A value that the column's present type does not take, or an error that a trigger of the user's raised.
        code if !is_ours(code) => {
            Some(Error::conflict(format!("the database refuses the change: {}", refusal.message())))
        }
        _ => None,
    }
}

/// Whether the error is about the server, its connection or its rights, and not about the user's data: these are the
/// classes of the standard and of PostgreSQL's that speak of such; a trigger may raise any other.
fn is_ours(code: &str) -> bool {
    ["08", "25", "28", "34", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "F0", "HV", "XX"]
        .iter()
        .any(|class| code.starts_with(class))
}

/// `Key (sku)=(a) already exists.`, without the values where one of the columns is hidden.
fn shown(detail: &str, hidden: &[String]) -> String {
    let Some((columns, _)) = detail.split_once(")=(") else { return detail.to_owned() };
    match hidden.iter().any(|column| columns.contains(column.as_str())) {
        true => format!("{columns}), with values that are not shown"),
        false => detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_hidden_value_is_not_told() {
        let detail = "Key (sku, pin)=(a, 1234) already exists.";
        assert_eq!(shown(detail, &[]), detail);
        assert_eq!(shown(detail, &["pin".to_owned()]), "Key (sku, pin), with values that are not shown");
    }
}
