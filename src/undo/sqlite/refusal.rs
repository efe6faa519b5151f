//! What SQLite's refusals mean to the one who asked for the undo.

use sea_orm::{DbErr, RuntimeErr};

use crate::audit::Error;

/// What a refusal means; none where it is none. Its messages name columns and no values.
pub(super) fn refusal(error: &DbErr) -> Option<Error> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return None;
    };
    let sqlx::Error::Database(refusal) = &**cause else { return None };
    let code: i64 = refusal.code()?.parse().ok()?;
    let message = refusal.message();
    match code {
        // SQLITE_CONSTRAINT_FOREIGNKEY and _TRIGGER, by which RESTRICT speaks up.
        787 => Some(Error::conflict("a foreign key stands in the way: a row that this one refers to is missing")),
        1811 if message.contains("FOREIGN KEY") => {
            Some(Error::conflict("a foreign key stands in the way: rows that must stay refer to the row"))
        }
        // _NOTNULL
        1299 => {
            Some(Error::not_undoable(format!("a column must have a value, and the log has none for it ({message})")))
        }
        // _UNIQUE, _PRIMARYKEY, _ROWID
        2067 | 1555 | 2579 => Some(Error::conflict(format!("another row has taken a unique value since ({message})"))),
        // Any other constraint, a type that a STRICT table refuses, or an error that a trigger raised.
        code if code & 0xff == 19 || code & 0xff == 20 => {
            Some(Error::conflict(format!("the database refuses the change ({message})")))
        }
        _ => None,
    }
}
